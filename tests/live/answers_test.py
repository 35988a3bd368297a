"""What an answer's bytes alone do not tell: how they are cut, when they stop, and how they end."""
import re
import socket
import ssl
import struct
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

MIB = 1 << 20
GET = b'GET /%d HTTP/1.1\r\nhost: localhost\r\n\r\n'
LAST_GET = GET[:-2] + b'connection: close\r\n\r\n'
DATE = re.compile(rb'\r\ndate: [^\r]*')
LONG = b'POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n'


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def receive_until(connection, text):
    seen = b''
    while text not in seen:
        piece = connection.recv(65536)
        assert piece, f'{text} did not come: {seen}'
        seen += piece
    return seen


def rest(connection):
    """What still comes, and how it ends: 'notified', 'FIN' or 'RST'."""
    seen = b''
    try:
        while piece := connection.recv(65536):
            seen += piece
        return seen, 'notified'
    except ssl.SSLEOFError:
        return seen, 'FIN'
    except ConnectionResetError:
        return seen, 'RST'


def strictly(serving):
    """A TLS connection that tells an end with close_notify from one without."""
    return server.client_context().wrap_socket(serving.socket(), server_hostname='localhost',
                                               suppress_ragged_eofs=False)


@tap.case('HP-23: a request in records of one byte, or in two cut anywhere, is the same request')
def records():
    request = GET % 5 + LAST_GET % 3
    with server.Server('--handler', 'source') as serving:
        seen = set()
        for ends in ([len(request)], range(1, len(request) + 1),
                     *((cut, len(request)) for cut in range(1, len(request)))):
            with serving.connect() as connection:
                start = 0
                for end in ends:
                    connection.sendall(request[start:end])
                    start = end
                seen.add(DATE.sub(b'', server.read_to_end(connection)))
        assert len(seen) == 1, seen
        assert seen.pop().endswith(b'connection: close\r\n\r\nabc')


@tap.case('KA-02: an answer that says close is followed by close_notify and FIN, in 1.2 and 1.3')
def close_is_told():
    with server.Server('--handler', 'source') as serving:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=server.certificates() / 'ca.pem')
            context.maximum_version = version
            with context.wrap_socket(serving.socket(), server_hostname='localhost',
                                     suppress_ragged_eofs=False) as connection:
                connection.sendall(LAST_GET % 3)
                seen, end = rest(connection)
                assert seen.endswith(b'\r\n\r\nabc') and end == 'notified', (seen, end)
                assert socket.socket.recv(connection, 1) == b'', 'no FIN after close_notify'


@tap.case('KA-05: a flight of requests is not read on while its answers are not taken')
def flood():
    with server.Server('--handler', 'source', plain=True) as serving:
        before = serving.memory_bytes('VmHWM')
        with serving.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            connection.settimeout(1)
            flight, taken = GET % 65536 * 1000, 0
            try:
                while taken < 64 * MIB:
                    taken += connection.send(flight)
            except TimeoutError:
                pass
            assert taken < 64 * MIB, 'all of it was read'
            reset(connection)
        grown = serving.memory_bytes('VmHWM') - before
        assert grown < 8 * MIB, f'grew by {grown} bytes'  # The flight asks for 64 MiB and more.


@tap.case('KA-08: a connection that is lost with requests waiting fails one answer, once')
def lost():
    with server.Server('--handler', 'source', plain=True) as serving:
        connection = serving.socket()
        connection.sendall(GET % (64 * MIB) * 50)
        receive_until(connection, b'\r\n\r\n')
        reset(connection)
        serving.wait_for_log('response_stream.peer_closed')
        serving.stop()
        assert serving.faults() == {'response_stream.peer_closed': 1}
        assert serving.metric('connections_open') == serving.metric('blocks_in_use') == 0


@tap.case('RF-02: no answer says who serves it')
def nameless():
    for handler in ('echo', 'facts', 'hello', 'sink', 'source', 'welcome'):
        with server.Server('--handler', handler, plain=True) as serving, \
                serving.connect() as connection:
            connection.sendall(LAST_GET % 1 + b'NONSENSE')
            head = server.read_to_end(connection).partition(b'\r\n\r\n')[0].lower()
            assert head.count(b'\r\ndate: ') == 1, head
            assert not re.search(rb'\r\n(server|via|x-powered-by):', head), head


@tap.case('RF-13: an answer that cannot go on has no last chunk and no close_notify')
def cut():
    for plain in (True, False):
        with server.Server('--handler', 'echo', plain=plain) as serving:
            with serving.connect() if plain else strictly(serving) as connection:
                connection.sendall(LONG + b'5\r\nhello\r\n')
                receive_until(connection, b'5\r\nhello\r\n')
                connection.sendall(b'nonsense\r\n')
                seen, end = rest(connection)
                assert b'0\r\n' not in seen, seen
                assert plain or end in ('FIN', 'RST'), end
            serving.stop()
            assert serving.faults() == {'http_parse.bad_chunk': 1}, serving.faults()


tap.run()
