"""`ringfort proxy` before nginx, node and scripted servers: bodies, tunnels, lies, failures."""
import contextlib
import hashlib
import json
import re
import socket
import ssl
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import peers  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, OK, TRUST, Origin, context_of, fetch, saying  # noqa: E402

PATTERN = bytes(range(256)) * 20_000  # 5 MB that are no text
BULK_BYTES = 128 * 1024 * 1024


def proxy(*flags, **options):
    return server.Server(*flags, identity=(origin.CERT, origin.CERT), does='proxy', **options)


def before(url, *flags, **options):
    """A proxy in front of one server."""
    return proxy('--upstream', url.rstrip('/'), *flags, **options)


# ------------------------------------------------------------------- other people's servers
@tap.case('proxy: a file of nginx comes through whole, over each kind of second hop')
def nginx_files():
    with peers.nginx({'page': PATTERN}) as (folder, clear, secure):
        for url, flags in ((clear, ()), (secure, ('--upstream-ca', TRUST.pem))):
            with before(url, *flags) as front:
                assert fetch(f'{front.url}/page')[0] == PATTERN
                head = fetch('--head', f'{front.url}/page')[0].decode()
                assert f'content-length: {len(PATTERN)}' in head.lower(), head
                assert b'404' in fetch('--include', f'{front.url}/none')[0].split(b'\r\n')[0]
                part = fetch('--header', 'range: bytes=100-299', f'{front.url}/page')[0]
                assert part == PATTERN[100:300]
                fetch('--data', '@-', '--method', 'PUT', f'{front.url}/in/put', data=PATTERN)
                assert (folder / 'in/put').read_bytes() == PATTERN
                (folder / 'in/put').unlink()
                front.stop()
                front.require_nothing_held()


@tap.case('proxy: node gives a body back while it still comes, and one connection serves all')
def node_echo():
    with peers.node() as (clear, secure), before(secure, '--upstream-ca', TRUST.pem) as front:
        assert fetch('--data', '@-', front.url, data=PATTERN)[0] == PATTERN
        told = origin.facts('--repeat', '20', '--data', 'text', front.url)
        counted = {dict(one['fields'])['x-connections'] for one in told}
        assert counted == {'1'}, counted
        with before(clear) as other:
            assert fetch('--data', '@-', other.url, data=PATTERN)[0] == PATTERN


@tap.case(f'proxy: {BULK_BYTES >> 20} MB go up and down whole, in memory that stays flat')
def bulk():
    up = None

    def script(connection, _):
        head, rest = origin.read_head(connection)
        if head.startswith('GET'):
            connection.sendall(f'HTTP/1.1 200 OK\r\ncontent-length: {BULK_BYTES}\r\n\r\n'.encode())
            for _ in range(BULK_BYTES // len(block)):
                connection.sendall(block)
            return
        left = BULK_BYTES - len(rest)
        up.update(rest)
        while left:
            piece = connection.recv(1 << 20)
            left -= len(piece)
            up.update(piece)
        connection.sendall(OK)

    block = hashlib.sha256(b'block').digest() * 32_768  # 1 MB
    whole = hashlib.sha256()
    bulk_file = FOLDER / 'bulk'
    with bulk_file.open('wb') as file:
        for _ in range(BULK_BYTES // len(block)):
            whole.update(block)
            file.write(block)
    with Origin(script) as back, before(back.url) as front:
        taken = FOLDER / 'taken'
        grown_bytes = []
        for _ in range(2):
            before_bytes = front.memory_bytes('VmHWM')
            up = hashlib.sha256()
            fetch('--data', f'@{bulk_file}', front.url)
            assert up.digest() == whole.digest()
            fetch('-o', taken, front.url)
            assert hashlib.sha256(taken.read_bytes()).digest() == whole.digest()
            grown_bytes.append(front.memory_bytes('VmHWM') - before_bytes)
    # At first the pools are touched, once.
    assert grown_bytes[0] < 64 * 1024 * 1024 and grown_bytes[1] < 1024 * 1024, grown_bytes


# ------------------------------------------------------------------- tunnels
@tap.case('proxy: a WebSocket is opened through it, and carries frames both ways until each ends')
def websocket():
    def script(connection, scripted):
        head, _ = origin.read_head(connection)
        scripted.heads.append(head)
        connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n'
                           b'Upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n\x81\x02hi')
        while piece := connection.recv(65536):
            connection.sendall(piece)

    with Origin(script) as back, before(back.url) as front:
        with contextlib.closing(front.connect(trusting())) as client:
            client.sendall(b'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\n'
                           b'upgrade: websocket\r\nsec-websocket-key: k\r\n\r\n')
            said = read_until(client, b'\x81\x02hi')
            assert b'101 Switching' in said and b'sec-websocket-accept: x' in said, said
            for frame in (b'\x82\x05frame', bytes(100_000)):
                client.sendall(frame)
                assert read_until(client, frame) == frame
    assert re.search('(?i)upgrade: websocket', back.heads[0]), back.heads
    assert 'sec-websocket-key: k' in back.heads[0], back.heads


def trusting():
    return ssl.create_default_context(cafile=TRUST.pem)


def read_until(connection, end):
    read = b''
    while not read.endswith(end):
        piece = connection.recv(65536)
        assert piece, f'ended after {read[-200:]!r}'
        read += piece
    return read


# ------------------------------------------------------------------- lies
LIES = {
    'two lengths': 'Content-Length: 4\r\nContent-Length: 40\r\n\r\nbody',
    'length and chunks': 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a coding before chunked': 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'a coding after chunked': 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'chunked with a mark': 'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    'chunked twice': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunked in quotes': 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    'a space before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'a folded line': 'X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a bare LF': 'X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a bare CR': 'X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'NUL in a value': 'X: a\0b\r\n\r\n',
    'a length with a plus': 'Content-Length: +4\r\n\r\nbody',
    'a length in hex': 'Content-Length: 0x4\r\n\r\nbody',
    'a length that overflows': 'Content-Length: 18446744073709551620\r\n\r\nbody',
    'a list of lengths': 'Content-Length: 4, 4\r\n\r\nbody',
    'two hosts': 'Host: evil\r\n\r\n',
    'chunks with bare LF': 'Transfer-Encoding: chunked\r\n\r\n4\nbody\n0\n\n',
    'a chunk size with a sign': 'Transfer-Encoding: chunked\r\n\r\n+4\r\nbody\r\n0\r\n\r\n',
    'a chunk longer than it says': 'Transfer-Encoding: chunked\r\n\r\n1\r\nbody\r\n0\r\n\r\n',
    'a chunk size that overflows':
        'Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\nbody\r\n0\r\n\r\n',
}
SECOND = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'


def lie(front, lie_text):
    """Everything that is answered to a lie with another request behind it."""
    with contextlib.closing(front.connect(trusting())) as client:
        client.sendall(f'POST /lie HTTP/1.1\r\nHost: a\r\n{lie_text}{SECOND}'.encode('latin-1'))
        with contextlib.suppress(OSError):
            return server.read_to_end(client)
        return b''


@tap.case(f'proxy: of {len(LIES)} ways to say two lengths, none brings node or nginx another')
def smuggling():
    with peers.node() as (node, _), peers.nginx({'lie': b'taken'}) as (_, nginx, __):
        for back in (node, nginx):
            with before(back) as front:
                for name, text in LIES.items():
                    answer = lie(front, text)
                    statuses = re.findall(rb'HTTP/1\.1 (\d+)', answer)
                    assert statuses in ([b'400'], [b'501']), (name, answer)


@tap.case('proxy: whatever goes on is one request with one framing, as a scripted server sees it')
def one_framing():
    truths = {
        'chunks and an extension': ('Transfer-Encoding: chunked\r\n\r\n4;a=b\r\nbody\r\n0\r\n\r\n',
                                    b'body'),
        'a length': ('Content-Length: 4\r\n\r\nbody', b'body'),
        'Connection names the length': ('Connection: content-length, transfer-encoding\r\n'
                                        'Content-Length: 4\r\n\r\nbody', b'body'),
        'no body': ('\r\n', b''),
    }
    with Origin(saying(OK)) as back, before(back.url) as front:
        for name, (text, body) in truths.items():
            back.heads.clear(), back.bodies.clear()
            with contextlib.closing(front.connect(trusting())) as client:
                client.sendall(f'POST /one HTTP/1.1\r\nHost: a\r\n{text}'
                               'GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
                answer = server.read_to_end(client)
            assert answer.count(b'HTTP/1.1 200') == 2, (name, answer)
            assert back.bodies == [body, b''], (name, back.bodies)
            for head in back.heads:
                framing = re.findall(r'(?im)^(content-length|transfer-encoding):', head)
                assert len(framing) <= 1, (name, head)


@tap.case('proxy: what a client claims of itself is dropped; what a trusted proxy says goes on')
def claims():
    lies = ['--header', 'forwarded: for=6.6.6.6', '--header', 'x-forwarded-for: 6.6.6.6',
            '--header', 'X-Forwarded-Proto: gopher', '--header', 'x-forwarded-host: evil',
            '--header', 'x-real-ip: 6.6.6.6', '--header', 'x-forwarded-client-cert: evil']
    with Origin(saying(OK)) as back:
        with before(back.url) as front:
            fetch(*lies, front.url)
            host = f'localhost:{front.port}'
        told = dict(line.split(': ', 1) for line in back.heads[0].split('\r\n')[1:])
        assert told['x-forwarded-for'] == '127.0.0.1' and told['x-forwarded-proto'] == 'https', told
        assert told['x-forwarded-host'] == told['host'] == host, told
        assert told['forwarded'] == f'for=127.0.0.1;host="{host}";proto=https', told
        assert 'evil' not in back.heads[0] and '6.6.6.6' not in back.heads[0], back.heads
        with before(back.url, '--trusted-proxy', '127.0.0.1') as inner, \
                before(inner.url, '--upstream-ca', TRUST.pem) as outer:
            fetch(outer.url)
            public = f'localhost:{outer.port}'
        assert f'for=127.0.0.1;host="{public}";proto=https' in back.heads[-1], back.heads[-1]
        assert back.heads[-1].count('via: 1.1 ringfort') == 2, back.heads[-1]


# ------------------------------------------------------------------- failures
def status_and_field(url, *flags):
    head = fetch('--include', *flags, url)[0].partition(b'\r\n\r\n')[0].decode()
    field = re.search(r'(?i)proxy-status: (.*)', head)
    return int(head.split()[1]), field[1] if field else ''


@tap.case('proxy: a server that is not there, or not believed, is 502 and says which of them')
def failures():
    with before(f'http://127.0.0.1:{origin.free_port()}') as front:
        status, field = status_and_field(front.url)
        assert status == 502 and field.startswith('ringfort; error=connection_refused'), field
    with Origin(saying(OK), context_of()) as back:
        with before(back.url) as front:
            status, field = status_and_field(front.url)
            assert (status, 'tls_certificate_error' in field) == (502, True), field
            front.stop()
            assert front.faults() == {'tls_handshake.server_certificate_unknown_issuer': 1}
        other = ('--upstream-ca', TRUST.pem, '--upstream-servername', 'other')
        with before(back.url, *other) as front:
            field = status_and_field(front.url)[1]
            assert 'server_certificate_wrong_name in tls' in field, field
        with before(back.url.replace('https', 'http')) as front:
            status, field = status_and_field(front.url)
            assert status == 502 and 'ringfort; error=' in field, field
    answer = b'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'
    with Origin(saying(answer)) as back, before(back.url) as front:
        assert status_and_field(front.url) == (502, '')


@tap.case('proxy: while one server of two is gone the other has all requests, and none fails')
def one_gone():
    one = Origin(saying(OK))
    with Origin(saying(OK)) as other, \
            proxy('--upstream', one.url.rstrip('/'), '--upstream', other.url.rstrip('/')) as front:
        with one:
            for _ in range(10):
                assert fetch(front.url)[0] == b'ok'
            assert len(one.heads) == len(other.heads) == 5
        for _ in range(10):
            assert fetch('--data', 'text', front.url)[0] == b'ok'
        assert len(one.heads) + len(other.heads) == 20


# ------------------------------------------------------------------- what it says
@tap.case('proxy: spans say what is protected, at the start and to inspect')
def spans():
    admin = FOLDER / 'admin'
    with proxy('--upstream', 'http://10.0.0.7:8080', '--upstream', 'https://b.example',
               '--upstream', 'http://unix:/run/c.socket', '--admin', admin) as front:
        lines = [front.process.stdout.readline().rstrip('\n') for _ in range(4)]
        assert lines == ['public client -> ringfort - HTTPS', 'ringfort -> 10.0.0.7:8080 - HTTP',
                         'ringfort -> b.example:443 - HTTPS, verified as b.example',
                         'ringfort -> unix:/run/c.socket - HTTP'], lines
        told = json.loads(subprocess.run(
            [server.PROGRAM, 'inspect', '--admin', admin, '--json', 'spans'],
            capture_output=True, check=True, timeout=server.PATIENCE_S).stdout)
        assert told[1] == {'hop': 'ringfort -> 10.0.0.7:8080', 'protection': 'HTTP'}, told


@tap.case('proxy: a server on a unix socket is asked like any other')
def unix_upstream():
    path = FOLDER / 'upstream.socket'
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with before(f'http://unix:{path}') as front:
            command = [server.PROGRAM, 'fetch', '--cacert', TRUST.pem, front.url]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
                accepted, _ = listener.accept()
                head, _ = origin.read_head(accepted)
                accepted.sendall(OK)
                assert client.stdout.read() == b'ok'
                accepted.close()
    assert head.startswith('GET / HTTP/1.1\r\nhost: localhost:'), head


@tap.case('proxy: what is no URL, or says half of an identity, is refused before it listens')
def refused():
    for flags in (('--upstream', 'ftp://a'), ('--upstream', 'http://a/path'), (),
                  ('--upstream', 'http://a', '--upstream-cert', 'x'),
                  ('--upstream', 'http://a', '--trusted-proxy', '10.0.0.0/33')):
        done = subprocess.run([server.PROGRAM, 'proxy', '--plain', *flags], capture_output=True,
                              timeout=server.PATIENCE_S)
        assert done.returncode == 64, (flags, done)


tap.run()
