"""What strangers do to a port, and what the log says of it: each with its stage, and a right answer
for the next client."""
import contextlib
import os
import random
import resource
import signal
import socket
import ssl
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

GET = b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
IDLE_WANTED = 20_000


def require_service(serving):
    assert serving.get() == (200, b'Hello, world!')


def ended(connection):
    """Reads until the server has ended the connection, in order or not."""
    with contextlib.suppress(ConnectionResetError):
        return server.read_to_end(connection)


@tap.case('TE-01: plain HTTP to the TLS port is closed and logged as tls_handshake.plain_http')
def plain_http():
    with server.Server('--handler', 'hello') as serving:
        with serving.socket() as client:
            client.sendall(GET)
            ended(client)
        line, = serving.wait_for_log('tls_handshake.plain_http')
        assert 'peer=127.0.0.1:' in line and 'use https://' in line, line
        require_service(serving)


@tap.case('TE-02: a thousand connections of random bytes are closed and logged')
def random_bytes():
    chance = random.Random(1)
    with server.Server('--handler', 'hello', '--handshake-timeout', '500ms') as serving:
        for _ in range(1000):
            with serving.socket() as client:
                with contextlib.suppress(ConnectionError):
                    client.sendall(chance.randbytes(chance.randrange(1, 600)))
                    client.shutdown(socket.SHUT_WR)
                    ended(client)
        require_service(serving)
        serving.stop()
        faults = serving.faults()
        assert sum(faults.values()) == 1000, faults
        assert all(name.startswith('tls_handshake.') for name in faults), faults


@tap.case('survival: random bytes after a TLS record header, and as HTTP, are refused too')
def random_after_header():
    chance = random.Random(2)
    with server.Server('--handler', 'hello', '--handshake-timeout', '500ms') as serving:
        for _ in range(200):
            with serving.socket() as client, contextlib.suppress(ConnectionError):
                body = chance.randbytes(chance.randrange(1, 400))
                client.sendall(b'\x16\x03\x01' + len(body).to_bytes(2, 'big') + body)
                client.shutdown(socket.SHUT_WR)
                ended(client)
        require_service(serving)
        serving.stop()
        assert sum(serving.faults().values()) == 200
    with server.Server('--handler', 'hello', plain=True) as serving:
        for _ in range(200):
            with serving.socket() as client, contextlib.suppress(ConnectionError):
                client.sendall(chance.randbytes(chance.randrange(1, 400)))
                client.shutdown(socket.SHUT_WR)
                ended(client)
        require_service(serving)
        serving.stop()
        assert all(name.startswith(('http_parse.', 'request_stream.')) for name in serving.faults())


@tap.case('TE-11: a stalled handshake is closed and logged as tls_handshake.timed_out')
def stalled_handshake():
    with server.Server('--handler', 'hello', '--handshake-timeout', '200ms') as serving:
        with serving.socket() as silent, serving.socket() as begun:
            begun.sendall(client_hello()[:100])
            ended(silent)
            ended(begun)
        serving.wait_for_log('tls_handshake.timed_out', 2)
        require_service(serving)


@tap.case('slow peers: each deadline has its own flag and its own row')
def slow_peers():
    flags = ('--first-byte-timeout', '100ms', '--request-timeout', '150ms', '--min-rate', '1')
    with server.Server('--handler', 'sink', *flags) as serving:
        with serving.socket() as silent:
            assert ended(silent) == b''
        serving.wait_for_log('accept.first_byte_timed_out')
        with serving.connect() as late:
            late.sendall(b'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf')
            assert b'HTTP/1.1 408 ' in server.read_to_end(late)
        serving.wait_for_log('request_stream.timed_out')
        assert serving.get()[0] == 200


def memory_client():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = server.client_context()
    return context.wrap_bio(incoming, outgoing, server_hostname='localhost'), incoming, outgoing


def client_hello():
    client, _, outgoing = memory_client()
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


class Recording:
    """One whole visit over TLS, byte by byte: what the client sends, until a limit, and then no
    more."""

    def __init__(self, serving, bytes_max):
        self.left, self.socket = bytes_max, serving.socket()
        self.client, self.incoming, self.outgoing = memory_client()
        self.sent = 0

    def flush(self):
        data = self.outgoing.read()[:self.left]
        self.left -= len(data)
        self.sent += len(data)
        self.socket.sendall(data)

    def step(self, action):
        while True:
            try:
                result = action()
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                if not self.left:
                    return None
                self.incoming.write(self.socket.recv(65536))

    def visit(self):
        self.step(self.client.do_handshake)
        if self.left:
            self.step(lambda: self.client.write(GET))
        if self.left:
            assert self.step(lambda: self.client.read(4096)).endswith(b'Hello, world!')


@tap.case('TE-03, TE-04: a client that vanishes after any byte of its visit leaves nothing behind')
def vanishes():
    with server.Server('--handler', 'hello') as serving:
        before = serving.descriptors()
        whole = Recording(serving, 1 << 20)
        whole.visit()
        whole.socket.close()
        for count in range(whole.sent):
            visit = Recording(serving, count)
            visit.visit()
            if count % 2:  # By FIN, or by RST.
                visit.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            visit.socket.close()
        serving.wait_for_descriptors(before)
        serving.stop()
        serving.require_nothing_held()
        told = {'tls_handshake.peer_closed', 'tls_record.truncated', 'request_stream.cut_short',
                'request_stream.peer_closed'}
        faults = serving.faults()
        # Linux 6.18 loses, once in some 100,000 times, a reset that comes while a multishot receive
        # takes the bytes before it; such a connection ends by its deadline.
        unnoticed = faults.pop('tls_handshake.timed_out', 0)
        assert unnoticed <= 2, faults
        assert set(faults) <= told, faults
        assert faults['tls_handshake.peer_closed'] > 300, faults


def most_descriptors(wanted):
    """Raises this process's limit as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), max(wanted, hard)))
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@tap.case('survival: 20,000 idle connections, or as many as RLIMIT_NOFILE allows, are held, and '
          'the next client is served')
def idle():
    limit = most_descriptors(IDLE_WANTED + 50)
    count = min(IDLE_WANTED, limit - 50)
    flags = ['--handler', 'hello', '--connections-max', str(IDLE_WANTED + 100),
             '--keep-alive-timeout', '10m']
    with server.Server(*flags, plain=True, descriptors=limit) as serving:
        base = serving.memory_bytes()
        clients = []
        try:
            for number in range(count):
                # One source address has too few ports for all.
                client = socket.create_connection(('127.0.0.1', serving.port), server.PATIENCE_S,
                                                  (f'127.0.0.{2 + number // 10_000}', 0))
                clients.append(client)
                client.sendall(GET)
                if number % 500 == 499:
                    for one in clients[-500:]:
                        assert one.recv(16) == b'HTTP/1.1 200 OK\r'
            require_service(serving)
            each = (serving.memory_bytes() - base) / count
            print(f'# {count} idle connections, {each:.0f} bytes of the process for each')
            assert each < 4096, each
        finally:
            for client in clients:
                client.close()
        serving.wait_for_descriptors(64)


@tap.case('survival: at its descriptor limit it says accept.descriptors_spent, backs off, recovers')
def descriptor_limit():
    with server.Server('--handler', 'hello', plain=True, descriptors=64) as serving:
        clients = [serving.socket() for _ in range(100)]
        serving.wait_for_log('accept.descriptors_spent')
        ticks = cpu_ticks(serving)
        serving.wait_for_log('accept.descriptors_spent', 5)
        # It backs off for 100 ms each time, where a spin would have used half a second.
        assert cpu_ticks(serving) - ticks < 20
        for client in clients[:50]:
            client.close()
        for client in clients[50:]:
            client.sendall(GET)
            assert client.recv(16) == b'HTTP/1.1 200 OK\r'
            client.close()
        require_service(serving)


def cpu_ticks(serving):
    fields = open(f'/proc/{serving.process.pid}/stat').read().rpartition(')')[2].split()
    return int(fields[11]) + int(fields[12])


@tap.case('survival: SIGTERM lets a running exchange finish, and then exits 0')
def drains():
    with server.Server('--handler', 'echo') as serving:
        with serving.connect() as client, serving.connect() as idle_client:
            client.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf ')
            head = client.recv(4096)
            while not head.endswith(b'half '):
                head += client.recv(4096)
            serving.process.send_signal(signal.SIGTERM)
            assert server.read_to_end(idle_client) == b''
            client.sendall(b'more ')
            assert server.read_to_end(client) == b'more '
        serving.stop(0)
        assert serving.process.returncode == 0


@tap.case('survival: after SIGTERM the port refuses new clients')
def refuses_after_term():
    with server.Server('--handler', 'echo', plain=True) as serving:
        with serving.socket() as client:
            client.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx')
            head = client.recv(4096)
            while not head.endswith(b'\r\n\r\nx'):
                head += client.recv(4096)
            serving.process.send_signal(signal.SIGTERM)
            for _ in range(100_000):
                try:
                    serving.socket().close()
                except ConnectionRefusedError:
                    break
                except ConnectionResetError:
                    continue  # The listener closed over this one.
            else:
                raise AssertionError('still accepts')
            client.sendall(b'y')
            assert server.read_to_end(client) == b'y'


@tap.case('survival: a second SIGTERM cuts what the first one lets run')
def second_signal():
    with server.Server('--handler', 'echo', '--drain-timeout', '10m', plain=True) as serving:
        with serving.socket() as client:
            client.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf ')
            assert client.recv(16)
            os.kill(serving.process.pid, signal.SIGTERM)
            serving.wait_for_log('draining')
            serving.stop()
        assert serving.faults() == {'drain.timed_out': 1}


tap.run()
