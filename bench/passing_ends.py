"""What stands before and behind a proxy that passes TLS through: a hello, and then bytes of no
meaning, because such a proxy does not look beyond the hello.

    passing_ends.py back PORT
    passing_ends.py front PORT download|upload|short AT_ONCE SECONDS

The back serves until it is killed. The front keeps AT_ONCE connections busy for SECONDS and prints
what was done as JSON: bytes, connections, seconds, and those of its CPU time. Neither copies: what
is sent lies in a file (sendfile), what is received is dropped in the kernel (MSG_TRUNC, tcp(7)). A
letter behind the hello says what a connection is for:

    D  download: the back sends until it sees the front's FIN
    U  upload: the front sends, and then its FIN; the back ends when all has come
    S  short: SHORT_BYTES each way, the back ends it, and another one begins
"""
import contextlib
import json
import os
import select
import socket
import ssl
import sys
import time

SHORT_BYTES = 4096
FILE_BYTES = 2**20  # what one call sends at most, and drops at most
LETTERS = {'download': b'D', 'upload': b'U', 'short': b'S'}
FILE = os.memfd_create('plain')
SCRATCH = bytearray(FILE_BYTES)


def client_hello():
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing,
                                                   server_hostname='localhost')
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


class End:
    """Of a connection: what it has sent and received, and whether the other one has ended."""

    def __init__(self, connection):
        connection.setblocking(False)
        self.socket, self.number = connection, connection.fileno()
        self.sent = self.received = 0
        self.ended = False

    def send(self, bytes_max=FILE_BYTES):
        with contextlib.suppress(BlockingIOError):
            self.sent += os.sendfile(self.number, FILE, 0, bytes_max)

    def drop(self):
        with contextlib.suppress(BlockingIOError):
            count = self.socket.recv_into(SCRATCH, 0, socket.MSG_TRUNC)
            self.received += count
            self.ended = count == 0


class Served(End):
    """At the back."""
    beginning, kind = b'', None

    def begin(self):
        came = self.socket.recv(65536)
        self.beginning, self.ended = self.beginning + came, not came
        hello_bytes = 5 + int.from_bytes(self.beginning[3:5])
        self.kind = self.beginning[hello_bytes:hello_bytes + 1] or None
        self.received = len(self.beginning) - hello_bytes - 1

    def go_on(self, events):
        """Answers what to wait for next; None: it is over."""
        if self.kind is None:
            self.begin()
        elif events & select.EPOLLIN:
            self.drop()
        if self.ended:
            return None
        if self.kind == b'D':
            self.send()
            return select.EPOLLIN | select.EPOLLOUT
        if self.kind == b'S' and self.received >= SHORT_BYTES:
            self.send(SHORT_BYTES)
            return None
        return select.EPOLLIN


def serve(port):
    poll, served = select.epoll(), {}
    with socket.create_server(('127.0.0.1', port), backlog=4096) as listener:
        listener.setblocking(False)
        poll.register(listener, select.EPOLLIN)
        while True:
            for number, events in poll.poll():
                if number == listener.fileno():
                    one = Served(listener.accept()[0])
                    served[one.number] = one
                    poll.register(one.number, select.EPOLLIN)
                    continue
                one, following = served[number], None
                with contextlib.suppress(ConnectionError):
                    following = one.go_on(events)
                if following is None:
                    served.pop(number).socket.close()
                elif following != select.EPOLLIN:
                    poll.modify(number, following)


class Front:
    def __init__(self, port, kind, at_once):
        self.port, self.kind, self.at_once = port, kind, at_once
        self.opening = client_hello() + LETTERS[kind] + bytes(SHORT_BYTES) * (kind == 'short')
        self.poll, self.open = select.epoll(), {}
        self.told = {'bytes': 0, 'connections': 0}

    def begin(self):
        one = End(socket.create_connection(('127.0.0.1', self.port), 5))
        one.socket.send(self.opening)
        self.open[one.number] = one
        self.poll.register(one.number, select.EPOLLOUT if self.kind == 'upload' else select.EPOLLIN)

    def end(self, one):
        if self.kind == 'short' and one.received != SHORT_BYTES:
            sys.exit(f'passing_ends: {one.received} bytes in answer')
        self.told['bytes'] += one.sent + one.received
        self.told['connections'] += 1
        self.open.pop(one.number).socket.close()

    def step(self):
        for number, events in self.poll.poll(5):
            one = self.open[number]
            if events & select.EPOLLOUT:
                one.send()
            else:
                one.drop()
            if one.ended:
                self.end(one)

    def run(self, seconds):
        began, used_s = time.monotonic(), time.process_time()
        while time.monotonic() < began + seconds:
            while len(self.open) < self.at_once:
                self.begin()
            self.step()
        for one in self.open.values():
            if self.kind != 'short':
                one.socket.shutdown(socket.SHUT_WR)
                self.poll.modify(one.number, select.EPOLLIN)
        while self.open:
            self.step()
        return {**self.told, 'seconds': time.monotonic() - began,
                'cpu_s': time.process_time() - used_s}


def main():
    os.write(FILE, os.urandom(FILE_BYTES))
    if sys.argv[1] == 'back':
        serve(int(sys.argv[2]))
    port, kind, at_once, seconds = sys.argv[2:]
    print(json.dumps(Front(int(port), kind, int(at_once)).run(float(seconds))))


main()
