"""The program under a supervisor: sockets that it is passed, and what it tells of itself."""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import service  # noqa: E402
import tap  # noqa: E402

BEAT_US = 200_000
HELLO = b'Hello, world!'
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
SYS_IO_URING_ENTER = 426


def told(supervisor, *flags, watchdog_us=BEAT_US, **options):
    environment = os.environ | {'NOTIFY_SOCKET': supervisor.address,
                                'WATCHDOG_USEC': str(watchdog_us)}
    return server.Server('--handler', 'hello', *flags, env=environment, **options)


def refuse(status, *words, listen=(), **options):
    """The program does not start with what it is passed."""
    folder = server.certificates()
    command = [server.PROGRAM, 'serve', *listen, '--cert', folder / 'localhost.pem', '--key',
               folder / 'localhost.key']
    options.pop('listen', None)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60,
                          **options)
    assert done.returncode == status, done
    for each in words:
        assert each in done.stderr, done.stderr


def passed(*sockets, names=None):
    options = service.passing(sockets, names)
    options.pop('listen')
    return options


# ---------------------------------------------------------------------------- passed sockets
@tap.case('activation: a socket that is passed is served, with or without --listen systemd')
def passed_socket():
    for listen in ((), ('--listen', 'systemd')):
        with service.listening() as bound:
            waiting = socket.create_connection(bound.getsockname(), server.PATIENCE_S)
            with server.Server('--handler', 'hello', plain=True, shards=3, listen=listen,
                               **passed(bound)) as serving, waiting:
                assert serving.port == bound.getsockname()[1]
                assert serving.get() == (200, HELLO)
                waiting.sendall(b'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
                assert server.read_to_end(waiting).endswith(HELLO)
                serving.stop()
            # The supervisor's own goes on listening: the next start finds who came meanwhile.
            socket.create_connection(bound.getsockname(), server.PATIENCE_S).close()


@tap.case('activation: a socket is chosen by its name, beside an address that is bound')
def by_name():
    with service.listening() as bound:
        with server.Server('--handler', 'hello', listen=('--listen', 'systemd:web', '--listen',
                                                         '127.0.0.1:0'),
                           **passed(bound, names=['web'])) as serving:
            ports = set(map(int, re.findall(r'https://127.0.0.1:(\d+)[,;]', serving.first_line)))
            assert bound.getsockname()[1] in ports and len(ports) == 2, serving.first_line
            for serving.port in ports:
                assert serving.get() == (200, HELLO)


@tap.case('activation: a name that was not passed, none passed, and one left over are refused')
def wrong_names():
    refuse(78, '--listen systemd', 'LISTEN_FDS', listen=('--listen', 'systemd'))
    with service.listening() as one, service.listening() as other:
        refuse(78, '--listen systemd:api', 'no socket has this name: web',
               listen=('--listen', 'systemd:api'), **passed(one, names=['web']))
        refuse(78, 'would wait for ever: admin', listen=('--listen', 'systemd:web'),
               **passed(one, other, names=['web', 'admin']))


@tap.case('activation: what is no listening TCP socket is refused by name, with what to do')
def wrong_sockets():
    with service.listening(kind=socket.SOCK_DGRAM) as datagrams:
        refuse(71, 'listen.wrong_socket_type', 'ListenStream=', **passed(datagrams))
    with tempfile.TemporaryDirectory() as folder:
        with service.listening(socket.AF_UNIX, f'{folder}/unix') as local:
            refuse(71, 'listen.wrong_socket_type', **passed(local))
    with socket.socket() as idle:
        refuse(71, 'listen.not_listening', 'Accept=yes', **passed(idle))
    with open('/dev/null') as file:
        refuse(71, 'listen.not_a_socket', **passed(file))


@tap.case('activation: LISTEN_FDS for another process is left alone')
def not_ours():
    environment = os.environ | {'LISTEN_PID': '1', 'LISTEN_FDS': '1'}
    with server.Server('--handler', 'hello', plain=True, env=environment) as serving:
        assert serving.get() == (200, HELLO)


@tap.case('activation: systemd-socket-activate starts it with the first client')
def by_systemd():
    if not shutil.which('systemd-socket-activate'):
        raise tap.Skip('systemd-socket-activate is not here')
    with service.listening() as free:
        port = free.getsockname()[1]
    folder = server.certificates()
    command = ['systemd-socket-activate', '-l', f'127.0.0.1:{port}', '--fdname=web',
               server.PROGRAM, 'serve', '--handler', 'hello', '--listen', 'systemd:web', '--cert',
               folder / 'localhost.pem', '--key', folder / 'localhost.key']
    activated = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
    try:
        while 'Listening on' not in activated.stderr.readline():
            pass
        with socket.create_connection(('127.0.0.1', port), server.PATIENCE_S) as raw:
            with server.client_context().wrap_socket(raw, server_hostname='localhost') as client:
                client.sendall(b'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
                assert server.read_to_end(client).endswith(HELLO)
    finally:
        activated.terminate()
        activated.communicate(timeout=server.PATIENCE_S)
    assert activated.returncode == 0


# ---------------------------------------------------------------------------- notices
@tap.case('notices: READY comes when all shards accept, and STOPPING with the drain, by path and '
          'abstract name')
def ready_and_stopping():
    for abstract in (False, True):
        supervisor = service.Supervisor(abstract)
        with told(supervisor, shards=2) as serving:
            (sender, lines), = supervisor.wait_for('READY=1')
            assert sender == serving.process.pid
            assert f'STATUS=serves https://127.0.0.1:{serving.port}' in lines, lines
            assert serving.get() == (200, HELLO)
            serving.stop()
            supervisor.wait_for('STOPPING=1', sender)
        assert supervisor.heard[0][1][0] == 'READY=1', supervisor.heard


@tap.case('notices: a start that fails is never READY')
def never_ready():
    supervisor = service.Supervisor()
    with service.listening() as taken:
        refuse(71, 'listen.address_in_use',
               listen=('--listen', f'127.0.0.1:{taken.getsockname()[1]}'),
               env=os.environ | {'NOTIFY_SOCKET': supervisor.address})
    with told(supervisor):  # Whose notices come after any of the other one's.
        supervisor.wait_for('READY=1')
    assert len(supervisor.wait_for('READY=1')) == 1


@tap.case('notices: SIGHUP is RELOADING, with the time, and then READY again')
def reloading():
    supervisor = service.Supervisor()
    with told(supervisor) as serving:
        supervisor.wait_for('READY=1')
        serving.process.send_signal(signal.SIGHUP)
        (_, lines), = supervisor.wait_for('RELOADING=1')
        assert re.fullmatch(r'MONOTONIC_USEC=\d+', lines[1]), lines
        supervisor.wait_for('READY=1', count=2)
        kinds = [each[1][0] for each in supervisor.heard if each[1][0] != 'WATCHDOG=1']
        assert kinds == ['READY=1', 'RELOADING=1', 'READY=1'], kinds


@tap.case('notices: WATCHDOG comes again and again, and not for another process')
def watchdog():
    supervisor, other = service.Supervisor(), service.Supervisor()
    with told(supervisor) as serving, told(other, watchdog_us=0):
        supervisor.wait_for('WATCHDOG=1', serving.process.pid, 5)
    assert not [lines for _, lines in other.heard if 'WATCHDOG=1' in lines]
    with server.Server('--handler', 'hello', env=os.environ | {
            'NOTIFY_SOCKET': other.address, 'WATCHDOG_USEC': str(BEAT_US), 'WATCHDOG_PID': '1'}):
        with told(supervisor) as serving:
            supervisor.wait_for('WATCHDOG=1', serving.process.pid, 3)
    assert not [lines for _, lines in other.heard if 'WATCHDOG=1' in lines]


def shard_threads(process):
    """Those that wait in their ring."""
    for task in pathlib.Path(f'/proc/{process}/task').iterdir():
        if (task / 'syscall').read_text().split()[0] == str(SYS_IO_URING_ENTER):
            yield int(task.name)


@contextlib.contextmanager
def stopped(thread):
    """One thread of a child, while the others go on."""
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long] * 4
    assert trace(PTRACE_SEIZE, thread, 0, 0) == 0, os.strerror(ctypes.get_errno())
    assert trace(PTRACE_INTERRUPT, thread, 0, 0) == 0
    os.waitpid(thread, WALL)
    yield
    assert trace(PTRACE_DETACH, thread, 0, 0) == 0


@tap.case('notices: a shard that is stuck stops WATCHDOG, though the others live, until it goes on')
def stuck_shard():
    stuck, clock = service.Supervisor(), service.Supervisor()
    with told(stuck, shards=2) as serving, told(clock):
        stuck.wait_for('WATCHDOG=1')
        server.wait_until(lambda: len(list(shard_threads(serving.process.pid))) == 2)
        with stopped(next(shard_threads(serving.process.pid))):
            before = len(stuck.wait_for('WATCHDOG=1'))
            # Another program's notices tell the time.
            clock.wait_for('WATCHDOG=1', count=len(clock.wait_for('WATCHDOG=1')) + 10)
            assert len(stuck.wait_for('WATCHDOG=1')) <= before + 1
        stuck.wait_for('WATCHDOG=1', count=before + 3)


tap.run()
