"""A running program's file started again: the new process takes over, and no client notices.

RINGFORT_UPGRADES says how many times that is done under load, instead of 5.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import service  # noqa: E402
import tap  # noqa: E402

UPGRADES = int(os.environ.get('RINGFORT_UPGRADES', 5))
PR_SET_CHILD_SUBREAPER = 36
GET = b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
HELLO = b'Hello, world!'

# Successors become this process's children when their predecessor has ended.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Line(server.Server):
    """A program and its successors: one port, one log, an admin socket, a process at a time."""

    def __init__(self, *flags, handler=('--handler', 'hello'), **options):
        self._keep = tempfile.TemporaryDirectory(prefix='ringfort-handover-')
        self.folder = pathlib.Path(self._keep.name)
        self.program = self.folder / 'ringfort'
        shutil.copy2(server.PROGRAM, self.program)
        self.admin = self.folder / 'admin'
        super().__init__('--admin', self.admin, *handler, *flags, program=self.program, **options)
        self.serving = self.process.pid
        # Each process prints its counters at its end, and would wait for a reader.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def replace_program(self, script=None):
        """As packages are: beside it, then moved. A script, or the program again."""
        beside = self.folder / 'beside'
        if script:
            beside.write_text(f'#!/bin/sh\n{script}\n')
            beside.chmod(0o755)
        else:
            shutil.copy2(server.PROGRAM, beside)
        beside.rename(self.program)

    def hand_over(self):
        """Asks for a successor; the process that it takes over from."""
        status, text = server.inspect(self.admin, 'upgrade')
        assert status == 0, text
        before, self.serving = self.serving, int(re.search(r'process (\d+) has taken', text)[1])
        return before

    def upgrade(self):
        """The same, and waits for that process's good end."""
        self.wait_for_end_of(self.hand_over())

    def wait_for_end_of(self, process):
        if process == self.process.pid:
            assert self.process.wait(server.PATIENCE_S) == 0, self.log[-5:]
        else:
            _, status = os.waitpid(process, 0)
            assert status == 0, (status, self.log[-5:])

    def status(self, name):
        return re.search(rf'^{name}: (.*)$', server.inspect(self.admin)[1], re.M)[1]

    def stop(self, number=signal.SIGTERM):
        process, self.serving = self.serving, None
        os.kill(process, number)
        self.wait_for_end_of(process)

    def __exit__(self, kind, *_):
        if self.serving is None:
            return
        if kind is not None:
            os.kill(self.serving, signal.SIGKILL)
            return
        self.stop()


class Asking:
    """A client in a thread of its own that asks for ever, and keeps what went wrong."""

    def __init__(self, serving, keeps):
        self.serving, self.keeps = serving, keeps
        self.answers, self.closes, self.wrong = 0, 0, []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._ask_for_ever, daemon=True)
        self._thread.start()

    def _ask_for_ever(self):
        while not self._ends.is_set():
            try:
                with contextlib.closing(self.serving.connect()) as connection:
                    self._ask(connection)
            except (OSError, AssertionError) as error:
                self.wrong.append(repr(error))

    def _ask(self, connection):
        while True:
            connection.sendall(GET)
            answer = b''
            while not answer.endswith(b'\r\n\r\n' + HELLO):
                piece = connection.recv(4096)
                assert piece, f'cut after {answer}'
                answer += piece
            self.answers += 1
            if b'connection: close' in answer.lower():
                self.closes += 1
                assert connection.recv(1) == b''
                return
            if self._ends.is_set() or not self.keeps:
                return

    def end(self):
        self._ends.set()
        self._thread.join(server.PATIENCE_S)
        assert not self.wrong, self.wrong
        assert self.answers > 0
        return self.answers


@contextlib.contextmanager
def wrk(serving):
    """64 connections until the end of the block; then what it says must hold no error."""
    asking = subprocess.Popen(['wrk', '-t1', '-c64', '-d600s', serving.url], text=True,
                              stdout=subprocess.PIPE)
    try:
        yield
    finally:
        asking.send_signal(signal.SIGINT)
        text = asking.communicate(timeout=server.PATIENCE_S)[0]
    assert 'Socket errors' not in text and 'Non-2xx' not in text, text
    requests = int(re.search(r'(\d+) requests in', text)[1])
    assert requests > 0, text
    print(f'# {requests} requests of wrk', flush=True)


@tap.case('handover: upgrades under load refuse, reset and cut nothing, over TLS')
def under_load():
    with Line(shards=2) as serving:
        clients = [Asking(serving, keeps) for keeps in (True, True, False, False)]
        with wrk(serving):
            for number in range(UPGRADES):
                serving.upgrade()
                reached = sum(each.answers for each in clients)
                server.wait_until(lambda: sum(each.answers for each in clients) > reached)
        answers = sum(each.end() for each in clients)
        lasts = sum(each.closes for each in clients)
        print(f'# {UPGRADES} upgrades, {answers} answers to other clients, {lasts} of them the '
              'last of a connection', flush=True)
        serving.stop()
        for line in serving.log:
            assert 'drain.' not in line, line


@tap.case('handover: upgrades under load refuse, reset and cut nothing, in clear text')
def under_load_plain():
    with Line(plain=True) as serving, wrk(serving):
        for _ in range(UPGRADES):
            serving.upgrade()


@tap.case('handover: an exchange that runs goes on to its end, and its answer is the last')
def running_exchange():
    with Line(handler=('--handler', 'echo')) as serving:
        with serving.connect() as client, serving.connect() as idle:
            client.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf ')
            head = b''
            while not head.endswith(b'half '):
                head += client.recv(4096)
            before = serving.hand_over()
            # Who is idle is not closed under a request on its way, but with its next answer.
            idle.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nlast')
            answer = server.read_to_end(idle)
            assert b'connection: close' in answer.lower() and answer.endswith(b'last'), answer
            assert serving.get('/')[0] == 200
            client.sendall(b'more ')
            assert server.read_to_end(client) == b'more '
        serving.wait_for_end_of(before)


@tap.case('handover: who is idle for --drain-timeout is closed in order, and the process ends')
def idle_client():
    with Line('--drain-timeout', '300ms') as serving:
        with serving.connect() as idle:
            idle.sendall(GET)
            assert idle.recv(4096)
            serving.upgrade()
            assert server.read_to_end(idle) == b''


@tap.case('handover: connections that wait to be accepted, and half a handshake, are served')
def waiting_connections():
    with Line() as serving:
        waiting = [serving.socket() for _ in range(20)]
        before = serving.hand_over()
        for raw in waiting:
            with server.client_context().wrap_socket(raw, server_hostname='localhost') as client:
                client.sendall(GET)
                assert HELLO in client.recv(4096)
        serving.wait_for_end_of(before)


@tap.case('handover: sessions of the predecessor are resumed, and those of its own predecessor')
def sessions():
    with Line() as serving:
        using = server.client_context()

        def visit(session=None):
            with using.wrap_socket(serving.socket(), server_hostname='localhost',
                                   session=session) as client:
                client.sendall(GET.replace(b'\r\n\r\n', b'\r\nconnection: close\r\n\r\n'))
                server.read_to_end(client)
                return client.session, client.session_reused

        session, reused = visit()
        assert not reused
        for _ in range(2):
            serving.upgrade()
            assert visit(session)[1]


@tap.case('handover: SIGUSR2 asks for it too, and the admin socket is answered by the new process')
def by_signal():
    with Line() as serving:
        assert int(serving.status('process')) == serving.serving
        os.kill(serving.serving, signal.SIGUSR2)
        line, = serving.wait_for_log('has taken over')
        before, serving.serving = serving.serving, int(re.search(r'process (\d+)', line)[1])
        serving.wait_for_end_of(before)
        assert int(serving.status('process')) == serving.serving != before
        assert server.inspect(serving.admin, 'reload')[0] == 0
        serving.stop()
        assert not serving.admin.exists()


@tap.case('handover: the path leads to whatever lies there: another file, or behind a link')
def new_file():
    with Line() as serving:
        serving.replace_program()
        serving.upgrade()
        assert os.readlink(f'/proc/{serving.serving}/exe') == str(serving.program)
        assert serving.get() == (200, HELLO)


@tap.case('handover: a file that is missing, ends, or is never ready leaves the old one serving')
def bad_files():
    with Line('--handover-timeout', '500ms') as serving:
        serving.program.unlink()
        refused(serving, 'No such file')
        for script, words in (('exit 3', 'it ended with status 3'),
                              ('kill -9 $$', 'signal 9 ended it'),
                              ('exec sleep 600', 'it was not ready in time, and was killed'),
                              (FLOOD, 'it was not ready in time, and was killed')):
            serving.replace_program(script)
            refused(serving, words)
        serving.replace_program()
        serving.upgrade()


# Notices for ever, of which none says READY.
FLOOD = f"""exec {sys.executable} -c '
import os, socket
notices, place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), os.environ["NOTIFY_SOCKET"]
while True: notices.sendto(b"STATUS=busy", place.replace("@", chr(0), 1))'"""


def refused(serving, words):
    status, text = server.inspect(serving.admin, 'upgrade')
    assert status == 78 and words in text and 'this process goes on' in text, (status, text)
    assert words in serving.wait_for_log(words)[0]
    assert serving.get() == (200, HELLO)
    assert int(serving.status('process')) == serving.serving
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG)[0] == 0, 'a successor was left'


@tap.case('handover: a predecessor that still retires ends at once when its successor fails')
def successor_is_lost():
    with Line('--drain-timeout', '600s') as serving, serving.connect() as idle:
        idle.sendall(GET)
        assert idle.recv(4096)
        before = serving.hand_over()
        lost, serving.serving = serving.serving, before
        os.kill(lost, signal.SIGKILL)
        serving.wait_for_log('which had taken over, is gone: signal 9 ended it')
        serving.wait_for_end_of(before)
        serving.serving = None


@tap.case('handover: SIGTERM while a successor starts ends both')
def ends_while_starting():
    with Line() as serving:
        serving.replace_program('exec sleep 600')
        os.kill(serving.serving, signal.SIGUSR2)
        line, = serving.wait_for_log('starting a successor')
        process = int(re.search(r'process (\d+)', line)[1])
        serving.stop()
        assert not pathlib.Path(f'/proc/{process}').exists()


@tap.case('handover: with more shards than sockets, and with fewer, each socket is accepted from')
def other_shard_counts():
    for before, after in ((1, 3), (3, 2)):
        with Line(shards=before) as serving:
            serving.replace_program(
                f'exec {server.PROGRAM} $(echo "$@" | sed "s/--shards {before}/--shards {after}/")')
            serving.upgrade()
            assert int(serving.status('shards')) == after
            for _ in range(50):
                assert serving.get() == (200, HELLO)


@tap.case('handover: the supervisor hears of the new main process, and then from it')
def supervisor_hears():
    supervisor = service.Supervisor()
    with supervised(supervisor, '--handler', 'hello', watchdog_us=200_000) as serving:
        supervisor.wait_for('READY=1', serving.serving)
        first = serving.serving
        serving.upgrade()
        (_, lines), = supervisor.wait_for('MAINPID=', first)
        assert f'MAINPID={serving.serving}' in lines
        assert 'READY=1' in lines, 'a reload that runs would never end'
        supervisor.wait_for('WATCHDOG=1', serving.serving, 2)
        os.kill(serving.serving, signal.SIGHUP)
        supervisor.wait_for('RELOADING=1', serving.serving)
        second = serving.serving
        serving.upgrade()
        third = serving.serving
        supervisor.wait_for(f'MAINPID={third}', second)
        serving.stop()
        supervisor.wait_for('STOPPING=1', third)
        assert not [lines for process, lines in supervisor.heard
                    if process == first and lines[0].startswith('STOPPING')]


def supervised(supervisor, *flags, watchdog_us=0, **options):
    environment = os.environ | {'NOTIFY_SOCKET': supervisor.address}
    if watchdog_us:
        environment['WATCHDOG_USEC'] = str(watchdog_us)
    return Line(*flags, handler=(), env=environment, **options)


tap.run()
