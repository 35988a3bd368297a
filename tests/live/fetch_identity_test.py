"""Whom `ringfort fetch` believes, and what it says of who it does not believe."""
import base64
import hashlib
import ssl
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402
from authority import Authority  # noqa: E402
from origin import (  # noqa: E402
    CERT, FOLDER, OK, TRUST, Origin, context_of, facts, fetch, require_failure, saying)

# ------------------------------------------------------------------- what is told of it
@tap.case('fetch: --inspect and --json say version, suite, chain and times; the body stays alone')
def inspection():
    with server.Server('--handler', 'hello', identity=(CERT, CERT)) as serving:
        body, said = fetch('--inspect', '--timing', serving.url)
        assert body == b'Hello, world!'
        for line in ('version: TLSv1.3', 'suite: TLS_AES_128_GCM_SHA256', 'protocol: http/1.1',
                     'resumed: no', 'believed: yes', 'certificate 0, the leaf', 'tls '):
            assert line in said, (line, said)
        told, = facts(serving.url)
    assert told['tls']['chain'][0]['subject'] == 'CN=localhost', told
    times = told['phases_ns']
    assert list(times) == ['pending', 'resolve', 'connect', 'tls', 'upload', 'wait', 'response']
    assert times['tls'] > 0 and times['connect'] > 0 and told['error'] is None
    assert told['peer'] == f'127.0.0.1:{serving.port}' and told['server_name'] == 'localhost'


@tap.case('fetch: --cert and --key say who the client is')
def client_certificate():
    clients = Authority(FOLDER / 'clients')
    one = clients.client('alice')
    flags = ('--client-certificates', 'required', '--client-authorities', clients.pem)
    with server.Server('--handler', 'facts', *flags, identity=(CERT, CERT)) as serving:
        assert b'alice' in fetch('--cert', one, '--key', one, serving.url)[0]
        # In TLS 1.3 the client's handshake is over when it is refused.
        require_failure(35, 'tls_handshake.peer_alert', 'tls', '--tls-max', '1.2', serving.url)


@tap.case('ID-09, PE-01, PE-03: --cacert replaces, --extra-cacert and the environment add')
def authorities():
    other = Authority(FOLDER / 'other', 'other')
    extra = {'RINGFORT_EXTRA_CA_FILE': str(TRUST.pem)}
    with Origin(saying(OK), context_of()) as scripted:
        assert fetch(scripted.url)[0] == b'ok'
        assert fetch('--extra-cacert', TRUST.pem, scripted.url, trust=None)[0] == b'ok'
        assert fetch('--extra-cacert', TRUST.pem, scripted.url, trust=other.pem)[0] == b'ok'
        assert fetch(scripted.url, trust=None, environment=extra)[0] == b'ok'
        fetch(scripted.url, trust=other.pem, environment=extra, status=60)
        for name in ('SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE'):
            fetch(scripted.url, trust=None, environment={name: str(TRUST.pem)}, status=60)


@tap.case('fetch: for http:// alone nobody has to be believed, and no file of authorities is read')
def clear_text():
    with Origin(saying(OK)) as scripted:
        assert fetch(scripted.url, trust='/nonexistent')[0] == b'ok'
        fetch('--follow', '1', scripted.url, trust='/nonexistent', status=78)


@tap.case('PE-02, differs: a file of extra authorities that cannot be read ends it, exit 78')
def extra_unreadable():
    junk = FOLDER / 'junk'
    junk.write_text('junk')
    for path, code in ((FOLDER / 'nothing', 'unreadable'), (junk, 'junk_authority')):
        said = fetch('https://localhost/', trust=None, status=78,
                     environment={'RINGFORT_EXTRA_CA_FILE': str(path)})[1]
        assert f'tls_context.{code}' in said, said


@tap.case('PE-04, differs: an environment that wants nothing verified is refused, exit 78')
def environment():
    with Origin(saying(OK), context_of()) as scripted:
        for flags in ((), ('--insecure',)):
            said = fetch(*flags, scripted.url, status=78,
                         environment={'NODE_TLS_REJECT_UNAUTHORIZED': '0'})[1]
            assert 'NODE_TLS_REJECT_UNAUTHORIZED=0' in said and scripted.accepted == 0, said
        for value in ('1', 'false', ''):
            fetch(scripted.url, environment={'NODE_TLS_REJECT_UNAUTHORIZED': value})


@tap.case('ID-10: --insecure believes anybody, says so every time, and what was wrong is told')
def insecure():
    with Origin(saying(OK), context_of()) as scripted:
        for _ in range(2):
            body, said = fetch('--insecure', scripted.url, trust=None)
            assert body == b'ok' and 'warning: --insecure: ' in said, said
        told, = facts('--insecure', scripted.url, trust=None)
    assert not told['tls']['verdict']['accepts'] and told['tls']['verdict']['alias'], told


def key_pin(pem):
    key = subprocess.run(['openssl', 'x509', '-in', pem, '-noout', '-pubkey'], check=True,
                         capture_output=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'der'], input=key, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@tap.case('fetch: a pin of the leaf or of its authority is enough, another one is refused')
def pins():
    wrong = base64.b64encode(bytes(32)).decode()
    with Origin(saying(OK), context_of()) as scripted:
        for pem in (CERT, TRUST.pem):
            assert fetch('--pin', wrong, '--pin', key_pin(pem), scripted.url)[0] == b'ok'
        require_failure(60, 'tls_handshake.server_key_not_pinned', 'tls', '--pin', wrong,
                               scripted.url)
        assert 'tls_context.bad_pin' in fetch('--pin', 'junk', scripted.url, status=78)[1]
    assert len(scripted.heads) == 2


# ------------------------------------------------------------------- who is not believed
def chained(pem, *authorities):
    """The leaf's file with the certificates of these behind the leaf."""
    path = pem.with_suffix('.chain.pem')
    path.write_text(pem.read_text() + ''.join(one.pem.read_text() for one in authorities))
    return path


def require_disbelief(pem, name, alias, *flags, version=None, host='localhost', **options):
    """Exit 60 with the row and Node's name for it, and no request was sent. Answers the line."""
    with Origin(saying(OK), context_of(pem, version), host) as scripted:
        line = require_failure(60, f'tls_handshake.server_{name}', 'tls', *flags, scripted.url,
                               **options)
    assert scripted.heads == [], scripted.heads
    assert f' alias={alias} ' in line and f' servername={host} ' in line, line
    return line


@tap.case('ID-03, ID-11: a certificate for another name is refused, and nothing was asked')
def wrong_name():
    other = TRUST.server('other', 'DNS:other.example')
    alias = 'ERR_TLS_CERT_ALTNAME_INVALID'
    require_disbelief(other, 'certificate_wrong_name', alias)
    require_disbelief(other, 'certificate_wrong_name', alias, host='127.0.0.1')
    with Origin(saying(OK), context_of(other)) as scripted:
        assert fetch('--servername', 'other.example', scripted.url)[0] == b'ok'


@tap.case('ID-04, ID-05: a wildcard is for one label, an address for iPAddress, a CN for nobody')
def names():
    alias = 'ERR_TLS_CERT_ALTNAME_INVALID'
    wild = TRUST.server('wild', 'DNS:*.example.org')
    with Origin(saying(OK), context_of(wild)) as scripted:
        for name in ('a.example.org', 'A.EXAMPLE.org'):
            assert fetch('--servername', name, scripted.url)[0] == b'ok'
        for name in ('example.org', 'a.b.example.org'):
            require_failure(60, 'tls_handshake.server_certificate_wrong_name', 'tls',
                            '--servername', name, scripted.url)
    named = TRUST.server('localhost-only', 'DNS:localhost,DNS:127.0.0.1')
    require_disbelief(named, 'certificate_wrong_name', alias, host='127.0.0.1')
    bare = TRUST.issue('localhost-cn', 'DNS:other.example', ('-extensions', 'server', '-subj',
                                                             '/CN=localhost'))
    require_disbelief(bare, 'certificate_wrong_name', alias)


@tap.case('ID-06: a leaf whose issuer is not known, or an incomplete chain, is refused')
def unknown_issuer():
    between = Authority(FOLDER / 'between', 'between', TRUST)
    leaf = between.server()
    alias = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
    require_disbelief(leaf, 'certificate_unknown_issuer', alias)
    require_disbelief(CERT, 'certificate_unknown_issuer', alias, trust=None)
    with Origin(saying(OK), context_of(chained(leaf, between))) as scripted:
        assert fetch(scripted.url)[0] == b'ok'


@tap.case('ID-08, differs: who believes an authority in the middle believes what it issued')
def partial():
    middle = Authority(FOLDER / 'middle', 'middle', TRUST)
    with Origin(saying(OK), context_of(chained(middle.server(), middle))) as scripted:
        assert fetch(scripted.url, trust=middle.pem)[0] == b'ok'


@tap.case('ID-07: a self-signed leaf, and a root that is not believed, are told apart')
def roots():
    alone = Authority(FOLDER / 'alone', 'localhost')
    both = alone.folder / 'both.pem'
    both.write_text(alone.pem.read_text() + (alone.folder / 'ca.key').read_text())
    require_disbelief(both, 'certificate_self_signed', 'DEPTH_ZERO_SELF_SIGNED_CERT')
    stranger = Authority(FOLDER / 'stranger', 'stranger')
    require_disbelief(chained(stranger.server(), stranger), 'certificate_untrusted_root',
                      'SELF_SIGNED_CERT_IN_CHAIN')


@tap.case('ID-07: one that has expired and one that is not valid yet have rows of their own')
def dates():
    expired = TRUST.server('expired', dates=('20200101000000Z', '20210101000000Z'))
    line = require_disbelief(expired, 'certificate_expired', 'CERT_HAS_EXPIRED')
    assert 'has to be renewed there' in line, line
    early = TRUST.server('early', dates=('21000101000000Z', '21010101000000Z'))
    require_disbelief(early, 'certificate_not_yet_valid', 'CERT_NOT_YET_VALID')


@tap.case('fetch: with --crl who was revoked is refused, and whom no list covers')
def revocation():
    issuer = Authority(FOLDER / 'revoking', 'revoking')
    good, bad = issuer.server('good'), issuer.server('bad')
    issuer.revoke('bad')
    lists = issuer.folder / 'lists.pem'
    issuer.write_list(lists)
    flags = ('--crl', lists)
    with Origin(saying(OK), context_of(good)) as scripted:
        assert fetch(*flags, scripted.url, trust=issuer.pem)[0] == b'ok'
    require_disbelief(bad, 'certificate_revoked', 'CERT_REVOKED', *flags, trust=issuer.pem)
    require_disbelief(CERT, 'revocation_unknown', 'UNABLE_TO_GET_CRL', *flags)


@tap.case('fetch: a weak key, and a certificate that is a client\'s, are refused')
def unfit():
    weak = TRUST.server('weak', key=('-newkey', 'rsa:1024', '-nodes'))
    require_disbelief(weak, 'certificate_too_weak', 'EE_KEY_TOO_SMALL',
                      version=ssl.TLSVersion.TLSv1_3)
    client = TRUST.issue('client-only', 'DNS:localhost')
    require_disbelief(client, 'certificate_refused', 'INVALID_PURPOSE')


tap.run()
