"""Upgrade and CONNECT on the running program: raw bytes both ways, in clear text and over TLS."""
import contextlib
import random
import select
import ssl
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

UPGRADE = (b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
CONNECT = b'CONNECT localhost:1 HTTP/1.1\r\nhost: localhost:1\r\n\r\n'
BYTES = 16 * 1024 * 1024
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def read_head(connection):
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        head += connection.recv(1)
    return head


def echoed(connection, data):
    """Sends and reads by turns, so that neither side's window stops the other; what came back."""
    connection.setblocking(False)
    back, sent = bytearray(), 0
    while len(back) < len(data):
        moved = 0
        with contextlib.suppress(*NOT_NOW):
            moved = connection.send(data[sent:sent + 65536]) if sent < len(data) else 0
            sent += moved
        with contextlib.suppress(*NOT_NOW):
            piece = connection.recv(65536)
            assert piece, f'ended after {len(back)} bytes'
            back += piece
            moved += len(piece)
        if not moved:
            waits_to_send = [connection] if sent < len(data) else []
            ready = select.select([connection], waits_to_send, [], server.PATIENCE_S)
            assert any(ready), f'stuck after {sent} bytes out and {len(back)} back'
    connection.settimeout(server.PATIENCE_S)
    return bytes(back)


def passes_through(request, status, plain):
    data = random.Random(3).randbytes(BYTES)
    with server.Server('--handler', 'echo', '--body-idle-timeout', '1s', plain=plain) as serving:
        with contextlib.closing(serving.connect()) as client:
            client.sendall(request)
            head = read_head(client)
            assert head.startswith(b'HTTP/1.1 ' + status), head
            assert b'content-length' not in head and b'transfer-encoding' not in head, head
            assert echoed(client, data) == data
            if plain:
                client.shutdown(1)
                assert server.read_to_end(client) == b''
            else:
                client.unwrap().close()  # close_notify, answered by one.
        serving.stop()
        assert serving.faults() == {}, serving.faults()
        serving.require_nothing_held()


for name, request, status in (('an upgrade', UPGRADE, b'101 '), ('CONNECT', CONNECT, b'200 ')):
    for plain in (True, False):
        @tap.case(f"tunnels: {name} {'in clear text' if plain else 'over TLS'} passes 16 MiB and "
                  'its end')
        def case(request=request, status=status, plain=plain):
            passes_through(request, status, plain)


@tap.case('tunnels: one that nothing goes through ends by --tunnel-timeout, with its row')
def idle():
    with server.Server('--handler', 'echo', '--tunnel-timeout', '200ms', plain=True) as serving:
        with serving.socket() as client:
            client.sendall(UPGRADE)
            assert read_head(client).startswith(b'HTTP/1.1 101 ')
            assert server.read_to_end(client) == b''
        serving.stop()
        assert serving.faults() == {'request_stream.tunnel_timed_out': 1}, serving.faults()


@tap.case('tunnels: an upgrade that nobody takes is an ordinary request')
def not_taken():
    with server.Server('--handler', 'hello', plain=True) as serving:
        with serving.socket() as client:
            client.sendall(UPGRADE + UPGRADE.replace(b'upgrade\r\n', b'upgrade, close\r\n'))
            answers = server.read_to_end(client)
        assert answers.count(b'HTTP/1.1 200 OK\r\n') == 2, answers


tap.run()
