"""Opens TLS connections, asks once on each, and holds them idle until its input says to close.

    idle_client.py PORT COUNT AT_ONCE WARM [plain]

First come WARM connections that are closed again, 64 by 64, and "warm". Each further step waits for
a line: "open COUNT" is printed when each connection has its answer, "closed" when all are gone.
Handshakes go AT_ONCE by AT_ONCE, each step of all of them before the next, so the server has that
many half done. What a connection keeps here is its socket and the close_notify to end it with.
"""
import contextlib
import resource
import socket
import ssl
import sys

from terms import TEXT

REQUEST = b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'


class Opening:
    """One connection up to its first answer."""

    def __init__(self, port, context):
        self.socket = socket.create_connection(('127.0.0.1', port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context and context.wrap_bio(self.incoming, self.outgoing,
                                                server_hostname='localhost')
        self.shaken, self.answer = context is None, b''

    def send(self):
        if self.shaken and not self.answer:
            if self.tls is None:
                return self.socket.sendall(REQUEST)
            self.tls.write(REQUEST)
        self.socket.sendall(self.outgoing.read())

    def receive(self):
        """Waits for what the server says next; true when the answer is whole."""
        data = self.socket.recv(65536)
        if not data:
            sys.exit('idle_client: the server closed a connection')
        if self.tls is None:
            self.answer += data
        else:
            self.incoming.write(data)
            if not self.shaken:
                self.shake()
            with contextlib.suppress(ssl.SSLWantReadError):
                while self.shaken:
                    self.answer += self.tls.read(65536)
        return self.answer.endswith(TEXT.encode())

    def shake(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            self.shaken = True

    def held(self):
        """The socket, and what orderly ends the connection."""
        if self.tls is None:
            return self.socket, b''
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.socket, self.outgoing.read()


def open_together(port, count, context):
    openings = [Opening(port, context) for _ in range(count)]
    for one in openings if context else ():
        one.shake()
    waiting = openings
    while waiting:
        for one in waiting:
            one.send()
        # A handshake's last flight goes out with the request; tickets may come before the answer.
        waiting = [one for one in waiting if not take_step(one)]
    return [one.held() for one in openings]


def take_step(one):
    """True when the answer is whole; false when there is something to send."""
    shaken = one.shaken
    while not one.receive():
        if not shaken and (one.shaken or one.outgoing.pending):
            return False
    return True


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def close(held):
    for one, farewell in held:
        with contextlib.suppress(OSError):
            one.sendall(farewell)
            one.close()


def tell(*words):
    print(*words, flush=True)
    if not sys.stdin.readline():
        sys.exit()


def main():
    port, count, at_once, warm = map(int, sys.argv[1:5])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = None if sys.argv[5:] else client_context()
    while warm > 0:
        close(open_together(port, 64, context))
        warm -= 64
    tell('warm')
    held = []
    while len(held) < count:
        held += open_together(port, min(at_once, count - len(held)), context)
    tell('open', len(held))
    close(held)
    tell('closed')


main()
