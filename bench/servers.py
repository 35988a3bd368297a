"""Starts the compared servers on free ports of the loopback interface, and ends them."""
import contextlib
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import peers
from terms import TEXT

SERVER_CPU, CLIENT_CPU = 0, 1


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(('127.0.0.1', 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(port, process, name):
    for _ in range(1500):
        if process.poll() is not None:
            said = process.stderr.read()[-2000:] if process.stderr else ''
            sys.exit(f'bench: {name} ended: {said}')
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
            return
        time.sleep(0.02)
    sys.exit(f'bench: {name} does not listen on port {port}')


def check_answer(url, terms):
    """Each server says the same, over what it was told to speak."""
    done = subprocess.run(['curl', '-s', '--cacert', terms.authority, '-w',
                           '\n%{http_code}', url], capture_output=True, text=True, timeout=30)
    if done.stdout != f'{TEXT}\n200':
        sys.exit(f'bench: {url} answers {done.stdout!r} {done.stderr!r}')


class Servers:
    """Those of `names` that are installed, each on CPU 0, started together and killed at the end.
    `wrapped` is a command that runs the server's own, such as valgrind."""

    def __init__(self, names, terms, wrapped=()):
        self.processes, self.urls, self.ports = {}, {}, {}
        scheme = 'https' if terms.encrypted else 'http'
        for name, port in zip(names, free_ports(len(names))):
            command = peers.command(name, terms, port)
            if command is None:
                continue
            process = subprocess.Popen(['taskset', '-c', str(SERVER_CPU), *wrapped, *command],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.processes[name], self.ports[name] = process, port
            self.urls[name] = f'{scheme}://localhost:{port}/'
            try:
                wait_for(port, process, name)
                check_answer(self.urls[name], terms)
            except BaseException:
                self.__exit__()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()


def chosen(text, names=peers.NAMES):
    """The names in a comma-separated list, in the order of `names`; all when it is empty."""
    wanted = set(filter(None, text.split(','))) or set(names)
    if unknown := wanted - set(names):
        sys.exit(f'bench: {", ".join(sorted(unknown))}: not one of {", ".join(names)}')
    return [name for name in names if name in wanted]


def perf_counts_here():
    if not shutil.which('perf'):
        return False
    done = subprocess.run(['perf', 'stat', '-x,', '-e', 'instructions', 'true'],
                          capture_output=True, text=True)
    return done.returncode == 0 and bool(re.match(r'^\d+,', done.stderr.strip()))


def family(pid):
    """A process and its descendants."""
    pids = [pid]
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        for child in (task / 'children').read_text().split():
            pids += family(int(child))
    return pids


def cpu_ns(pid):
    """CPU time of all threads of a process and its children so far (proc(5), schedstat)."""
    return sum(int((task / 'schedstat').read_text().split()[0])
               for one in family(pid) for task in pathlib.Path(f'/proc/{one}/task').iterdir())


class Spending:
    """What a process and its children spend from here to spent(): instructions where perf counts,
    else ns of CPU time."""

    def __init__(self, pid, counted):
        self.pid, self.perf = pid, None
        if counted == 'instructions':
            self.perf = subprocess.Popen(['perf', 'stat', '-x,', '-e', 'instructions:uk', '-p',
                                          ','.join(map(str, family(pid)))],
                                         stderr=subprocess.PIPE, text=True)
        else:
            self.before = cpu_ns(pid)

    def spent(self):
        if self.perf is None:
            return cpu_ns(self.pid) - self.before
        self.perf.send_signal(signal.SIGINT)
        return int(re.search(r'^(\d+),', self.perf.communicate()[1], re.M)[1])


def prepare(build, *groups):
    """Installs what is missing, and builds the release unless `build` is false. From here on a
    SIGTERM ends the servers too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('bench: told to end'))
    scripts = peers.ROOT / 'scripts'
    subprocess.run([scripts / 'setup', 'bench', *groups], check=True)
    if build:
        subprocess.run([scripts / 'build', 'release'], check=True)
