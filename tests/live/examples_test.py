"""The examples: each is short, and does what its first line says."""
import contextlib
import signal
import subprocess
import sys

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


tap.run()
