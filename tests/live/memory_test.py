"""The memory of a shard stays below what its options allow, whatever its peers do."""
import contextlib
import re
import socket
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

PEERS = 1_000
# Small enough that the peers could pass it, if anything let them.
FLAGS = ['--connections-max', '4096', '--blocks', '4096', '--receive-buffers', '4096',
         '--handshakes-max', '256', '--min-rate', '0', '--write-timeout', '10m']
QUIET_ROUNDS = 20
PIECE = b'x' * 65_536


def bound_bytes(serving):
    return int(re.search(r'memory of a shard: at most (\d+) MiB', serving.first_line)[1]) << 20


def connect(serving):
    """With small buffers of the kernel's, so that what is held is the server's."""
    raw = socket.socket()
    for option in socket.SO_SNDBUF, socket.SO_RCVBUF:
        raw.setsockopt(socket.SOL_SOCKET, option, 16_384)
    raw.settimeout(server.PATIENCE_S)
    raw.connect(('127.0.0.1', serving.port))
    if serving.plain:
        return raw
    return server.client_context().wrap_socket(raw, server_hostname='localhost')


def push(connection):
    """As much as it takes now."""
    sent = 0
    with contextlib.suppress(BlockingIOError, server.ssl.SSLWantWriteError):
        while True:
            sent += connection.send(PIECE)
    return sent


def upload_until_stuck(serving, uploads):
    """Until nobody's bytes have moved for some rounds, in each of which a good client is served."""
    for connection in uploads:
        connection.setblocking(False)
    quiet = 0
    while quiet < QUIET_ROUNDS:
        moved = sum(push(connection) for connection in uploads)
        quiet = 0 if moved else quiet + 1
        assert serving.get('/', None)[0] == 200


def held_to_bound(plain):
    with server.Server('--handler', 'echo', *FLAGS, plain=plain) as echo, \
            server.Server('--handler', 'source', *FLAGS, plain=plain) as source, \
            contextlib.ExitStack() as peers:
        uploads = [peers.enter_context(connect(echo)) for _ in range(PEERS)]
        for connection in uploads:
            connection.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n')
        upload_until_stuck(echo, uploads)
        for _ in range(PEERS):
            client = peers.enter_context(connect(source))
            client.sendall(b'GET /1G HTTP/1.1\r\nhost: a\r\n\r\n')
        for _ in range(QUIET_ROUNDS):
            assert source.get('/13')[1] == b'abcdefghijklm'
        for serving, what in (echo, 'uploading'), (source, 'downloading'):
            peak, bound = serving.memory_bytes('VmHWM'), bound_bytes(serving)
            print(f'# {PEERS} {what}: {peak >> 20} MiB of {bound >> 20}', flush=True)
            assert peak <= bound, f'{what}: {peak} bytes, {bound} allowed'
        peers.close()
        for serving in echo, source:
            serving.stop()
            serving.require_nothing_held()
            assert 'response_stream.no_blocks' not in serving.faults(), serving.faults()


@tap.case('UP-02: 1,000 peers that are not read and 1,000 that do not read, in clear text')
def plain():
    held_to_bound(True)


@tap.case('memory: the same over TLS')
def encrypted():
    held_to_bound(False)


@tap.case('memory: settings that could pass --memory-max are refused, and say what they need')
def refused():
    done = server.subprocess.run(
        [server.PROGRAM, 'serve', '--plain', '--listen', '127.0.0.1:0', *FLAGS, '--memory-max',
         '64MiB'], capture_output=True, text=True, timeout=server.PATIENCE_S)
    assert done.returncode == 64, done
    assert done.stderr.startswith('ringfort: config.memory_exceeded: what a shard may hold'), done
    wanted = int(re.search(r'detail (\d+)', done.stderr)[1])
    with server.Server('--handler', 'hello', *FLAGS, '--memory-max', f'{wanted}MiB',
                       plain=True) as serving:
        assert serving.get()[0] == 200
        assert bound_bytes(serving) <= wanted << 20


tap.run()
