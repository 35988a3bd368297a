"""Behaviours that people know from Node's https, asked of the running program from outside; the
rows are listed in docs/node-behaviours.md. Where Ringfort differs on purpose, the claim says so."""
import concurrent.futures
import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-rows-')
FOLDER = pathlib.Path(KEEP.name)
CERT, KEY = (server.certificates() / f'localhost.{end}' for end in ('pem', 'key'))
GET = b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
VERSIONS = (('-tls1_2', ssl.TLSVersion.TLSv1_2), ('-tls1_3', ssl.TLSVersion.TLSv1_3))


def s_client(serving, *flags):
    done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{serving.port}',
                           '-ign_eof', *map(str, flags)], input=GET, capture_output=True,
                          timeout=60)
    return (done.stdout + done.stderr).decode(errors='replace')


def sent_back(serving, data):
    """All that the server sends to somebody who sends this and then waits for its FIN."""
    with serving.socket() as client:
        client.sendall(data)
        return server.read_to_end(client)


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, timeout=60)


def issue(name, subject, issuer=None, extension='basicConstraints=critical,CA:TRUE'):
    """name.pem and name.key, signed by the issuer's, or by itself."""
    pem, key, request = (FOLDER / f'{name}.{end}' for end in ('pem', 'key', 'csr'))
    new = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj',
           f'/CN={subject}', '-addext', extension, '-keyout', key)
    if issuer is None:
        openssl('req', '-x509', *new, '-days', 30, '-out', pem)
        return pem, key
    openssl('req', *new, '-out', request)
    openssl('x509', '-req', '-in', request, '-copy_extensions', 'copy', '-days', 30, '-CA',
            issuer[0], '-CAkey', issuer[1], '-out', pem)
    return pem, key


# ------------------------------------------------------------------- identities and policy
def refusal(*flags):
    done = subprocess.run([server.PROGRAM, 'serve', '--listen', '127.0.0.1:0', *map(str, flags)],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@tap.case('SC-01: the deadlines and limits are those that the page on Node\'s behaviours says')
def defaults():
    text = server.run(server.PROGRAM, 'serve', '--help')
    page = (server.ROOT / 'docs/node-behaviours.md').read_text()
    told = re.findall(r'`(--[\w-]+)=([^`]+)`', page)
    assert len(told) >= 8, told
    for flag, value in told:
        assert re.search(rf'^  {flag} .*={re.escape(value)}( |$)', text, re.M), (flag, value)


@tap.case('SC-10: a chain is sent in the order of its file, and a leaf alone is not believed')
def chain():
    root = issue('root', 'root')
    between = issue('between', 'between', root)
    leaf = issue('leaf', 'localhost', between, 'subjectAltName=DNS:localhost')
    whole = FOLDER / 'whole.pem'
    whole.write_text(leaf[0].read_text() + between[0].read_text())
    for sent, subjects, verdict in ((whole, ['localhost', 'between'], 'Verify return code: 0 '),
                                    (leaf[0], ['localhost'], 'Verify return code: 21 ')):
        with server.Server('--handler', 'hello', identity=(sent, leaf[1])) as serving:
            text = s_client(serving, '-showcerts', '-CAfile', root[0])
        assert re.findall(r'^ *\d+ s:CN = (\S+)', text, re.M) == subjects, text
        assert verdict in text, text


@tap.case('SC-12, differs: without certificate, key or both it does not start')
def no_identity():
    for flags, status in (((), 64), (('--cert', CERT), 64), (('--key', KEY), 64)):
        assert refusal(*flags)[0] == status, (flags, refusal(*flags))


@tap.case('SC-14: suites of 1.3 alone leave 1.3 alone; none that is known is an error')
def suites():
    with server.Server('--handler', 'hello', '--suites', 'TLS_AES_256_GCM_SHA384') as serving:
        assert 'alert number 70' in s_client(serving, '-tls1_2')
        assert 'Cipher is TLS_AES_256_GCM_SHA384' in s_client(serving, '-tls1_3')
    for suites in ('AES128-SHA', 'junk', 'TLS_AES_128_GCM_SHA256:junk'):
        status, text = refusal('--cert', CERT, '--key', KEY, '--suites', suites)
        assert status == 78 and 'tls_context.no_usable_suite' in text, (suites, status, text)


@tap.case('SC-15: 1.2 and 1.3 are spoken, or what is asked for; another word is an error')
def versions():
    for flags, spoken in (((), ('-tls1_2', '-tls1_3')), (('--tls-max', '1.2'), ('-tls1_2',)),
                          (('--tls-min', '1.3'), ('-tls1_3',))):
        with server.Server('--handler', 'hello', *flags) as serving:
            for version in ('-tls1_2', '-tls1_3'):
                text = s_client(serving, version)
                assert ('Hello, world!' in text) == (version in spoken), (flags, version, text)
                assert ('alert number 70' in text) == (version not in spoken), (flags, text)
    assert refusal('--cert', CERT, '--key', KEY, '--tls-min', '1.1')[0] == 64


@tap.case('SC-16: the server\'s order of suites holds, but ChaCha20 where the client has it first')
def order():
    aes_128, aes_256 = 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'
    chacha = 'ECDHE-ECDSA-CHACHA20-POLY1305'
    with server.Server('--handler', 'hello') as serving:
        for offered, taken in (((aes_256, aes_128), aes_128), ((aes_256, chacha), aes_256),
                               ((chacha, aes_128), chacha)):
            text = s_client(serving, '-tls1_2', '-cipher', ':'.join(offered))
            assert f'Cipher is {taken}\n' in text, (offered, text)


# ------------------------------------------------------------------- names and sessions
def tenants():
    """A folder with api.local and admin.local, and an identity for the rest."""
    folder = FOLDER / 'tenants'
    folder.mkdir(exist_ok=True)
    for name in ('api.local', 'admin.local', 'default.local'):
        pair = issue(name, name, extension=f'subjectAltName=DNS:{name}')
        for path in pair if name != 'default.local' else ():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder, (FOLDER / 'default.local.pem', FOLDER / 'default.local.key')


def visit(serving, version, name, session=None, host='localhost'):
    """Facts of one request, the certificate's name, the session, and whether it resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    if session is not None:  # The library takes sessions back from the same context only.
        context = session[0]
    for path in FOLDER.glob('*.local.pem'):
        context.load_verify_locations(path)
    with context.wrap_socket(serving.socket(), server_hostname=name,
                             session=session and session[1]) as connection:
        connection.sendall(GET.replace(b'localhost', host.encode()))
        head, _, body = server.read_to_end(connection).decode().partition('\r\n\r\n')
        assert head.startswith('HTTP/1.1 200 '), head
        subject = dict(pair[0] for pair in connection.getpeercert()['subject'])['commonName']
        facts = dict(re.findall(r'^([\w ]+): (.*)$', body, re.M))
        assert (facts['session'] == 'resumed') == connection.session_reused
        return facts, subject, (context, connection.session), connection.session_reused


@tap.case('SNI-01, SNI-12, SNI-17: the name alone decides, whatever the Host field says')
def names():
    folder, default = tenants()
    with server.Server('--names', folder, '--handler', 'facts', identity=default) as serving:
        for _, version in VERSIONS:
            for name, subject in (('api.local', 'api.local'), ('admin.local', 'admin.local'),
                                  ('other.local', 'default.local'), (None, 'default.local')):
                facts, shown, _, _ = visit(serving, version, name, host='elsewhere.example')
                assert shown == subject, (name, shown)
                assert facts['server name'] == (name or 'none'), facts
    assert serving.faults() == {}, serving.faults()


@tap.case('SNI-22, SNI-23, differ: a session of one name resumes there and nowhere else')
def bound():
    folder, default = tenants()
    with server.Server('--names', folder, '--handler', 'facts', identity=default) as serving:
        for _, version in VERSIONS:
            _, _, session, _ = visit(serving, version, 'api.local')
            facts, subject, _, reused = visit(serving, version, 'api.local', session)
            assert reused and subject == facts['server name'] == 'api.local', facts
            for name, wanted in (('admin.local', 'admin.local'), (None, 'default.local')):
                _, subject, _, reused = visit(serving, version, name, session)
                assert not reused and subject == wanted, (name, subject)
        serving.stop()
        assert serving.metric('tickets_refused_total') == 4


def renew(*more_flags):
    """Sessions are made, and every certificate is replaced. Answers who then resumed."""
    folder, default = tenants()
    path = FOLDER / 'admin'
    flags = ('--names', folder, '--handler', 'facts', '--admin', path, *more_flags)
    with server.Server(*flags, identity=default) as serving:
        kept = [(version, name, visit(serving, version, name)[2])
                for _, version in VERSIONS for name in ('api.local', None)]
        tenants()
        text = server.run(server.PROGRAM, 'inspect', '--admin', path, 'reload')
        assert text.startswith('generation 2: 3 changed'), text
        return [visit(serving, version, name, session)[3] for version, name, session in kept]


@tap.case('SNI-21, differs: sessions outlive the renewal of the certificate')
def renewed():
    assert renew() == [True] * 4


@tap.case('SNI-24: when asked, sessions end with the certificate')
def ended():
    assert renew('--sessions-end-with-certificate') == [False] * 4


NODE_ALTNAME = """
const tls = require('tls'), fs = require('fs');
const [port, ca] = [process.argv[1], fs.readFileSync(process.argv[2])];
tls.connect({host: '127.0.0.1', port, ca, servername: 'other.local'}, () => console.log('secure'))
  .on('error', (error) => console.log(error.code));
"""


@tap.case('SNI-26: another tenant\'s certificate is the client\'s error, with Node\'s code')
def wrong_tenant():
    folder, default = tenants()
    with server.Server('--names', folder, '--handler', 'facts', identity=default) as serving:
        text = server.run('node', '-e', NODE_ALTNAME, '--', serving.port, default[0])
        assert text.strip() == 'ERR_TLS_CERT_ALTNAME_INVALID', text
        serving.stop()
        assert serving.metric('requests_total') == 0


@tap.case('SR-01, SR-02, TE-16: one ticket (Node: two in 1.3) for 7200 s, and no early data')
def tickets():
    with server.Server('--handler', 'hello') as serving:
        for version, _ in VERSIONS:
            text = s_client(serving, version)
            hints = re.findall(r'ticket lifetime hint: (\d+) ', text)
            assert hints == ['7200'], text
        assert 'Max Early Data: 0\n' in text, text


@tap.case('SR-09, SR-10: one session resumes four connections at once; one of a stranger, none, '
          'and all are served')
def reused():
    folder, default = tenants()
    with server.Server('--handler', 'facts', identity=default, shards=2) as serving, \
            server.Server('--handler', 'facts', identity=default) as stranger, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _, version in VERSIONS:
            session = visit(serving, version, 'default.local')[2]
            visits = [pool.submit(visit, serving, version, 'default.local', session)
                      for _ in range(4)]
            assert [done.result()[3] for done in visits] == [True] * 4
            assert not visit(stranger, version, 'default.local', session)[3]


# ------------------------------------------------------------------- handshakes that fail
@tap.case('TE-01, TE-02: plain HTTP and other protocols get no byte back, only the end')
def other_protocols():
    with server.Server('--handler', 'hello') as serving:
        for data, fault in ((GET, 'plain_http'), (b'SSH-2.0-OpenSSH_9.2\r\n', 'not_tls'),
                            (b'\xff' * 40, 'not_tls')):
            assert sent_back(serving, data) == b'', data
            serving.wait_for_log(f'tls_handshake.{fault}')
        serving.stop()
        assert serving.faults() == {'tls_handshake.plain_http': 1, 'tls_handshake.not_tls': 2}
        assert serving.metric('requests_total') == 0


@tap.case('TE-03, TE-04: FIN or RST before or inside the hello is tls_handshake.peer_closed')
def leaves():
    with server.Server('--handler', 'hello') as serving:
        for begun in (b'', b'\x16\x03\x01\x02\x00\x01'):
            for reset in (False, True):
                with serving.socket() as client:
                    client.sendall(begun)
                    if reset:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
        serving.wait_for_log('tls_handshake.peer_closed', 4)
        assert serving.get()[0] == 200


@tap.case('TE-05, TE-06, TE-07: version, suite and ALPN without overlap are alerts 70, 40 and 120')
def alerts():
    with server.Server('--handler', 'hello') as serving:
        for flags, alert, fault in (
                (('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), 70, 'version_too_low'),
                (('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), 40, 'no_shared_suite'),
                (('-alpn', 'h2'), 120, 'no_shared_protocol')):
            assert f'alert number {alert}\n' in s_client(serving, *flags), flags
            serving.wait_for_log(f'tls_handshake.{fault}')
        serving.stop()
        assert sum(serving.faults().values()) == 3, serving.faults()


@tap.case('TE-08: no ALPN is served; of h2 and http/1.1 the latter is chosen')
def alpn():
    with server.Server('--handler', 'facts') as serving:
        for flags, words, fact in (((), 'No ALPN negotiated', 'none'),
                                   (('-alpn', 'h2,http/1.1'), 'ALPN protocol: http/1.1',
                                    'http/1.1')):
            text = s_client(serving, *flags)
            assert words in text and f'protocol: {fact}\n' in text, text


@tap.case('TE-09: a client that rejects the certificate by an alert has made no connection')
def rejected():
    with server.Server('--handler', 'hello') as serving:
        for count, (version, _) in enumerate(VERSIONS, 1):
            s_client(serving, version, '-verify_return_error')
            lines = serving.wait_for_log('tls_handshake.peer_alert', count)
            assert 'detail=48' in lines[-1], lines
        serving.stop()
        assert serving.metric('handshakes_full_total') == serving.metric('requests_total') == 0


NODE_REJECTS = """
const tls = require('tls');
const [port, version] = process.argv.slice(1);
tls.connect({host: '127.0.0.1', port, minVersion: version, maxVersion: version,
             servername: 'localhost'})
  .on('error', (error) => console.log(error.code));
"""


@tap.case('TE-10: a client that verifies late and leaves in silence asks for nothing')
def rejected_late():
    with server.Server('--handler', 'hello') as serving:
        for version in ('TLSv1.2', 'TLSv1.3'):
            text = server.run('node', '-e', NODE_REJECTS, '--', serving.port, version)
            assert text.strip() == 'SELF_SIGNED_CERT_IN_CHAIN', text
        assert serving.get()[0] == 200
        serving.stop()
        assert serving.metric('requests_total') == 1
        assert set(serving.faults()) <= {'tls_handshake.peer_closed'}, serving.faults()


@tap.case('TE-13: the time for a head does not run while hands are shaken')
def clock_of_heads():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = server.client_context().wrap_bio(incoming, outgoing, server_hostname='localhost')
    flags = ('--handshake-timeout', '10m', '--head-timeout', '50ms')
    with server.Server('--handler', 'hello', *flags) as serving, serving.socket() as raw:
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        hello = outgoing.read()
        raw.sendall(hello[:100])
        for _ in range(3):  # Somebody else's head runs out of time, while this handshake waits.
            with serving.connect() as slow:
                slow.sendall(b'GET / HT')
                assert b' 408 ' in server.read_to_end(slow)
        raw.sendall(hello[100:])
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(raw.recv(65536))
        client.write(GET)
        raw.sendall(outgoing.read())
        assert b'Hello, world!' in decrypted(client, incoming, raw)


def decrypted(client, incoming, raw):
    """All plaintext until the server's close_notify."""
    text = b''
    while True:
        try:
            if not (piece := client.read(4096)):
                return text
            text += piece
        except ssl.SSLZeroReturnError:
            return text
        except ssl.SSLWantReadError:
            incoming.write(raw.recv(65536))


@tap.case('TE-20: beyond --connections-max a connection ends before its handshake')
def full():
    with server.Server('--handler', 'hello', '--connections-max', '1') as serving:
        with serving.connect() as first:
            try:
                serving.connect()
                raise AssertionError('a second one got in')
            except (ConnectionError, ssl.SSLEOFError):
                pass
            serving.wait_for_log('accept.connections_full')
            first.sendall(GET)
            assert b'Hello, world!' in server.read_to_end(first)


tap.run()
