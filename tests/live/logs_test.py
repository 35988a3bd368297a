"""The access log and the error log: as text and as JSON, and through a rotation."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

HOSTILE = b'GET /%22"\xff HTTP/1.1\r\nhost: a\r\nuser-agent: x" forged=1\t\r\n\r\n'


def folder():
    return tempfile.TemporaryDirectory(prefix='ringfort-logs-')


def lines_of(path):
    return pathlib.Path(path).read_text().splitlines()


def visit(serving, request):
    with serving.socket() as client:
        client.sendall(request)
        client.shutdown(1)
        return server.read_to_end(client)


@tap.case('logs: each answer is a line, with who asked for what and what became of it')
def text():
    with folder() as place, server.Server('--handler', 'hello', '--access-log',
                                          f'{place}/access') as serving:
        assert serving.get() == (200, b'Hello, world!')
        serving.stop()
        line, = lines_of(f'{place}/access')
        assert re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ info access peer=127\.0\.0\.1:\d+ '
                        r'connection=\d+ request=1 method=GET target="/" version=1 host="[^"]+" '
                        r'status=200 whole=true in=0 out=13 ms=\d+\.\d{3} agent=".*" '
                        r'tls=TLSv1\.3 suite=TLS_\w+ sni="localhost" resumed=false$', line), line


@tap.case('logs: what a trusted proxy claims is logged as its claims, and of anybody else nothing')
def claims():
    claiming = (b'GET / HTTP/1.1\r\nhost: a\r\nforwarded: for=192.0.2.7;proto=https;host="b"\r\n'
                b'connection: close\r\n\r\n')
    for trusted, told in (('127.0.0.0/8', ' claimed_client="192.0.2.7" claimed_scheme="https" '
                                          'claimed_host="b"'), ('10.0.0.0/8', '')):
        with folder() as place, server.Server('--handler', 'hello', '--trusted-proxy', trusted,
                                              '--access-log', f'{place}/access',
                                              plain=True) as serving:
            visit(serving, claiming)
            serving.stop()
            line, = lines_of(f'{place}/access')
            assert line.endswith(f' agent=""{told}') and 'peer=127.0.0.1:' in line, line


@tap.case('logs: as JSON, each line is an object, whatever peers send')
def hostile():
    with folder() as place:
        flags = ['--handler', 'hello', '--access-log', f'{place}/access', '--error-log',
                 f'{place}/errors', '--log-format', 'json']
        with server.Server(*flags, plain=True) as serving:
            visit(serving, HOSTILE)
            visit(serving, HOSTILE.replace(b'\xff', b'').replace(b'"', b''))
            visit(serving, HOSTILE.replace(b'\xff', b'').replace(b'/%22"', b'/'))
            visit(serving, b'\x00\x1b nonsense')
            serving.stop()
            served, errors = serving.metric('responses_total'), serving.faults()
        accesses = [json.loads(line) for line in lines_of(f'{place}/access')]
        assert len(accesses) == served >= 2, (accesses, served)
        assert accesses[-1]['agent'] == 'x" forged=1', accesses[-1]
        assert all(line['event'] == 'access' and line['status'] == 200 for line in accesses)
        told = [json.loads(line) for line in lines_of(f'{place}/errors')]
        assert sorted(line['event'] for line in told) == sorted(
            name for name, count in errors.items() for _ in range(count)), told
        assert any(line['event'] == 'http_parse.bad_method' for line in told), told


@tap.case('logs: in text, a quote that a peer sends does not end its value')
def forged():
    with folder() as place, server.Server('--handler', 'hello', '--access-log', f'{place}/access',
                                          plain=True) as serving:
        visit(serving, HOSTILE.replace(b'\xff', b'').replace(b'/%22"', b'/'))
        serving.stop()
        line, = lines_of(f'{place}/access')
        assert line.endswith(r'agent="x\" forged=1"'), line


@tap.case('logs: SIGHUP opens the files again, and no line is lost by it')
def rotated():
    with folder() as place, server.Server('--handler', 'hello', '--access-log',
                                          f'{place}/access') as serving:
        for round_ in range(3):
            assert serving.get()[0] == 200
            os.rename(f'{place}/access', f'{place}/access.{round_}')
            serving.process.send_signal(signal.SIGHUP)
            serving.wait_for_log('ringfort: ', round_ + 1)
            server.wait_until(lambda: os.path.exists(f'{place}/access'))
        assert serving.get()[0] == 200
        serving.stop()
        assert len(lines_of(f'{place}/access')) == 1
        assert [len(lines_of(f'{place}/access.{round_}')) for round_ in range(3)] == [1, 1, 1]


@tap.case('logs: one that cannot be opened is refused before anything is bound')
def refused():
    for flag in ('--access-log', '--error-log'):
        command = [server.PROGRAM, 'serve', '--plain', '--listen', '127.0.0.1:0', flag]
        ended = subprocess.run([*command, '/nowhere/log'], capture_output=True, text=True,
                               timeout=server.PATIENCE_S)
        assert ended.returncode == 78, ended
        assert ended.stderr == f'ringfort: {flag} /nowhere/log: No such file or directory\n', ended
        assert ended.stdout == '', ended


@tap.case('logs: lines that a full disk refuses are counted, and the service goes on')
def full_disk():
    with server.Server('--handler', 'hello', '--access-log', '/dev/full', plain=True) as serving:
        for _ in range(5):
            assert serving.get() == (200, b'Hello, world!')
        serving.stop()
        dropped = re.search(r'^ringfort_log_lines_dropped_total\{log="access"\} (\d+)$',
                            serving.output, re.M)
        assert dropped and int(dropped[1]) > 0, serving.output


tap.run()
