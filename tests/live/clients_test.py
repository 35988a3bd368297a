"""The clients that people have: curl, node, openssl, GnuTLS, a browser."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

NODE_SCRIPT = """
const https = require('https'), fs = require('fs');
const ca = fs.readFileSync(process.argv[2]);
const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca});
const seen = [];
const ask = (left) => https.get({host: 'localhost', port: process.argv[3], agent}, (answer) => {
  let body = '';
  const {localPort: port, authorized} = answer.socket, version = answer.socket.getProtocol();
  answer.on('data', (piece) => body += piece);
  answer.on('end', () => {
    seen.push({status: answer.statusCode, body, reused: answer.req.reusedSocket, port, authorized,
               version});
    if (left > 1) setImmediate(ask, left - 1);
    else { console.log(JSON.stringify(seen)); agent.destroy(); }
  });
});
ask(3);
"""

SUITES_1_3 = ('TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256')
SUITES_1_2 = ('AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305')


@tap.case('clients: curl verifies the certificate and gets 200 over TLS 1.3')
def curl():
    with server.Server() as serving:
        text = server.run('curl', '-sv', '--cacert', server.certificates() / 'ca.pem', serving.url)
        assert 'HTTP/1.1 200 OK' in text and 'SSL certificate verify ok' in text, text
        assert 'TLSv1.3' in text and '<html' in text


@tap.case('TE-09: curl refuses the certificate when it does not know the authority')
def curl_refuses():
    with server.Server() as serving:
        done = subprocess.run(['curl', '-s', serving.url], capture_output=True, timeout=60)
        assert done.returncode == 60, done
        serving.wait_for_log('tls_handshake.peer_alert')


@tap.case('clients: node makes three requests on one verified keep-alive connection')
def node():
    with server.Server('--handler', 'hello') as serving:
        with tempfile.NamedTemporaryFile('w', suffix='.js') as script:
            script.write(NODE_SCRIPT)
            script.flush()
            text = server.run('node', script.name, server.certificates() / 'ca.pem', serving.port)
        seen = json.loads(text)
        assert [one['status'] for one in seen] == [200, 200, 200], seen
        assert [one['reused'] for one in seen] == [False, True, True], seen
        assert len({one['port'] for one in seen}) == 1
        assert all(one['authorized'] and one['version'] == 'TLSv1.3' for one in seen)
        assert {one['body'] for one in seen} == {'Hello, world!'}
        serving.stop()
        assert serving.metric('handshakes_full_total') == 1
        assert serving.metric('requests_total') == 3


def s_client(port, authority, *flags):
    request = 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
    done = subprocess.run(['openssl', 's_client', '-connect', f'localhost:{port}', '-servername',
                           'localhost', '-CAfile', str(authority), '-verify_return_error',
                           '-quiet', *flags], input=request, capture_output=True, text=True,
                          timeout=60)
    return done.stdout + done.stderr


def try_suites(identity, authority, key_name):
    with server.Server('--handler', 'hello', identity=identity) as serving:
        for suite in SUITES_1_3:
            text = s_client(serving.port, authority, '-tls1_3', '-ciphersuites', suite)
            assert 'Hello, world!' in text, f'{suite}: {text}'
        for suite in SUITES_1_2:
            name = f'ECDHE-{key_name}-{suite}'
            text = s_client(serving.port, authority, '-tls1_2', '-cipher', name)
            assert 'Hello, world!' in text, f'{name}: {text}'
        serving.stop()
        assert serving.metric('handshakes_full_total') == 6
        assert serving.faults() == {}, serving.faults()


@tap.case('clients: openssl s_client gets an answer with each suite of 1.2 and 1.3, ECDSA')
def suites_ecdsa():
    try_suites(None, server.certificates() / 'ca.pem', 'ECDSA')


@tap.case('clients: openssl s_client gets an answer with each suite of 1.2 and 1.3, RSA')
def suites_rsa():
    identity = server.rsa_identity()
    try_suites(identity, identity[0], 'RSA')


@tap.case('SR-08: a session is resumed by its ticket')
def resumed():
    with server.Server('--handler', 'hello') as serving:
        with tempfile.TemporaryDirectory() as folder:
            kept = pathlib.Path(folder) / 'session'
            authority = server.certificates() / 'ca.pem'
            s_client(serving.port, authority, '-sess_out', str(kept))
            text = s_client(serving.port, authority, '-sess_in', str(kept))
        assert 'Hello, world!' in text
        serving.stop()
        assert serving.metric('handshakes_resumed_total') == 1


@tap.case('clients: gnutls-cli verifies, resumes and gets an answer, in both versions')
def gnutls():
    if not shutil.which('gnutls-cli'):
        raise tap.Skip('gnutls-cli (gnutls-bin) is not installed: GnuTLS was NOT tried')
    request = 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
    with server.Server('--handler', 'hello') as serving:
        for version in ('1.2', '1.3'):
            text = server.run('gnutls-cli', '--resume', '--priority',
                              f'NORMAL:-VERS-ALL:+VERS-TLS{version}', '--x509cafile',
                              server.certificates() / 'ca.pem', '--port', serving.port,
                              'localhost', input=request)
            for part in ('The certificate is trusted', f'(TLS{version}',
                         'This is a resumed session', 'HTTP/1.1 200 OK', 'Hello, world!'):
                assert part in text, (part, text)
        serving.stop()
        assert serving.metric('handshakes_full_total') == 2
        assert serving.metric('handshakes_resumed_total') == 2
        assert serving.faults() == {}, serving.faults()


@tap.case('clients: a browser renders the page over verified HTTPS')
def browser():
    program = shutil.which('chromium')
    if not program:
        raise tap.Skip('chromium is not installed: no browser was tried')
    if not shutil.which('certutil'):
        raise tap.Skip('certutil (libnss3-tools), which makes the browser trust the authority, '
                       'is not installed')
    with server.Server() as serving, tempfile.TemporaryDirectory() as home:
        store = pathlib.Path(home) / '.pki/nssdb'
        store.mkdir(parents=True)
        server.run('certutil', '-d', f'sql:{store}', '-N', '--empty-password')
        server.run('certutil', '-d', f'sql:{store}', '-A', '-t', 'C,,', '-n', 'development', '-i',
                   server.certificates() / 'ca.pem')
        text = server.run(program, '--headless', '--no-sandbox', '--disable-gpu', '--dump-dom',
                          serving.url, env={'HOME': home, 'PATH': '/usr/bin:/bin'})
        assert re.search(r'<h1[^>]*>', text), text[:2000]
        assert 'ERR_' not in text


tap.run()
