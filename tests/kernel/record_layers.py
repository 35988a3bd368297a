"""Conversations over every record layer: run in a guest whose kernel can protect TLS records."""
import contextlib
import hashlib
import os
import pathlib
import platform
import re
import socket
import ssl
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests'), str(ROOT / 'tests/live')]
import server  # noqa: E402
import tap  # noqa: E402

UNIT_TEST = server.PROGRAM.parent / 'tests/unit/engine/unit-engine-test'
GET = b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
LAYERS = ('user', 'kernel', 'kernel-send')
SUITES = {'TLSv1.3': ('TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384',
                      'TLS_CHACHA20_POLY1305_SHA256'),
          'TLSv1.2': ('ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384',
                      'ECDHE-ECDSA-CHACHA20-POLY1305')}
ALL = [(version, suite) for version, suites in SUITES.items() for suite in suites]
SIZES = (0, 1, 13, 16_383, 16_384, 16_385, 70_000)
# Since Linux 6.7 setsockopt(2) is an operation of io_uring too.
RING = tuple(map(int, platform.release().split('.')[:2])) >= (6, 7)
REKEYS = 'KeyUpdate: followed' in subprocess.run(
    [server.PROGRAM, 'check'], capture_output=True, text=True).stdout


def serve(layer, *flags, handler='echo'):
    return server.Server('--handler', handler, '--record-layer', layer, *flags)


def require_layers(serving, layer, connections):
    """After stop(): every connection that lived long enough went to the layer it had to."""
    kernel = {'user': (0, 0), 'kernel': (1, 1), 'kernel-send': (1, 0)}[layer]
    for side, in_kernel in zip(('send', 'receive'), kernel):
        counts = [serving.metric(f'records_{who}_{side}_total') for who in ('user', 'kernel')]
        assert counts[in_kernel] == connections and counts[1 - in_kernel] == 0, (side, counts)
    assert serving.metric('records_refused_total') == 0
    hand_overs = [serving.metric(f'records_by_{way}_total') for way in ('calls', 'ring')]
    # Both directions of a connection go over at once, or one after the other.
    assert connections * any(kernel) <= hand_overs[RING] <= connections * sum(kernel), hand_overs
    assert hand_overs[1 - RING] == 0, hand_overs


class Client:
    """TLS over memory, so that what is sent together, held back or spoilt is the test's choice."""

    def __init__(self, serving, version, suite=None, session=None):
        context = ssl.create_default_context(cafile=server.certificates() / 'ca.pem')
        wanted = ssl.TLSVersion.TLSv1_3 if version == 'TLSv1.3' else ssl.TLSVersion.TLSv1_2
        context.minimum_version = context.maximum_version = wanted
        if suite and version == 'TLSv1.2':
            context.set_ciphers(suite)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname='localhost',
                                    session=session)
        self.connect(serving)

    def connect(self, serving):
        self.socket = serving.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def handshake(self, flush=True):
        """Without the last flush what the client sends last waits for what follows it."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
        if flush:
            self.flush()

    def write(self, data):
        self.tls.write(data)
        self.flush()

    def read(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
            except ssl.SSLZeroReturnError:
                return b''

    def more(self):
        """The same, where the conversation must not end."""
        piece = self.read()
        assert piece, 'the server ended the connection'
        return piece

    def answer(self):
        """Head and body of one answer with a length or in chunks."""
        text = self.more()
        while b'\r\n\r\n' not in text:
            text += self.more()
        head, _, body = text.partition(b'\r\n\r\n')
        if match := re.search(rb'content-length: (\d+)', head):
            while len(body) < int(match[1]):
                body += self.more()
            return head, body
        while not body.endswith(b'0\r\n\r\n'):
            body += self.more()
        pieces, rest = [], body
        while rest != b'0\r\n\r\n':
            size, _, rest = rest.partition(b'\r\n')
            pieces.append(rest[:int(size, 16)])
            rest = rest[int(size, 16) + 2:]
        return head, b''.join(pieces)

    def echo(self, body):
        self.write(post(body))
        assert self.answer()[1] == body

    def to_end(self):
        """Everything up to the server's close_notify; an end without one is an error."""
        pieces = []
        while piece := self.read():
            pieces.append(piece)
        return b''.join(pieces)

    def flush_changed(self):
        """Sends what waits with its last byte changed."""
        data = self.outgoing.read()
        self.socket.sendall(data[:-1] + bytes([data[-1] ^ 1]))

    def expect_alert(self, words):
        """The server's, which the client's library tells in these words, as one of its names."""
        try:
            self.to_end()
        except ssl.SSLError as error:
            assert words in str(error).lower().replace('_', ' '), error
        else:
            raise AssertionError('no alert came')


def post(body, *fields):
    lines = ['POST / HTTP/1.1', 'host: localhost', f'content-length: {len(body)}', *fields]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def suite_flags(suite):
    return ('--suites', suite)


for layer in LAYERS:
    @tap.case(f'{layer}: every version and cipher, tickets 0 to 2, bodies come back')
    def matrix(layer=layer):
        for tickets in (0, 1, 2):
            for version, suite in ALL:
                with serve(layer, '--tickets', tickets, *suite_flags(suite)) as serving:
                    with Client(serving, version) as client:
                        client.handshake()
                        assert client.tls.cipher()[0] == suite, client.tls.cipher()
                        for size in SIZES:
                            body = os.urandom(size)
                            client.write(post(body))
                            head, echoed = client.answer()
                            assert head.startswith(b'HTTP/1.1 200'), head
                            assert not size or echoed == body, (suite, size, len(echoed))
                        with contextlib.suppress(ssl.SSLWantReadError):
                            client.tls.unwrap()
                        client.flush()
                        client.to_end()
                    serving.stop()
                    require_layers(serving, layer, 1)
                    assert serving.faults() == {}, serving.faults()

    @tap.case(f'{layer}: a request that comes with Finished, and one cut in its record, are served')
    def over_read(layer=layer):
        for tickets in (0, 1, 2):
            with serve(layer, '--tickets', tickets) as serving:
                with Client(serving, 'TLSv1.3') as client:
                    client.handshake(flush=False)
                    client.tls.write(post(b'first'))
                    client.tls.write(post(b'second'))
                    flight = client.outgoing.read()
                    client.socket.sendall(flight[:-20])
                    assert client.answer()[1] == b'first'
                    client.socket.sendall(flight[-20:])
                    assert client.answer()[1] == b'second'
                    client.echo(b'third')
                with Client(serving, 'TLSv1.3') as client:
                    client.handshake(flush=False)
                    client.tls.write(post(b'x' * 300_000))
                    client.flush()
                    assert client.answer()[1] == b'x' * 300_000
                    client.echo(b'last')
                serving.stop()
                require_layers(serving, layer, 2)

    @tap.case(f'{layer}: a resumed TLS 1.2 client that sends its request with Finished is served')
    def resumed(layer=layer):
        with serve(layer) as serving:
            with Client(serving, 'TLSv1.2') as first:
                first.handshake()
                first.echo(b'first')
                session, context = first.tls.session, first.tls.context
            with Client(serving, 'TLSv1.2') as client:
                client.tls = context.wrap_bio(client.incoming, client.outgoing,
                                              server_hostname='localhost', session=session)
                client.handshake(flush=False)
                assert client.tls.session_reused
                client.tls.write(post(b'again'))
                client.flush()
                assert client.answer()[1] == b'again'
                # One more: a client that is gone by now would not see the hand-over.
                client.echo(b'and again')
            serving.stop()
            require_layers(serving, layer, 2)

    @tap.case(f'{layer}: close_notify is answered by close_notify, from either side')
    def close_notify(layer=layer):
        for version in SUITES:
            with serve(layer) as serving:
                with Client(serving, version) as client:
                    client.handshake()
                    client.write(GET.replace(b'\r\n\r\n', b'\r\nconnection: close\r\n\r\n'))
                    assert client.to_end().startswith(b'HTTP/1.1 200')
                with Client(serving, version) as client:
                    client.handshake()
                    client.echo(b'once')
                    with contextlib.suppress(ssl.SSLWantReadError):
                        client.tls.unwrap()
                    client.flush()
                    assert client.to_end() == b''
                serving.stop()
                assert serving.faults() == {}, serving.faults()

    @tap.case(f'{layer}: a changed record is tls_record.bad_mac, and the client is told')
    def bad_mac(layer=layer):
        for version in SUITES:
            with serve(layer) as serving, Client(serving, version) as client:
                client.handshake()
                client.echo(b'once')
                client.tls.write(GET)
                client.flush_changed()
                serving.wait_for_log('tls_record.bad_mac')
                client.expect_alert('bad record mac')

    @tap.case(f'{layer}: clear text after the handshake is tls_record.malformed, a record too long '
              'tls_record.oversized')
    def malformed(layer=layer):
        long = b'\x17\x03\x03\x48\x20' + b'x' * 100
        for sent, fault in ((GET, 'malformed'), (long, 'oversized')):
            with serve(layer) as serving, Client(serving, 'TLSv1.3') as client:
                client.handshake()
                client.echo(b'once')
                client.socket.sendall(sent)
                serving.wait_for_log(f'tls_record.{fault}')

    @tap.case(f'{layer}: a fatal alert of the client is tls_record.peer_alert')
    def peer_alert(layer=layer):
        for version in SUITES:
            with serve(layer) as serving, Client(serving, version) as client:
                client.handshake()
                client.echo(b'once')
                client.incoming.write(b'\x17\x03\x03\x00\x20' + bytes(32))
                with contextlib.suppress(ssl.SSLError):
                    client.tls.read()
                client.flush()
                serving.wait_for_log('tls_record.peer_alert')

    @tap.case(f'{layer}: FIN inside a request, at and within a record, is tls_record.truncated')
    def truncated(layer=layer):
        for left_out in (0, 10):
            with serve(layer) as serving, Client(serving, 'TLSv1.3') as client:
                client.handshake()
                client.echo(b'once')
                client.write(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf')
                client.tls.write(b'more')
                record = client.outgoing.read()
                client.socket.sendall(record[:len(record) - left_out] if left_out else record)
                client.socket.shutdown(socket.SHUT_WR)
                serving.wait_for_log('tls_record.truncated')

    @tap.case(f'{layer}: KeyUpdate is followed, or the connection ends in order and says why')
    def key_update(layer=layer):
        for command in ('k', 'K'):
            follows = REKEYS or layer == 'user' or (layer == 'kernel-send' and command == 'k')
            with serve(layer) as serving:
                client = subprocess.Popen(
                    ['openssl', 's_client', '-connect', f'127.0.0.1:{serving.port}', '-CAfile',
                     server.certificates() / 'ca.pem', '-tls1_3'],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

                def until(mark):
                    text = b''
                    while mark not in text:
                        piece = os.read(client.stdout.fileno(), 65536)
                        assert piece, text[-500:]
                        text += piece
                    return text
                client.stdin.write(post(b'before'))
                client.stdin.flush()
                until(b'before')
                client.stdin.write(command.encode() + b'\n')
                client.stdin.flush()
                if follows:
                    until(b'KEYUPDATE')
                    client.stdin.write(post(b'after it'))
                    client.stdin.flush()
                    until(b'after it')
                    client.stdin.close()
                else:
                    serving.wait_for_log('tls_record.key_update_unsupported')
                    rest = client.communicate(timeout=server.PATIENCE_S)[0]
                    assert b'closed' in rest or client.returncode == 0, rest[-300:]
                client.kill()
                client.wait()
                serving.stop()
                faults = serving.faults()
                assert ('tls_record.key_update_unsupported' in faults) != follows, faults

    @tap.case(f'{layer}: 20 MiB both ways with curl, sha256 the same')
    def large(layer=layer):
        body = pathlib.Path('/tmp/body')
        body.write_bytes(os.urandom(1 << 20) * 20)
        wanted = hashlib.sha256(body.read_bytes()).hexdigest()
        with serve(layer) as serving:
            for version in ('--tlsv1.3', '--tls-max=1.2'):
                echoed = subprocess.run(
                    ['curl', '-sS', *version.split('='), '--cacert',
                     server.certificates() / 'ca.pem', '--data-binary', f'@{body}', '-H',
                     'expect:', serving.url + '/'], capture_output=True, check=True)
                assert hashlib.sha256(echoed.stdout).hexdigest() == wanted
            serving.stop()
            require_layers(serving, layer, 2)

    @tap.case(f'{layer}: node asks three times on one connection')
    def node(layer=layer):
        script = '''
            const https = require('https'), fs = require('fs');
            const agent = new https.Agent({keepAlive: true, maxSockets: 1,
                                           ca: fs.readFileSync(process.argv[2])});
            let left = 3;
            (function ask() {
              https.get(process.argv[1], {agent}, answer => {
                console.log(answer.statusCode, answer.socket.localPort);
                answer.resume().on('end', () => {
                  if (--left) ask(); else agent.destroy();
                });
              });
            })();'''
        with serve(layer) as serving:
            told = server.run('node', '-e', script, serving.url,
                              server.certificates() / 'ca.pem').split('\n')[:3]
            assert len(set(told)) == 1 and told[0].startswith('200 '), told
            serving.stop()
            require_layers(serving, layer, 1)


@tap.case('check: each cipher says that the kernel protects its records')
def checked():
    told = server.run(server.PROGRAM, 'check')
    assert told.count(': yes\n') == 6, told


@tap.case('the ring: an installation is one completion that says which step failed')
def ring():
    told = server.run(UNIT_TEST, '[records]')
    assert 'skipped' not in told and 'All tests passed' in told, told


if __name__ == '__main__':
    tap.run()
