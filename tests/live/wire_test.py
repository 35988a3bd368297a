"""The wire cases of tests/wire, sent to the running program: the answers' statuses."""
import re
import socket
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

WIRE = server.ROOT / 'tests/wire'
BLOCK = re.compile(r'^## (?P<claim>.+?)$.*?^```request(?P<limits>[^\n]*)\n(?P<request>.*?)^```\n'
                   r'```events\n(?P<events>.*?)^```$', re.M | re.S)
ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|\{.*?\*\d+\}|.)', re.S)
FLAGS = {'head_bytes_max': '--header-size-max', 'target_bytes_max': '--target-size-max',
         'fields_max': '--fields-max', 'trailer_bytes_max': '--trailer-size-max',
         'chunk_extension_bytes_max': '--chunk-extension-size-max'}


def unescape(match):
    what = match[1]
    if what[0] == 'x':
        return chr(int(what[1:], 16))
    if what[0] == '{':
        text, _, count = what[1:-1].rpartition('*')
        return ESCAPE.sub(unescape, text) * int(count)
    return {'r': '\r', 'n': '\n', 't': '\t', '0': '\0'}.get(what, what)


def bytes_of(request):
    lines = re.sub(r'\\\n', '\x00JOIN\x00', request).replace('\n', '\r\n')
    return ESCAPE.sub(unescape, lines.replace('\x00JOIN\x00', '')).encode('latin-1')


def statuses_of(events):
    """What the program answers to a client that sends all this and then ends its half."""
    wanted = []
    for event in events.splitlines():
        if event.startswith('end'):
            wanted.append(200)
        elif match := re.match(r'error \S+ (\d+)$', event):
            wanted.append(int(match[1]))
    return wanted


def answered(port, request):
    with socket.create_connection(('127.0.0.1', port), server.PATIENCE_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        text = server.read_to_end(connection).decode('latin-1')
    return [int(status) for status in re.findall(r'HTTP/1\.1 (\d{3}) ', text)]


servers = {}


def server_for(limits):
    flags = []
    for name, value in re.findall(r'(\w+)=(\d+)', limits):
        flags += [FLAGS[name], value]
    key = tuple(flags)
    if key not in servers:
        servers[key] = server.Server('--handler', 'sink', *flags, plain=True)
    return servers[key]


for path in sorted(WIRE.glob('*.md')):
    if path.name == 'README.md':
        continue
    for match in BLOCK.finditer(path.read_text()):
        too_small = [value for name, value in re.findall(r'(\w+)=(\d+)', match['limits'])
                     if name == 'head_bytes_max' and int(value) < 256]

        @tap.case(f"live wire: {path.name}: {match['claim']}")
        def replay(match=match, too_small=too_small):
            if too_small:
                raise tap.Skip('the program takes no head limit below 256 bytes')
            seen = answered(server_for(match['limits']).port, bytes_of(match['request']))
            assert seen == statuses_of(match['events']), f'{seen}, wanted {match["events"]}'


@tap.case('live wire: every server that answered ends well, with nothing held')
def all_end():
    for one in servers.values():
        with one:
            one.stop()
            assert one.metric('connections_open') == 0
            assert one.metric('blocks_in_use') == 0
            assert one.metric('receive_buffers_held') == 0


tap.run()
