"""The wire cases of tests/wire, sent to the running program: its statuses, or all of its bytes."""
import os
import pathlib
import re
import socket
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402
from wire_cases import bytes_of, cases  # noqa: E402

WIRE = server.ROOT / 'tests/wire'
DATE = rb'[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT'
DATE_BYTES = 29
CHUNKED_HEAD = b'transfer-encoding: chunked\r\n\r\n'
FLAGS = {'head_bytes_max': '--header-size-max', 'target_bytes_max': '--target-size-max',
         'fields_max': '--fields-max', 'trailer_bytes_max': '--trailer-size-max',
         'chunk_extension_bytes_max': '--chunk-extension-size-max', 'handler': '--handler',
         'requests_max': '--requests-max', 'unread_body_max': '--unread-body-max'}
CUTS_MAX = 256  # of a longer request, as many places spread over it
EACH_BYTE_MAX = 4096

# ------------------------------------------------------------------------------- servers

servers = {}
files = tempfile.TemporaryDirectory(prefix='ringfort-')
HELLO = pathlib.Path(files.name) / 'hello.txt'
HELLO.write_bytes(b'hello\n')
os.utime(HELLO, (1577836800, 1577836800))  # 2020-01-01, which its tag says too.


def server_for(words):
    words = {'handler': 'sink', **words}
    key = tuple(sorted(words.items()))
    if key not in servers:
        if words['handler'] == 'files':
            del words['handler']
        flags = [part for name, value in words.items() for part in (FLAGS[name], value)]
        if 'handler' not in words:
            flags += ['--root', files.name]
        servers[key] = server.Server(*flags, plain=True)
    return servers[key]


def connect(port):
    connection = socket.create_connection(('127.0.0.1', port), server.PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send_cut(connection, request, ends):
    start = 0
    for end in ends:
        connection.sendall(request[start:end])
        start = end


def each_byte(request):
    return range(1, len(request) + 1)


# ------------------------------------------------------------------------------- statuses

def statuses_of(events):
    """What the program answers to a client that sends all this and then ends its half."""
    wanted = []
    for event in events.splitlines():
        if event.startswith('end'):
            wanted.append(200)
        elif match := re.match(r'error \S+ (\d+)$', event):
            wanted.append(int(match[1]))
    return wanted


def statuses(port, request, ends):
    """But 100, which depends on what of the body has come."""
    with connect(port) as connection:
        send_cut(connection, request, ends)
        connection.shutdown(socket.SHUT_WR)
        text = server.read_to_end(connection).decode('latin-1')
    seen = [int(status) for status in re.findall(r'HTTP/1\.1 (\d{3}) ', text)]
    return [status for status in seen if status != 100]


for name, claim, blocks in cases(WIRE):
    @tap.case(f'live wire: {name}: {claim}')
    def replay(blocks=blocks):
        (_, words, text), (_, _, events) = blocks
        if int(words.get('head_bytes_max', 256)) < 256:
            raise tap.Skip('the program takes no head limit below 256 bytes')
        request, wanted = bytes_of(text), statuses_of(events)
        for ends in ((len(request),), each_byte(request)):
            seen = statuses(server_for(words).port, request, ends)
            assert seen == wanted, f'{seen} in {len(ends)} pieces, wanted {events}'


# ------------------------------------------------------------------------------- answers

def pattern_of(answer):
    return re.compile(DATE.join(map(re.escape, bytes_of(answer).split(b'{date}'))), re.S)


def size_of(answer):
    wanted = bytes_of(answer)
    return len(wanted) + wanted.count(b'{date}') * (DATE_BYTES - len('{date}'))


def joined(seen):
    """With the chunks of each body as one: where they are cut depends on how the request came."""
    done = b''
    while (head := seen.find(CHUNKED_HEAD)) >= 0:
        start = head + len(CHUNKED_HEAD)
        done, seen, body = done + seen[:start], seen[start:], b''
        while size := re.match(rb'([1-9a-f][0-9a-f]*)\r\n', seen):
            end = size.end() + int(size[1], 16)
            assert seen[end:end + 2] == b'\r\n', seen[:end + 2]
            body, seen = body + seen[size.end():end], seen[end + 2:]
        done += b'%x\r\n%s\r\n' % (len(body), body) if body else b''
    return done + seen


def ways(request):
    """Where to cut a request: nowhere, everywhere, and once at each place."""
    size = len(request)
    yield (size,)
    if size <= EACH_BYTE_MAX:
        yield each_byte(request)
    for cut in range(1, size, max(1, size // CUTS_MAX)):
        yield (cut, size)


def converse(port, turns, cut_turn, ends):
    """What each request is answered; one of them is sent in pieces."""
    seen = []
    with connect(port) as connection:
        for number, (request, answer) in enumerate(turns):
            send_cut(connection, request, ends if number == cut_turn else (len(request),))
            if number + 1 < len(turns):
                seen.append(connection.recv(size_of(answer), socket.MSG_WAITALL))
            else:
                connection.shutdown(socket.SHUT_WR)
                seen.append(server.read_to_end(connection))
    return seen


def check(port, turns, cut_turn, ends):
    for seen, (_, answer) in zip(converse(port, turns, cut_turn, ends), turns, strict=True):
        assert pattern_of(answer).fullmatch(joined(seen)), \
            f'cut at {list(ends)[:3]}: {seen[:2000]}, wanted {bytes_of(answer)[:2000]}'


for name, claim, blocks in cases(WIRE / 'answers'):
    @tap.case(f'live wire: answers/{name}: {claim}')
    def answer(blocks=blocks):
        assert [kind for kind, _, _ in blocks] == ['request', 'answer'] * (len(blocks) // 2)
        turns = [(bytes_of(request[2]), reply[2])
                 for request, reply in zip(blocks[::2], blocks[1::2], strict=True)]
        port = server_for(blocks[0][1]).port
        for cut_turn, (request, _) in enumerate(turns):
            for ends in ways(request):
                check(port, turns, cut_turn, ends)


@tap.case('live wire: an answer that differs in one byte, or goes on, is noticed')
def self_test():
    pattern = pattern_of('date: {date}\nx: \\{ab*2}\n\nend\\\n')
    good = b'date: Fri, 27 Nov 2026 21:01:24 GMT\r\nx: abab\r\n\r\nend'
    assert pattern.fullmatch(good)
    assert size_of('date: {date}\nx: \\{ab*2}\n\nend\\\n') == len(good)
    for wrong in (good + b'\r\n', good.replace(b'abab', b'ab'), good.replace(b'2026', b'26')):
        assert not pattern.fullmatch(wrong), wrong
    cut = CHUNKED_HEAD + b'1\r\nh\r\n4\r\nello\r\n0\r\n\r\n'
    assert joined(b'x' + cut + cut) == b'x' + 2 * (CHUNKED_HEAD + b'5\r\nhello\r\n0\r\n\r\n')
    assert joined(CHUNKED_HEAD + b'HTTP/1.1') == CHUNKED_HEAD + b'HTTP/1.1'
    assert bytes_of('a\\\nb\\\\\nc\n') == b'ab\\\r\nc\r\n'


@tap.case('live wire: every server that answered ends well, with nothing held')
def all_end():
    for one in servers.values():
        with one:
            one.stop()
            one.require_nothing_held()


tap.run()
