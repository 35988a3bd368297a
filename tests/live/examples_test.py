"""The examples: each is short, and does what its first line says."""
import contextlib
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

FOLDER = server.ROOT / 'build/release/examples'
LINES_MAX = 60


@contextlib.contextmanager
def running(name, *arguments):
    """The example, and the address that it prints."""
    with subprocess.Popen([FOLDER / name, *map(str, arguments)], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.kill()


def connection_to(url):
    host, _, port = url.removeprefix('http://').partition(':')
    return socket.create_connection((host, int(port)), server.PATIENCE_S)


def read_until(connection, end):
    read = b''
    while not read.endswith(end):
        piece = connection.recv(65536)
        assert piece, f'ended after {read}'
        read += piece
    return read


@tap.case('examples: each is under 60 lines')
def short():
    for path in sorted((server.ROOT / 'examples').glob('*.cpp')):
        lines = len(path.read_text().splitlines())
        assert lines < LINES_MAX, f'{path}: {lines}'


@tap.case('examples: hello answers over verified TLS')
def hello():
    folder = server.certificates()
    with running('hello', folder / 'localhost.pem', folder / 'localhost.key', 0) as (_, url):
        url = url.replace('127.0.0.1', 'localhost')
        assert server.run('curl', '-s', '--cacert', folder / 'ca.pem', url) == 'Hello, world!'


@tap.case('examples: echo_stream gives a body back, and ends at SIGTERM')
def echo_stream():
    with running('echo_stream', 0) as (process, url):
        text = 'x' * 1_000_000
        done = subprocess.run(['curl', '-s', '--data-binary', '@-', url], input=text,
                              capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == text
        process.send_signal(signal.SIGTERM)
        assert process.wait(server.PATIENCE_S) == 0


@tap.case('examples: own_loop counts its requests and ends after as many as it was told')
def own_loop():
    with running('own_loop', 0, 3) as (process, url):
        for number in (1, 2, 3):
            assert server.run('curl', '-s', url) == f'request {number}\n'
        assert process.wait(server.PATIENCE_S) == 0
        assert process.stdout.read() == '3 requests\n'


@tap.case('examples: routes keeps notes, refuses a large one, and serves files beside them')
def routes():
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / 'index.html').write_text('<p>notes</p>')
        with running('routes', folder, 0) as (_, url):
            def curl(*words, **options):
                return server.run('curl', '-s', '-w', ' %{http_code}', *words, **options)
            assert curl(url) == '<p>notes</p> 200'
            assert curl(f'{url}/notes/a') == '{"error":"no note"} 404'
            assert curl('-T', '-', f'{url}/notes/a', input='{"text":1}') == ' 303'
            assert curl(f'{url}/notes/a') == '{"text":1} 200'
            assert curl('-T', '-', f'{url}/notes/a', input='x' * 70_000).endswith(' 413')
            assert curl('-X', 'DELETE', f'{url}/notes/a').endswith(' 405')
            assert curl(f'{url}/none').endswith(' 404')


@tap.case('examples: elsewhere answers when its thread is done, and serves others meanwhile')
def elsewhere():
    with running('elsewhere', 0) as (process, url):
        assert server.run('curl', '-s', f'{url}/1000') == '168\n'
        assert server.run('curl', '-s', f'{url}/100000000') == 'that is too much\n'
        with connection_to(url) as slow:
            slow.sendall(b'GET /10000000 HTTP/1.1\r\nhost: a\r\n\r\n')
            assert server.run('curl', '-s', f'{url}/10') == '4\n'
        process.send_signal(signal.SIGTERM)  # The slow one has left: its thread ends at once.
        process.wait(server.PATIENCE_S)


@tap.case('examples: lines tells each member what the others say, and refuses who does not join')
def lines():
    join = b'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: lines\r\n\r\n'
    with running('lines', 0) as (_, url):
        assert server.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url) == '426'
        with connection_to(url) as one, connection_to(url) as two:
            for member in one, two:
                member.sendall(join)
                assert read_until(member, b'\r\n\r\n').startswith(b'HTTP/1.1 101 ')
            one.sendall(b'hello\n')
            assert read_until(two, b'\n') == b'hello\n'
            two.sendall(b'and to you\n')
            assert read_until(one, b'\n') == b'and to you\n'
            one.shutdown(1)
            assert server.read_to_end(one) == b''


@tap.case('examples: fetch passes on what another server answers, or says why there is nothing')
def fetch():
    authority = server.certificates() / 'ca.pem'
    with server.Server('--handler', 'source') as serving:
        with running('fetch', serving.url, authority, 0) as (_, url):
            assert len(server.run('curl', '-s', f'{url}/1M')) == 1024 * 1024
            serving.stop()
            text = server.run('curl', '-s', '-w', ' %{http_code}', f'{url}/1')
            assert text.startswith('connect.refused: ') and text.endswith(' 502'), text


tap.run()
