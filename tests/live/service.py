"""What stands around a program that is a service: sockets that are passed, and one for notices."""
import contextlib
import os
import socket
import tempfile
import threading

import server


class Supervisor:
    """Hears sd_notify(3)'s datagrams, at a path or an abstract name."""

    def __init__(self, abstract=False):
        self._keep = tempfile.TemporaryDirectory(prefix='ringfort-notices-')
        path = f'{self._keep.name}/notify'
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind('\0' + path if abstract else path)
        self.address = '@' + path if abstract else path
        self.heard, self._news = [], threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text, control, _, _ = self.socket.recvmsg(4096, 256)
            sender = int.from_bytes(control[0][2][:4], 'little')  # struct ucred's pid
            with self._news:
                self.heard.append((sender, text.decode().split('\n')))
                self._news.notify_all()

    def wait_for(self, line, sender=None, count=1):
        """The notices that hold a line which begins so, once there are `count` of them."""
        def found():
            return [(process, lines) for process, lines in self.heard
                    if (sender is None or process == sender) and
                    any(each.startswith(line) for each in lines)]
        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, server.PATIENCE_S), \
                f'not told {count} times: {line}; heard: {self.heard[-10:]}'
            return found()


@contextlib.contextmanager
def listening(family=socket.AF_INET, address=('127.0.0.1', 0), kind=socket.SOCK_STREAM):
    """A socket as a socket unit has it: bound, and listening where its kind can."""
    with socket.socket(family, kind) as bound:
        bound.bind(address)
        if kind == socket.SOCK_STREAM:
            bound.listen(128)
        bound.setblocking(False)
        yield bound


def passing(sockets, names=None):
    """How Server starts a program that gets these sockets as a supervisor's do."""
    def become():  # In the child; what subprocess itself needs there lies below 100 too.
        for place, each in enumerate(sockets):
            os.dup2(each.fileno(), 100 + place)
        for place, _ in enumerate(sockets):
            os.dup2(100 + place, 3 + place)
            os.close(100 + place)
        os.environ.pop('LISTEN_FDNAMES', None)
        os.environ['LISTEN_FDS'] = str(len(sockets))
        os.environ['LISTEN_PID'] = str(os.getpid())
        if names:
            os.environ['LISTEN_FDNAMES'] = ':'.join(names)
    return {'preexec_fn': become, 'close_fds': False, 'listen': ()}
