"""Sessions, client certificates and the key log of the running program, with real clients."""
import contextlib
import json
import os
import pathlib
import re
import signal
import ssl
import stat
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import authority  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from authority import openssl  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-sessions-')
FOLDER = pathlib.Path(KEEP.name)
CONNECTIONS_MAX = 200

AUTHORITY = authority.Authority(FOLDER / 'clients')
CLIENT, REVOKED = AUTHORITY.client('client'), AUTHORITY.client('revoked')
AUTHORITY.revoke('revoked')
AUTHORITY.write_list(FOLDER / 'revocations.pem')
AUTHORITIES = AUTHORITY.pem
STRANGER = FOLDER / 'stranger.pem'
openssl('req', '-x509', *authority.NEW_KEY, '-days', 30, '-subj', '/CN=stranger', '-keyout',
        FOLDER / 'stranger.key', '-out', STRANGER)
STRANGER.write_text(STRANGER.read_text() + (FOLDER / 'stranger.key').read_text())


def context(version, identity=None):
    made = ssl.create_default_context(cafile=server.certificates() / 'ca.pem')
    made.minimum_version = made.maximum_version = version
    if identity:
        made.load_cert_chain(identity)
    return made


def visit(serving, using, session=None):
    """The facts that the server told, the session that the client keeps, and whether it resumed."""
    raw = serving.socket()
    with contextlib.closing(using.wrap_socket(raw, server_hostname='localhost',
                                              session=session)) as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
        answer = server.read_to_end(connection).decode()
        facts = dict(re.findall(r'^([\w ]+): (.*)$', answer.partition('\r\n\r\n')[2], re.M))
        assert (facts['session'] == 'resumed') == connection.session_reused, facts
        return facts, connection.session, connection.session_reused


VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@tap.case('SR-04: a session of one shard resumes on the other one')
def shards():
    for version in VERSIONS:
        using = context(version)
        with server.Server('--handler', 'facts', shards=2) as serving:
            first, session, _ = visit(serving, using)
            seen = set()
            for _ in range(CONNECTIONS_MAX):
                facts, _, reused = visit(serving, using, session)
                assert reused, facts
                seen.add(facts['shard'])
                if len(seen) == 2:
                    break
            assert seen == {'0', '1'}, (first, seen)
            serving.stop()
            assert serving.metric('handshakes_full_total') == 1
            assert serving.metric('tickets_refused_total') == 0


@tap.case('SR-04: a key file keeps sessions across a restart; another one begins anew, and counts')
def restart():
    mine, other = FOLDER / 'mine.key', FOLDER / 'other.key'
    for path in (mine, other):
        openssl('rand', '-out', path, 80)
    rolled = FOLDER / 'rolled.key'
    rolled.write_bytes(other.read_bytes() + mine.read_bytes())
    for version in VERSIONS:
        using = context(version)
        with server.Server('--handler', 'facts', '--ticket-keys', mine) as serving:
            assert 'ticket keys: 1 given' in serving.first_line, serving.first_line
            session = visit(serving, using)[1]
        for keys, resumes in ((mine, True), (rolled, True), (other, False)):
            with server.Server('--handler', 'facts', '--ticket-keys', keys) as serving:
                assert visit(serving, using, session)[2] == resumes, keys
                serving.stop()
                assert serving.metric('tickets_refused_total') == (0 if resumes else 1)


@tap.case('SR-05: generated keys end with the process: a full handshake follows, without an error')
def generated():
    using = context(ssl.TLSVersion.TLSv1_3)
    with server.Server('--handler', 'facts') as serving:
        assert 'ticket keys: generated, renewed every 3600 s, 2 previous' in serving.first_line
        session = visit(serving, using)[1]
    with server.Server('--handler', 'facts') as serving:
        assert not visit(serving, using, session)[2]
        serving.stop()
        assert serving.faults() == {}


NODE_SCRIPT = """
const tls = require('tls'), fs = require('fs');
const [ca, port] = [fs.readFileSync(process.argv[2]), process.argv[3]];
const seen = [];
const ask = (session) => {
  let kept;
  const socket = tls.connect({host: 'localhost', port, ca, session});
  socket.on('session', (each) => { kept = each; });
  socket.on('data', () => {});
  socket.on('secureConnect', () => {
    seen.push(socket.isSessionReused());
    socket.write('GET / HTTP/1.1\\r\\nhost: localhost\\r\\nconnection: close\\r\\n\\r\\n');
  });
  socket.on('close', () => {
    if (seen.length < 4) ask(kept); else console.log(JSON.stringify(seen));
  });
};
ask();
"""


@tap.case('SR-08: node, which uses each ticket once, resumes again and again')
def node():
    with server.Server('--handler', 'hello') as serving:
        script = FOLDER / 'resume.js'
        script.write_text(NODE_SCRIPT)
        text = server.run('node', script, server.certificates() / 'ca.pem', serving.port)
        assert json.loads(text) == [False, True, True, True], text
        serving.stop()
        assert serving.metric('handshakes_resumed_total') == 3


def curl(serving, *flags):
    done = subprocess.run(['curl', '-sS', '--cacert', server.certificates() / 'ca.pem', *flags,
                           serving.url], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@tap.case('clients: curl with a certificate gets in, and its facts are known, resumed or not')
def believed():
    flags = ('--client-certificates', 'required', '--client-authorities', AUTHORITIES)
    with server.Server('--handler', 'facts', *flags) as serving:
        assert 'client certificates: required, authorities 1' in serving.first_line
        status, out, err = curl(serving, '--cert', CLIENT)
        assert status == 0, err
        for line in ('client certificate: verified', 'client subject: CN=client',
                     'client issuer: CN=clients', 'client uri: spiffe://local/client'):
            assert f'{line}\n' in out, out
        for version in VERSIONS:
            using = context(version, CLIENT)
            facts, session, _ = visit(serving, using)
            again, _, reused = visit(serving, using, session)
            assert reused
            for name in ('client certificate', 'client subject', 'client fingerprint'):
                assert facts[name] == again[name], (facts, again)


@tap.case('MT-01, MT-02: none, a stranger\'s and a revoked one are refused, each told and logged')
def refused():
    flags = ('--client-certificates', 'required', '--client-authorities', AUTHORITIES,
             '--client-revocations', FOLDER / 'revocations.pem')
    with server.Server('--handler', 'facts', *flags) as serving:
        assert curl(serving, '--cert', CLIENT)[0] == 0
        for identity, fault, words in (
                ((), 'tls_handshake.client_certificate_missing', 'certificate required'),
                (('--cert', STRANGER), 'tls_handshake.client_certificate_untrusted', 'unknown ca'),
                (('--cert', REVOKED), 'tls_handshake.client_certificate_revoked',
                 'certificate revoked')):
            status, _, err = curl(serving, *identity)
            assert status != 0 and words in err, (status, err)
            serving.wait_for_log(fault)


@tap.case('MT-03: where it is optional, whoever is not believed is served, with the reason')
def optional():
    flags = ('--client-certificates', 'optional', '--client-authorities', AUTHORITIES)
    with server.Server('--handler', 'facts', *flags) as serving:
        assert 'client certificate: none\n' in curl(serving)[1]
        assert 'client certificate: verified\n' in curl(serving, '--cert', CLIENT)[1]
        out = curl(serving, '--cert', STRANGER)[1]
        assert '[DEPTH_ZERO_SELF_SIGNED_CERT]\n' in out and 'client subject: CN=stranger' in out


def refuse(status, *arguments):
    folder = server.certificates()
    done = subprocess.run([server.PROGRAM, 'serve', '--check', '--cert', folder / 'localhost.pem',
                           '--key', folder / 'localhost.key', *map(str, arguments)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done
    return done.stdout + done.stderr


@tap.case('SC-13, SC-19: what cannot be used is refused before anything is bound, with its file')
def junk():
    path = FOLDER / 'junk'
    path.write_text('junk')
    required = ('--client-certificates', 'required')
    for arguments, name in (
            (('--ticket-keys', path), 'tls_context.bad_ticket_keys'),
            (('--ticket-keys', FOLDER / 'none'), 'tls_context.unreadable'),
            ((*required, '--client-authorities', path), 'tls_context.junk_authority'),
            ((*required, '--client-authorities', AUTHORITIES, '--client-revocations', path),
             'tls_context.junk_revocation_list'),
            (required, 'tls_context.no_client_authority')):
        text = refuse(78, *arguments)
        subject = '--client-authorities' if arguments == required else str(arguments[-1])
        assert name in text and subject in text, text
    for arguments, words in (
            (('--client-authorities', AUTHORITIES), 'need --client-certificates'),
            (('--ticket-rotation', '1m', '--ticket-lifetime', '1h'), 'too short'),
            (('--ticket-rotation', '1500ms'), '--ticket-rotation'),
            (('--ticket-keys', path, '--ticket-rotation', '1h'), 'excludes'),
            (('--client-certificates', 'maybe'), 'none|optional|required')):
        assert words in refuse(64, *arguments), (arguments, words)


@tap.case('program: --check prints the policy, tickets and client certificates included')
def policy():
    text = refuse(0, '--ticket-rotation', '30m', '--ticket-lifetime', '3h',
                  '--client-certificates', 'optional')
    for line in ('ticket lifetime: 10800 s', 'ticket keys: generated, renewed every 1800 s, 6 prev',
                 'client certificates: optional, authorities 0', 'key log: no'):
        assert line in text, text


@tap.case('IN-07: --key-log writes NSS lines to a file of mode 0600, and says so aloud')
def key_log():
    path, unwanted = FOLDER / 'keys.log', FOLDER / 'unwanted.log'
    os.environ['SSLKEYLOGFILE'] = str(unwanted)
    try:
        with server.Server('--handler', 'facts', '--key-log', path) as serving:
            serving.wait_for_log('WARNING: --key-log')
            clean = {name: value for name, value in os.environ.items() if name != 'SSLKEYLOGFILE'}
            for version in ('--tlsv1.3', '--tls-max=1.2'):
                flags = ['--tls-max', '1.2'] if '=' in version else [version]
                server.run('curl', '-sS', '--cacert', server.certificates() / 'ca.pem', *flags,
                           serving.url, env=clean)
    finally:
        del os.environ['SSLKEYLOGFILE']
    assert not unwanted.exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_text().splitlines()
    assert all(re.fullmatch(r'[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}', line) for line in lines)
    labels = {line.split()[0] for line in lines}
    assert {'CLIENT_RANDOM', 'CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0'} <= labels, labels


@tap.case('IN-07: a key log that was moved away is begun anew at SIGHUP, unless it is loose')
def key_log_rotated():
    path, old = FOLDER / 'rotated.log', FOLDER / 'rotated.log.1'
    with server.Server('--handler', 'facts', '--key-log', path) as serving:
        assert serving.get()[0] == 200
        path.rename(old)
        before = old.read_text()
        serving.process.send_signal(signal.SIGHUP)
        serving.wait_for_log('0 refused')
        assert serving.get()[0] == 200
        assert old.read_text() == before and 'CLIENT_TRAFFIC_SECRET_0' in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        serving.process.send_signal(signal.SIGHUP)
        serving.wait_for_log('1 refused')
        assert str(path) in serving.wait_for_log('chmod 600')[0]
        kept = path.read_text()
        assert serving.get()[0] == 200
        assert path.read_text().startswith(kept) and len(path.read_text()) > len(kept)


@tap.case('IN-07: --key-log refuses a file that others may open, a link and a second name')
def key_log_refused():
    loose, link, twin = (FOLDER / name for name in ('loose.log', 'link.log', 'twin.log'))
    loose.write_text('')
    loose.chmod(0o640)
    assert 'chmod 600' in refuse(78, '--key-log', loose)
    loose.chmod(0o600)
    link.symlink_to(loose)
    assert 'symbolic link' in refuse(78, '--key-log', link)
    os.link(loose, twin)
    assert 'second name' in refuse(78, '--key-log', loose)
    assert 'plain file' in refuse(78, '--key-log', '/dev/null')
    assert loose.read_text() == ''


tap.run()
