"""What `ringfort fetch` says, and how it exits, when a server fails: in each phase, in each way."""
import contextlib
import socket
import ssl
import struct
import sys
import threading

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import tap  # noqa: E402
from origin import (  # noqa: E402
    FOLDER, OK, Origin, context_of, facts, require_failure, saying)

SOON = '300ms'


# ------------------------------------------------------------------- resolve and connect
@contextlib.contextmanager
def name_server(answer):
    """Its address; `answer` makes a datagram of a question, or none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(('127.0.0.1', 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    question, client = asked.recvfrom(512)
                    if reply := answer(question):
                        asked.sendto(reply, client)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f'127.0.0.1:{asked.getsockname()[1]}'


def answering(rcode):
    """The question back, with this response code (RFC 1035 section 4.1.1)."""
    def answer(question):
        return question[:2] + struct.pack('>H', 0x8180 | rcode) + question[4:]
    return answer


@tap.case('CE-01: a name without an address is resolve.name_unknown, exit 6')
def unknown_name():
    with name_server(answering(3)) as place:
        line = require_failure(6, 'resolve.name_unknown', 'resolve', '--name-servers', place,
                               'https://nowhere.example/')
    assert ' alias=ENOTFOUND ' in line and ' origin=https://nowhere.example:443 ' in line, line


@tap.case('CE-01: name servers that refuse, and that are silent, are told apart, exit 6')
def no_name_server():
    for answer, code in ((answering(5), 'failed'), (lambda _: None, 'timed_out')):
        with name_server(answer) as place:
            require_failure(6, f'resolve.{code}', 'resolve', '--name-servers', place,
                            '--resolve-timeout', SOON, 'http://somewhere.example/')


@tap.case('CE-02: where nobody listens the connection is refused, exit 7')
def nobody():
    line = require_failure(7, 'connect.refused', 'connect',
                           f'https://127.0.0.1:{origin.free_port()}/')
    assert ' alias=ECONNREFUSED ' in line and ' reused=no: ' in line, line


@tap.case('CE-02: a server that takes no more connections is connect.timed_out, exit 7')
def full():
    with socket.create_server(('127.0.0.1', 0), backlog=0) as listener:
        with contextlib.ExitStack() as held:
            for _ in range(4):  # More than its queue has room for: SYNs are dropped from here on.
                one = held.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            require_failure(7, 'connect.timed_out', 'connect', '--connect-timeout', SOON,
                            f'http://127.0.0.1:{listener.getsockname()[1]}/')


# ------------------------------------------------------------------- the handshake
def before_tls(script):
    """A server that speaks as TLS would begin, for a URL of https://."""
    scripted = Origin(lambda connection, _: script(connection))
    scripted.url = scripted.url.replace('http:', 'https:')
    return scripted


def hello_then(end):
    def script(connection):
        connection.recv(65536)
        end(connection)
    return script


@tap.case('CE-03, CE-04: FIN and RST before TLS is up are the phase tls, exit 35')
def left():
    for script in (origin.close_at_once, origin.reset, hello_then(origin.close_at_once),
                   hello_then(origin.reset)):
        with before_tls(script) as scripted:
            line = require_failure(35, 'tls_handshake.peer_closed', 'tls', scripted.url)
        assert ' alias=ECONNRESET ' in line, line


@tap.case('CE-05: a server that speaks HTTP or SSH is no TLS server, exit 35')
def not_tls():
    def http(connection):
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
        origin.until_it_leaves(connection)

    def ssh(connection):
        connection.sendall(b'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')
        origin.until_it_leaves(connection)
    for script in (http, ssh):
        with before_tls(script) as scripted:
            line = require_failure(35, 'tls_handshake.server_not_tls', 'tls', scripted.url)
        assert ' alias=ERR_SSL_WRONG_VERSION_NUMBER ' in line, line


@tap.case('CE-06: a server of TLS 1.1 alone, and one without a common suite, are refused, exit 35')
def old():
    with Origin(saying(OK), context_of(version=ssl.TLSVersion.TLSv1_1)) as scripted:
        _, said = origin.fetch(scripted.url, status=35)
    assert 'code=tls_handshake.' in said and ' phase=tls ' in said, said
    stubborn = context_of(version=ssl.TLSVersion.TLSv1_2)
    stubborn.set_ciphers('ECDHE-ECDSA-AES256-GCM-SHA384')
    with Origin(saying(OK), stubborn) as scripted:
        line = require_failure(35, 'tls_handshake.peer_alert', 'tls', '--tls-max', '1.2',
                               '--suites', 'ECDHE-ECDSA-AES128-GCM-SHA256', scripted.url)
    assert '(detail 40: ' in line, line


@tap.case('CE-06: a server that takes another version than was offered is refused by its row')
def answers_old():
    def server_hello(connection):
        connection.recv(65536)
        body = b'\x03\x02' + bytes(32) + b'\0' + b'\xc0\x13' + b'\0'  # TLS 1.1
        message = b'\x02' + struct.pack('>I', len(body))[1:] + body
        connection.sendall(b'\x16\x03\x02' + struct.pack('>H', len(message)) + message)
        origin.until_it_leaves(connection)
    with before_tls(server_hello) as scripted:
        require_failure(35, 'tls_handshake.server_version_refused', 'tls', scripted.url)


@tap.case('CE-07: silence in the handshake is tls_handshake.timed_out, exit 35')
def silent_handshake():
    for script in (origin.until_it_leaves, hello_then(origin.until_it_leaves)):
        with before_tls(script) as scripted:
            require_failure(35, 'tls_handshake.timed_out', 'tls', '--handshake-timeout', SOON,
                            scripted.url)


# ------------------------------------------------------------------- request and wait
def big_file():
    """More than sockets take by themselves."""
    path = FOLDER / 'big'
    with path.open('wb') as file:
        file.truncate(64 * 1024 * 1024)
    return path


def head_then(end):
    def script(connection, scripted):
        scripted.heads.append(origin.read_head(connection)[0])
        end(connection)
    return script


def both():
    """Clear text and TLS."""
    return None, context_of()


@tap.case('CE-09: a server that leaves in the middle of the body is upload.peer_closed, exit 55')
def upload_cut():
    for context in both():
        with Origin(head_then(origin.reset), context) as scripted:
            require_failure(55, 'upload.peer_closed', 'upload', '--data', f'@{big_file()}',
                            scripted.url)


@tap.case('CE-09: a server that takes nothing of the body is upload.stalled, exit 55')
def upload_stalled():
    held = threading.Event()
    for context in both():
        held.clear()
        with Origin(head_then(lambda _: held.wait(60)), context) as scripted:
            require_failure(55, 'upload.stalled', 'upload', '--write-timeout', SOON, '--data',
                            f'@{big_file()}', scripted.url)
            held.set()


@tap.case('CE-08: a server that ends without a byte of an answer is answer.none, exit 52')
def no_answer():
    for context in both():
        for end in (origin.close_at_once, origin.reset, origin.close_in_order):
            with Origin(head_then(end), context) as scripted:
                _, said = origin.fetch(scripted.url, status=52)
            assert ' phase=wait ' in said, said
            if context is None or end is origin.close_in_order:
                assert ' code=answer.none ' in said, said


@tap.case('AB-05: silence after the request is answer.head_timed_out, exit 52; also for all phases')
def silent_answer():
    for context in both():
        for flag, code in (('--answer-timeout', 'answer.head_timed_out'),
                           ('--timeout', 'call.timed_out')):
            with Origin(head_then(origin.until_it_leaves), context) as scripted:
                require_failure(52, code, 'wait', flag, SOON, scripted.url)


# ------------------------------------------------------------------- the answer
CHUNKED = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
LENGTH = b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'


@tap.case('CE-11: an answer that is no HTTP, or has two lengths, is refused by its row, exit 56')
def garbage():
    for answer, code in (
            (b'220 smtp.example ready\r\n', 'malformed'), (b'junk' * 100, 'malformed'),
            (b'HTTP/2.0 200 OK\r\n\r\n', 'malformed'),
            (b'HTTP/1.1 200 OK\r\nbad name: a\r\n\r\n', 'bad_field'),
            (b'HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n', 'bad_field'),
            (b'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n', 'bad_length'),
            (LENGTH[:-2] + b'content-length: 11\r\n\r\n', 'two_lengths'),
            (CHUNKED[:-2] + b'content-length: 10\r\n\r\n', 'two_lengths'),
            (CHUNKED.replace(b'chunked', b'gzip, chunked'), 'bad_coding'),
            (b'HTTP/1.1 200 OK\r\n' + b'a: b\r\n' * 200 + b'\r\n', 'head_too_large'),
            (b'HTTP/1.1 200 OK\r\na: ' + b'b' * 20_000 + b'\r\n\r\n', 'head_too_large')):
        with Origin(saying(answer, then=origin.until_it_leaves), context_of()) as scripted:
            body, said = origin.fetch(scripted.url, status=56)
        assert body == b'' and f' code=answer.{code} ' in said, (answer[:40], said)


@tap.case('CE-12: a bad chunk behind a good head is answer.bad_chunk, exit 56')
def bad_chunk():
    for chunk in (b'zz\r\n', b'3\r\nabcd\r\n', b'fffffffffffffffff\r\n'):
        with Origin(saying(CHUNKED + chunk, then=origin.until_it_leaves)) as scripted:
            _, said = origin.fetch(scripted.url, status=56)
        assert ' code=answer.bad_chunk ' in said and ' phase=response ' in said, said


@tap.case('RS-01, RS-02: a body that is cut is a failure, whatever had come of it, exit 56')
def cut():
    for answer in (LENGTH + b'half', CHUNKED + b'4\r\nhalf\r\n', CHUNKED + b'9\r\nhalf'):
        for context in both():
            for end in (origin.close_in_order, origin.close_at_once):
                with Origin(saying(answer, then=end), context) as scripted:
                    body, said = origin.fetch(scripted.url, status=56)
                ended = context is None or end is origin.close_in_order
                code = 'answer.cut_short' if ended else 'tls_record.truncated'
                assert f' code={code} ' in said and ' phase=response ' in said, said
                assert b'half'.startswith(body), body
                with Origin(saying(answer, then=end), context) as scripted:
                    told, = facts(scripted.url, status=56)
                assert not told['complete'] and told['error']['code'] == code, told


@tap.case('AB-06: silence in the body is answer.body_timed_out, exit 56')
def silent_body():
    for context in both():
        with Origin(saying(LENGTH + b'half', then=origin.until_it_leaves), context) as scripted:
            body, said = origin.fetch('--body-idle-timeout', SOON, scripted.url, status=56)
        assert body == b'half' and ' code=answer.body_timed_out ' in said, said


@tap.case('RS-07: more fields than are taken, trailers among them, are refused')
def fields():
    trailers = b'0\r\n' + b'a: b\r\n' * 200 + b'\r\n'
    with Origin(saying(CHUNKED + trailers, then=origin.until_it_leaves)) as scripted:
        _, said = origin.fetch(scripted.url, status=56)
    assert ' code=answer.head_too_large ' in said, said


# ------------------------------------------------------------------- what is said of it
@tap.case('fetch: --json tells of a failure what its line tells, in one object')
def told():
    port = origin.free_port()
    one, = facts(f'http://127.0.0.1:{port}/', status=7)
    assert one['error']['code'] == 'connect.refused' and one['error']['origin'] == 'peer', one
    assert one['phase'] == 'connect' and 'status' not in one and one['tls'] is None, one


@tap.case('fetch: of several calls the first that failed says how the program exits')
def first_failure():
    with Origin(saying(LENGTH + b'half', then=origin.close_at_once)) as scripted:
        told = facts('--repeat', '3', scripted.url, status=56)
    assert [one['error']['code'] for one in told] == ['answer.cut_short'] * 3, told


@tap.case('fetch: a file that cannot be read or written is named, exit 78')
def files():
    of_trust = (('--cert', '/nonexistent', '--key', '/nonexistent'), ('--crl', '/nonexistent'),
                ('--cacert', '/nonexistent'), ('--extra-cacert', '/nonexistent'))
    of_bodies = (('--data', '@/nonexistent'), ('--data', f'@{FOLDER}'), ('-o', '/nonexistent/file'))
    with Origin(saying(OK)) as scripted:
        for url, group in (('https://localhost/', of_trust), (scripted.url, of_bodies)):
            for flags in group:
                said = origin.fetch(*flags, url, status=78, trust=None)[1]
                assert flags[1].lstrip('@') in said, (flags, said)


tap.run()
