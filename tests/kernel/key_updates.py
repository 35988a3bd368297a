"""KeyUpdates over every record layer, on a kernel that follows them: run in a guest that has one,
with the cases of record_layers.py, which begin."""
import contextlib
import hashlib
import os
import socket

import record_layers  # Its cases come along.
from record_layers import GET, LAYERS, SUITES, post, require_layers, suite_flags

import openssl_client
import server
import tap

UPDATES_WITHOUT_DATA_MAX = 32  # of tls::ChannelLimits
SIZES = (1, 13, 16_384, 70_000)


class Client(record_layers.Client):
    """One that can change its keys."""

    def __init__(self, serving):
        self.tls = openssl_client.Connection()
        self.incoming, self.outgoing = self.tls.incoming, self.tls.outgoing
        self.connect(serving)
        self.handshake()

    def __exit__(self, *_):
        super().__exit__()
        self.tls.free()

    @property
    def answered(self):
        """The server's KeyUpdates so far."""
        return self.tls.key_updates_received

    def update_keys(self, asking):
        self.tls.update_keys(asking)
        self.flush()

    def close(self):
        self.tls.close()
        self.flush()
        assert self.to_end() == b''


@contextlib.contextmanager
def conversation(layer, *flags, handler='echo', faults=()):
    """A server and a client of it; afterwards each direction was where it had to be, none was
    refused, and no other fault happened."""
    with record_layers.serve(layer, *flags, handler=handler) as serving:
        with Client(serving) as client:
            yield serving, client
        serving.stop()
        require_layers(serving, layer, 1)
        assert set(serving.faults()) == set(faults), serving.faults()


def download(client, size, updating):
    """The checksum of what comes; with a KeyUpdate about every 200 KB, which asks for another."""
    client.write(GET.replace(b'GET /', b'GET /%d' % size))
    text = client.more()
    while b'\r\n\r\n' not in text:
        text += client.more()
    body, update_at = text.partition(b'\r\n\r\n')[2], 0
    while len(body) < size:
        if updating and len(body) >= update_at:
            client.update_keys(True)
            update_at = len(body) + 200_000
        body += client.more()
    return hashlib.sha256(body).digest()


@tap.case('check: KeyUpdate is followed here')
def followed():
    assert record_layers.REKEYS, server.run(server.PROGRAM, 'check')


@tap.case('records go over through the ring here')
def through_ring():
    assert record_layers.RING


for layer in LAYERS:
    @tap.case(f'{layer}: bodies come back before and after KeyUpdates, answered when asked')
    def before_and_after(layer=layer):
        for suite in SUITES['TLSv1.3']:
            with conversation(layer, *suite_flags(suite)) as (_, client):
                client.echo(b'before')
                answers = 0
                for asking in (False, True, True, False, True):
                    client.update_keys(asking)
                    answers += asking
                    for size in SIZES:
                        client.echo(os.urandom(size))
                    assert client.answered == answers, (suite, client.answered, answers)
                client.close()

    @tap.case(f'{layer}: eight KeyUpdates in one send, and the request behind them, are followed')
    def in_a_row(layer=layer):
        for asking in (False, True):
            with conversation(layer) as (_, client):
                client.echo(b'before')
                for _ in range(3):
                    before = client.answered
                    for _ in range(8):
                        client.tls.update_keys(asking)
                    client.echo(b'after')
                    # One may answer for several (RFC 8446 section 4.6.3).
                    answers = client.answered - before
                    assert 1 <= answers <= 8 if asking else answers == 0, answers
                client.close()

    @tap.case(f'{layer}: KeyUpdates inside a request that comes in pieces of 50 bytes are followed')
    def in_pieces(layer=layer):
        with conversation(layer) as (_, client):
            client.echo(b'before')
            body = os.urandom(900)
            client.tls.write(post(body)[:-600])
            client.tls.update_keys(True)
            client.tls.write(body[-600:-300])
            client.tls.update_keys(False)
            client.tls.write(body[-300:])
            flight = client.outgoing.read()
            for at in range(0, len(flight), 50):
                client.socket.sendall(flight[at:at + 50])
            assert client.answer()[1] == body
            client.close()

    @tap.case(f'{layer}: a body of 2 MiB is echoed while keys change 64 times both ways')
    def both_ways(layer=layer):
        with conversation(layer) as (_, client):
            piece, pieces = os.urandom(32_768), 64
            client.write(f'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: '
                         f'{pieces * len(piece)}\r\n\r\n'.encode())
            text = b''
            for turn in range(pieces):
                client.tls.write(piece[:len(piece) // 2])
                client.tls.update_keys(True)
                client.write(piece[len(piece) // 2:])
                if turn == 0:
                    while b'\r\n\r\n' not in text:
                        text += client.more()
                    text = text.partition(b'\r\n\r\n')[2]
                while len(text) < len(piece):
                    text += client.more()
                assert text[:len(piece)] == piece, turn
                text = text[len(piece):]
            assert text == b'' and client.answered >= pieces // 2, client.answered
            client.close()

    @tap.case(f'{layer}: KeyUpdates while 4 MiB are sent leave the bytes as they are')
    def while_sending(layer=layer):
        with conversation(layer, handler='source') as (_, client):
            # So that the server waits for the client, and has not sent all before they come.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            sums = [download(client, 4 << 20, updating) for updating in (False, True, False)]
            assert len(set(sums)) == 1
            assert client.answered >= 1, client.answered
            client.close()

    @tap.case(f'{layer}: as many KeyUpdates without data as are allowed, and one too many')
    def flood(layer=layer):
        with conversation(layer, faults=['tls_record.key_update_flood']) as (serving, client):
            for _ in range(3):
                for _ in range(UPDATES_WITHOUT_DATA_MAX):
                    client.tls.update_keys(False)
                client.echo(b'data between them')
            for _ in range(UPDATES_WITHOUT_DATA_MAX + 1):
                client.tls.update_keys(False)
            client.flush()
            serving.wait_for_log('tls_record.key_update_flood')
            client.expect_alert('unexpected message')

    @tap.case(f'{layer}: after KeyUpdates a changed record is tls_record.bad_mac, and told so')
    def bad_mac(layer=layer):
        with conversation(layer, faults=['tls_record.bad_mac']) as (serving, client):
            client.echo(b'before')
            client.update_keys(True)
            client.echo(b'after')
            client.tls.write(GET)
            client.flush_changed()
            serving.wait_for_log('tls_record.bad_mac')
            client.expect_alert('bad record mac')


if __name__ == '__main__':
    tap.run()
