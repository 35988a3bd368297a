"""Each layout between hosts of a network of its own: a client, Ringfort, and nginx, node or HAProxy
on the other hop. 1 GiB goes each way whole, in memory that stays flat; WebSockets echo."""
import base64
import contextlib
import functools
import hashlib
import os
import random
import re
import ssl
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import authority  # noqa: E402
import backends  # noqa: E402
import namespaces  # noqa: E402
import origin  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, TRUST  # noqa: E402

BLOCK_BYTES = 1 << 20
BULK_BYTES = 1 << 30
GROWTH_BYTES_MAX = 32 << 20  # 16 are the pool of receive buffers, each of them touched at first.
SITE, PASSED, BEHIND = 'site.example', 'passed.example', 'behind.example'
FRONT = TRUST.server('front', f'DNS:{SITE}')
BACK = TRUST.server('back', f'DNS:{SITE},DNS:{PASSED},DNS:{BEHIND}')
CLIENTS = authority.Authority(FOLDER / 'clients')
IDENTITY = CLIENTS.client('ringfort')
VERIFIED = ('--upstream-ca', TRUST.pem, '--upstream-servername', BEHIND, '--upstream-cert',
            IDENTITY, '--upstream-key', IDENTITY)
WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'  # RFC 6455 section 1.3
TEXT, BINARY, CLOSE = 1, 2, 8
PUBLIC = 'public client -> ringfort - HTTPS'


@functools.cache
def bulk():
    """A file no two blocks of which are alike, and its hash."""
    path, whole = FOLDER / 'bulk', hashlib.sha256()
    noise = random.Random(5).randbytes(BLOCK_BYTES - 8)
    with path.open('wb') as file:
        for number in range(BULK_BYTES // BLOCK_BYTES):
            block = number.to_bytes(8, 'big') + noise
            file.write(block)
            whole.update(block)
    return path, whole.hexdigest()


def hosts():
    return namespaces.network(client='192.0.2.1', ringfort='192.0.2.10', one='192.0.2.21',
                              two='192.0.2.22')


@contextlib.contextmanager
def serving(host, does, *flags, identity=(FRONT, FRONT), spans=()):
    """Ringfort there, which says what is protected between whom, and in the end holds nothing."""
    with server.Server(*flags, does=does, identity=identity, before=host.command(),
                       listen=('--listen', '127.0.0.1:0', '--listen', f'{host.address}:443'),
                       ) as front:
        said = [front.process.stdout.readline().rstrip('\n') for _ in spans]
        assert said == list(spans), said
        for line in said:
            print(f'# {line}', flush=True)
        yield front
        front.stop()
        front.require_nothing_held()


@contextlib.contextmanager
def flat(front):
    """The most that it holds until the end of the block is little more than what it held before."""
    before = front.memory_bytes()
    yield
    grown = front.memory_bytes('VmHWM') - before
    print(f'# {before >> 20} MiB before, at most {grown >> 10} KiB more', flush=True)
    assert grown < GROWTH_BYTES_MAX, grown


# ------------------------------------------------------------------- what clients do
def curl(client, host, *flags):
    return client.command('curl', '-sS', '--fail', '--cacert', TRUST.pem, '--speed-limit', 1,
                          '--speed-time', server.PATIENCE_S, '--connect-to',
                          f'::{host.address}:443', *flags)


def require_bulk(*command):
    """The program prints the file, whole."""
    whole, length = hashlib.sha256(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as asking:
        while piece := asking.stdout.read(BLOCK_BYTES):
            whole.update(piece)
            length += len(piece)
    assert asking.returncode == 0, f'{command}: exit {asking.returncode}'
    assert (length, whole.hexdigest()) == (BULK_BYTES, bulk()[1]), length


def pass_bulk(client, host, name, folder):
    """Down, and up: node answers with the hash of what came, nginx keeps it in its folder."""
    path, digest = bulk()
    require_bulk(*curl(client, host, f'https://{name}/{path.name}'))
    said = server.run(*curl(client, host, '-T', path, f'https://{name}/in/put'))
    if folder:
        kept = folder / 'in/put'
        assert kept.stat().st_size == BULK_BYTES
        with kept.open('rb') as file:
            said = hashlib.file_digest(file, 'sha256').hexdigest()
        kept.unlink()
    assert said == digest, said


def frame(opcode, payload, mask):
    """RFC 6455 section 5.2; what a client says is masked."""
    size = len(payload)
    short, more = (size, 0) if size < 126 else (126, 2) if size < 65_536 else (127, 8)
    length = size.to_bytes(more, 'big') if more else b''
    if not mask:
        return bytes([0x80 | opcode, short]) + length + payload
    masked = bytes(each ^ mask[at & 3] for at, each in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | short]) + length + mask + masked


def web_socket(client, host, name):
    """Frames of each kind of length come back; whose certificate it was."""
    context = ssl.create_default_context(cafile=TRUST.pem)
    with context.wrap_socket(client.connect(host, 443), server_hostname=name) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(f'GET /chat HTTP/1.1\r\nhost: {name}\r\nconnection: Upgrade\r\n'
                           f'upgrade: websocket\r\nsec-websocket-version: 13\r\n'
                           f'sec-websocket-key: {key}\r\n\r\n'.encode())
        head, rest = origin.read_head(connection)
        accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()).decode()
        assert head.startswith('HTTP/1.1 101 ') and not rest, head
        assert f'sec-websocket-accept: {accept}' in head, head
        stream = connection.makefile('rb')
        for opcode, payload in ((TEXT, b'text'), (BINARY, os.urandom(300)),
                                (BINARY, os.urandom(100_000)), (CLOSE, b'\x03\xe8')):
            connection.sendall(frame(opcode, payload, os.urandom(4)))
            back = frame(opcode, payload, None)
            assert stream.read(len(back)) == back, (opcode, len(payload))
        assert stream.read() == b''
        return dict(field for part in connection.getpeercert()['subject'] for field in part)


# ------------------------------------------------------------------- the layouts
@tap.case('layouts: direct - 1 GiB goes up and comes back whole')
def direct():
    admin = FOLDER / 'admin'
    with hosts() as (client, host, _, _), \
            serving(host, 'serve', '--handler', 'echo', '--admin', admin) as front, flat(front):
        require_bulk(*curl(client, host, '-T', bulk()[0], f'https://{SITE}/'))
        said = server.inspect(admin, 'spans')[1]
        assert re.search(r'^public client -> ringfort +HTTPS$', said, re.M), said


@contextlib.contextmanager
def other_hop(kind, one, two):
    """Who is asked, and the folder of nginx."""
    path = bulk()[0]
    with contextlib.ExitStack() as stack:
        if kind == 'nginx':
            yield one, stack.enter_context(backends.nginx(one, path, BACK, CLIENTS.pem))
            return
        stack.enter_context(backends.node(two, path, BACK))
        if kind == 'HAProxy':
            stack.enter_context(backends.haproxy(one, two, BACK, CLIENTS.pem))
        yield one if kind == 'HAProxy' else two, None


def clear(address, _):
    return ('--upstream', f'http://{address}'), (PUBLIC, f'ringfort -> {address}:80 - HTTP')


def encrypted(address, kind):
    port = 443 if kind == 'node' else 8443
    return ('--upstream', f'https://{address}:{port}', *VERIFIED), \
        (PUBLIC, f'ringfort -> {address}:{port} - HTTPS, verified as {BEHIND}, '
         'with a client certificate')


def passed(address, _):
    return ('--passthrough', f'{address}:443'), \
        (f'public client -> {address}:443 - HTTPS (passed through)',)


def goes_through(layout, kind):
    with hosts() as (client, host, one, two), other_hop(kind, one, two) as (asked, folder):
        flags, spans = layout(asked.address, kind)
        identity = () if layout is passed else (FRONT, FRONT)
        with serving(host, 'proxy', *flags, identity=identity, spans=spans) as front, flat(front):
            pass_bulk(client, host, SITE, folder)
            if kind != 'nginx':
                seen = web_socket(client, host, SITE)['commonName']
                assert seen == ('back' if layout is passed else 'front'), seen
            elif layout is encrypted:
                said = server.run(*curl(client, host, f'https://{SITE}/who'))
                assert said == f'CN=ringfort asks {BEHIND}', said


for layout, what in ((clear, 'TLS ends, then HTTP'), (encrypted, 'TLS ends, then HTTPS'),
                     (passed, 'passed through')):
    for kind in ('nginx', 'node', 'HAProxy'):
        @tap.case(f'layouts: {what}, {kind} behind - 1 GiB each way, whole, in flat memory')
        def case(layout=layout, kind=kind):
            goes_through(layout, kind)


@tap.case('layouts: mixed - of one port one name ends here and another is passed on')
def mixed():
    with hosts() as (client, host, one, two), other_hop('nginx', one, two), \
            other_hop('node', one, two):
        spans = (PUBLIC, f'ringfort -> {one.address}:80 - HTTP',
                 f'public client of {PASSED} -> {two.address}:443 - HTTPS (passed through)')
        with serving(host, 'proxy', '--upstream', f'http://{one.address}', '--passthrough',
                     f'{PASSED}={two.address}:443', spans=spans) as front, flat(front):
            for name in (SITE, PASSED):
                require_bulk(*curl(client, host, f'https://{name}/{bulk()[0].name}'))
            assert web_socket(client, host, PASSED)['commonName'] == 'back'


tap.run()
