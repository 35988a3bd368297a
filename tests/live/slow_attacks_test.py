"""Slow clients by the hundred, as slowhttptest makes them: while they attack, good clients are
answered; each attacker is ended by the limit that is meant for it, and nothing stays behind.

Deadlines are lowered, and those that are not meant stand far off. The good clients' requests are
also how the test waits: they go on until the last attacker is gone.
"""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

FEW, MANY = 50, 200
REQUESTS_MIN, REQUESTS_MAX = 200, 1_000_000
# More than what a limit allows for one attacker, and what the process takes anyway as it warms.
EACH_BYTES, WARM_BYTES = 512 * 1024, 32 * 1024 * 1024
FAR_OFF = {'--first-byte-timeout': '0s', '--handshake-timeout': '10m', '--head-timeout': '10m',
           '--request-timeout': '0s', '--min-rate': 0, '--body-idle-timeout': '10m',
           '--write-timeout': '10m'}
# slowhttptest itself looks now and then whether the server answers, and leaves as it likes. On a
# busy machine some of its connections begin with what should follow their request.
PROBES = {'tls_handshake.peer_closed', 'tls_record.truncated', 'response_stream.peer_closed',
          'request_stream.peer_closed', 'request_stream.cut_short'}
MIXED_UP = 'http_parse.bad_method'
KEEP = tempfile.TemporaryDirectory(prefix='ringfort-slow-')
FOLDER = pathlib.Path(KEEP.name)
ADMIN = FOLDER / 'admin'


def metrics():
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(ADMIN))
        admin.sendall(b'GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
        return server.read_to_end(admin).decode()


def fault_count(row):
    stage, name = row.split('.')
    return server.metric_of(metrics(), f'faults_total{{stage="{stage}",name="{name}"}}')


class Good:
    """A client that asks again and again over one connection."""

    def __init__(self, serving, target, body):
        self.serving, self.target, self.body = serving, target, body
        self.connection = serving.connect()

    def ask(self):
        self.connection.sendall(f'GET {self.target} HTTP/1.1\r\nhost: localhost\r\n\r\n'.encode())
        answer = b''
        while not answer.endswith(b'\r\n\r\n' + self.body):
            piece = self.connection.recv(65536)
            assert piece, f'cut after {answer!r}'
            answer += piece
        assert answer.startswith(b'HTTP/1.1 200 OK\r\n'), answer

    def ask_until(self, over):
        """REQUESTS_MIN times at least; one in a hundred is a newcomer's. Answers how often."""
        for count in range(1, REQUESTS_MAX):
            self.ask()
            if count % 100 == 0:
                assert self.serving.get(self.target) == (200, self.body)
                if count >= REQUESTS_MIN and over():
                    return count
        raise AssertionError('the attack does not end')


@contextlib.contextmanager
def attacking(command):
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def require_nothing_held():
    for _ in range(REQUESTS_MAX):
        text = metrics()
        held = {name: server.metric_of(text, name) for name in server.HELD}
        if not any(held.values()):
            return
    raise AssertionError(held)


def attacked(flags, command, count, row, good=('/', b'Hello, world!')):
    """One server through so many attackers. Answers what its allocator holds at the end."""
    words = [str(word) for pair in (FAR_OFF | flags).items() for word in pair]
    with server.Server('--admin', ADMIN, *words) as serving:
        client = Good(serving, *good)
        client.ask_until(lambda: True)  # It is warm.
        before = serving.memory_bytes()
        with attacking(command(serving.port, count)) as attack:
            def over():
                return attack.poll() is not None or row and fault_count(row) >= count
            requests = client.ask_until(over)
        peak = serving.memory_bytes('VmHWM')
        client.connection.close()
        require_nothing_held()
        serving.stop()
        faults = {row: number for row, number in serving.faults().items() if row not in PROBES}
        print(f'# {count} attackers, {requests} good requests; {before >> 20} MiB, at most '
              f'{peak >> 20}; {faults}')
        serving.require_nothing_held()
        assert serving.metric('requests_total') >= requests
        if row:
            assert sum(faults.values()) == count and faults.get(row, 0) > count // 2, faults
        assert set(faults) <= {row, MIXED_UP}, faults
        assert peak - before < WARM_BYTES + count * EACH_BYTES, (before, peak)
        return serving.allocated_bytes()


def attacked_twice(flags, command, row, counts=(FEW, MANY), **more):
    few, many = (attacked(flags, command, count, row, **more) for count in counts)
    assert many - few < 65536, f'{few} bytes after {counts[0]} attackers, {many} after {counts[1]}'


def slowhttptest(*flags, target='/'):
    if not shutil.which('slowhttptest'):
        raise tap.Skip('slowhttptest is not installed: this attack was NOT tried')
    return lambda port, count: ('slowhttptest', *flags, '-c', count, '-r', MANY, '-l', 100, '-u',
                                f'https://localhost:{port}{target}')


@tap.case('slow heads: each is ended by request_stream.head_timed_out')
def headers():
    attacked_twice({'--handler': 'hello', '--head-timeout': '500ms'},
                   slowhttptest('-H', '-i', 1), 'request_stream.head_timed_out')


@tap.case('slow bodies: each that pauses is ended by request_stream.body_timed_out')
def bodies():
    attacked_twice({'--handler': 'sink', '--body-idle-timeout': '500ms'},
                   slowhttptest('-B', '-i', 1), 'request_stream.body_timed_out',
                   good=('/', b'0\n'))


@tap.case('slow bodies: each that trickles is ended by request_stream.too_slow')
def trickles():
    attacked({'--handler': 'sink', '--min-rate': 1000}, slowhttptest('-B', '-i', 1, '-x', 10), MANY,
             'request_stream.too_slow', good=('/', b'0\n'))


@tap.case('slow readers: each is ended by response_stream.stalled')
def readers():
    # Few: of each the kernel takes megabytes, when segments are as long as on loopback.
    attacked_twice({'--handler': 'source', '--write-timeout': '500ms'},
                   slowhttptest('-X', '-n', 1, '-w', 512, '-y', 1024, target='/16M'),
                   'response_stream.stalled', counts=(20, 60), good=('/1', b'a'))


def file_root():
    root = FOLDER / 'www'
    root.mkdir(exist_ok=True)
    (root / 'good').write_bytes(b'good')
    (root / 'page').write_bytes(b'.' * 65536)
    return root


@tap.case('ranges: 2,000 that overlap are answered with the file, once for each who asks')
def ranges():
    attacked_twice({'--root': file_root()}, slowhttptest('-R', '-t', 'GET', target='/page'), None,
                   good=('/good', b'good'))


@tap.case('ranges: a head that is too long for them is ended by http_parse.head_too_large')
def range_heads():
    attacked_twice({'--root': file_root(), '--header-size-max': '8KiB'},
                   slowhttptest('-R', '-t', 'GET', target='/page'), 'http_parse.head_too_large',
                   good=('/good', b'good'))


@tap.case('slow handshakes: a hello byte by byte is ended by tls_handshake.timed_out')
def hellos():
    program = server.ROOT / 'bench/slow_hello.py'
    attacked_twice({'--handler': 'hello', '--handshake-timeout': '500ms'},
                   lambda port, count: (sys.executable, program, port, count, 50),
                   'tls_handshake.timed_out', counts=(FEW, 1000))


tap.run()
