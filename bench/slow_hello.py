"""A flood of slow handshakes: connections that each send the hello of TLS a byte at a time.

    slow_hello.py PORT COUNT INTERVAL_MS [SECONDS]

Without SECONDS COUNT connections come once, and it ends when the server has ended them all. With
SECONDS each that ends is replaced, so that COUNT are open until the time is over, or SIGTERM comes.
Prints what became of them as JSON: opened, ended (by the server), refused (no connection).
"""
import collections
import contextlib
import json
import math
import resource
import select
import signal
import socket
import ssl
import sys
import time

STEP_S = 0.01  # sends are spread over the interval in steps as long as this
ATTEMPTS_MAX = 50  # connections begun in a step, less than a listener's queue holds


def client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname='localhost')
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


class Hello:
    """One connection, and how much of its hello was sent."""

    def __init__(self, port):
        self.socket, self.sent = socket.create_connection(('127.0.0.1', port), 5), 0
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_byte(self, hello):
        """But never the last one."""
        if self.sent + 1 < len(hello):
            with contextlib.suppress(OSError):  # Ended meanwhile, which is told of in receive().
                self.sent += self.socket.send(hello[self.sent:self.sent + 1])


class Flood:
    def __init__(self, port, count, interval_s):
        self.port, self.count, self.hello = port, count, client_hello()
        self.steps = max(1, math.ceil(interval_s / STEP_S))
        self.poll = select.epoll()
        self.open = {}  # descriptor -> its Hello
        self.due = collections.deque()  # those that waited longest first
        self.told = collections.Counter(opened=0, ended=0, refused=0)
        self.over = False

    def begin(self, wanted):
        for _ in range(min(wanted, ATTEMPTS_MAX)):
            try:
                one = Hello(self.port)
            except OSError:
                self.told['refused'] += 1
                return
            self.open[one.socket.fileno()] = one
            self.due.append(one)
            self.poll.register(one.socket, select.EPOLLIN)
            self.told['opened'] += 1

    def send(self, wanted):
        """The next byte of as many as are due in a step."""
        for _ in range(min(wanted, len(self.due))):
            one = self.due.popleft()
            if one.socket.fileno() >= 0:
                one.send_byte(self.hello)
                self.due.append(one)

    def receive(self, wait_s):
        """Whatever comes is the end: no server answers a part of a hello with anything else."""
        for descriptor, _ in self.poll.poll(wait_s):
            self.open.pop(descriptor).socket.close()
            self.told['ended'] += 1

    def run(self, seconds):
        end = time.monotonic() + (seconds or math.inf)
        while (now := time.monotonic()) < end and not self.over:
            limit = math.inf if seconds else self.count - self.told['opened']
            self.begin(min(self.count - len(self.open), limit))
            self.send(math.ceil(self.count / self.steps))
            if not seconds and self.told['ended'] >= self.count:
                break
            while (left := now + STEP_S - time.monotonic()) > 0:
                self.receive(left)
        return self.told


def main():
    port, count, interval_ms = map(int, sys.argv[1:4])
    seconds = float(sys.argv[4]) if sys.argv[4:] else 0
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood = Flood(port, count, interval_ms / 1000)
    signal.signal(signal.SIGTERM, lambda *_: setattr(flood, 'over', True))
    print(json.dumps(flood.run(seconds)))


main()
