"""`ringfort serve`, or `proxy`, for a test: started on a free port, watched, and ended."""
import contextlib
import functools
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / 'build/release/ringfort'
HELD = ('connections_open', 'blocks_in_use', 'receive_buffers_held')  # 0 when all was given back
PATIENCE_S = 60  # how long a test waits before it calls something hung


@functools.cache
def certificates():
    """A folder with ca.pem, localhost.pem and localhost.key; gone when the test is."""
    keep = tempfile.TemporaryDirectory(prefix='ringfort-')
    certificates.keep = keep
    subprocess.run([ROOT / 'scripts/certificates', keep.name], check=True)
    return pathlib.Path(keep.name)


@functools.cache
def rsa_identity():
    """A certificate and key for localhost with RSA, trusted as its own authority."""
    folder = certificates()
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                    '-keyout', folder / 'rsa.key', '-out', folder / 'rsa.pem'],
                   check=True, capture_output=True)
    return folder / 'rsa.pem', folder / 'rsa.key'


class Server:
    """Leaving the `with` block drains it, and requires that it ends well."""

    def __init__(self, *flags, plain=False, identity=None, shards=1, descriptors=None,
                 does='serve', program=PROGRAM, listen=('--listen', '127.0.0.1:0'), before=(),
                 **started):
        command = [*before, str(program), does, *listen, '--shards', str(shards), '--no-pin',
                   '--print-metrics', '--allocator-stats', *map(str, flags)]
        if plain:
            command.append('--plain')
        elif identity != ():  # The flags bring one of their own.
            folder = certificates()
            cert, key = identity or (folder / 'localhost.pem', folder / 'localhost.key')
            command += ['--cert', str(cert), '--key', str(key)]
        limit = (descriptors, descriptors) if descriptors else None
        if limit:
            started['preexec_fn'] = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, **started)
        self.first_line = self.process.stdout.readline()
        match = re.search(r'127\.0\.0\.1:(\d+)', self.first_line)
        if not match:
            raise AssertionError(f'did not start: {self.process.stderr.read()}')
        self.port = int(match[1])
        self.plain = plain
        self.url = f"{'http' if plain else 'https'}://localhost:{self.port}"
        self.log, self._news = [], threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self.output = ''

    def _read_log(self):
        for line in self.process.stderr:
            with self._news:
                self.log.append(line.rstrip('\n'))
                self._news.notify_all()

    def wait_for_log(self, text, count=1):
        """Until `count` lines contain the text; answers them."""
        def found():
            return [line for line in self.log if text in line]
        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, PATIENCE_S), \
                f'not logged {count} times: {text}; the log: {self.log[-10:]}'
            return found()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.stop()
        if kind is None:
            assert self.process.returncode == 0, f'exit {self.process.returncode}: {self.log[-5:]}'

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            # Not communicate(): another thread reads the log.
            self.output = self.process.stdout.read()
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(PATIENCE_S)
        return self.output

    # --------------------------------------------------------------------------- facts
    def metric(self, name):
        """After stop()."""
        return metric_of(self.output, name)

    def require_nothing_held(self):
        """After stop()."""
        held = {name: self.metric(name) for name in HELD}
        assert not any(held.values()), held

    def faults(self):
        """After stop(): how often each row happened, without the zeros."""
        rows = re.findall(r'faults_total\{stage="(\w+)",name="(\w+)"\} ([1-9]\d*)', self.output)
        return {f'{stage}.{name}': int(count) for stage, name, count in rows}

    def allocated_bytes(self):
        """After stop(): what the allocator still held at the end."""
        return int(re.search(r'allocated=(\d+)', self.output)[1])

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    def wait_for_descriptors(self, wanted):
        """Until no more than so many are open; the server is asked again and again."""
        for _ in range(10_000):
            if self.descriptors() <= wanted:
                return
            self.get()
        raise AssertionError(f'{self.descriptors()} descriptors are open, {wanted} were before')

    def memory_bytes(self, field='VmRSS'):
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(rf'^{field}:\s+(\d+) kB', status, re.M)[1]) * 1024

    # --------------------------------------------------------------------------- clients
    def socket(self):
        return socket.create_connection(('127.0.0.1', self.port), PATIENCE_S)

    def connect(self, context=None):
        """A connection as a client has it: over TLS, verified, or in clear text."""
        raw = self.socket()
        if self.plain:
            return raw
        context = context or client_context()
        return context.wrap_socket(raw, server_hostname='localhost')

    def get(self, target='/', context=None):
        """Status and body of one request on its own connection."""
        with contextlib.closing(self.connect(context)) as connection:
            connection.sendall(f'GET {target} HTTP/1.1\r\nhost: localhost\r\n'
                               'connection: close\r\n\r\n'.encode())
            answer = read_to_end(connection)
        head, _, body = answer.partition(b'\r\n\r\n')
        return int(head.split()[1]), body


@functools.cache
def client_context():
    return ssl.create_default_context(cafile=certificates() / 'ca.pem')


def metric_of(text, name):
    """A counter out of the Prometheus text form."""
    match = re.search(rf'^ringfort_{re.escape(name)} (\d+)$', text, re.M)
    assert match, f'no metric {name}'
    return int(match[1])


def read_to_end(connection):
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b''.join(pieces)


def wait_until(claim):
    """Asks again and again, but not for ever."""
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, 'it never came true'
        os.sched_yield()


def inspect(path, *words):
    """`ringfort inspect` at an admin socket: its exit status and output."""
    done = subprocess.run([PROGRAM, 'inspect', '--admin', path, *words], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def run(*command, **options):
    """A client program; its output, and the whole of it in the failure."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                          timeout=options.pop('timeout', 600), **options)
    assert done.returncode == 0, f'{command}: exit {done.returncode}\n{done.stdout}{done.stderr}'
    return done.stdout + done.stderr
