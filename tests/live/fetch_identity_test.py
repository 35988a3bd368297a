"""Whom `ringfort fetch` believes, and what it says of who it does not believe."""
import base64
import hashlib
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402
from authority import Authority, chained  # noqa: E402
from origin import (  # noqa: E402
    CERT, FOLDER, OK, TRUST, Origin, context_of, facts, fetch, require_failure, saying)

# ------------------------------------------------------------------- what is told of it
@tap.case('IN-01, IN-02, IN-03: --inspect and --json say version, suite, chain and times')
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
    assert list(times) == ['pending', 'resolve', 'connect', 'proxy', 'tls', 'upload', 'wait',
                           'response']
    assert times['tls'] > 0 and times['connect'] > 0 and told['error'] is None
    assert told['peer'] == f'127.0.0.1:{serving.port}' and told['server_name'] == 'localhost'


@tap.case('fetch: --cert and --key say who the client is')
def client_certificate():
    clients = Authority(FOLDER / 'clients')
    one = clients.client('alice')
    flags = ('--client-certificates', 'required', '--client-authorities', clients.pem)
    with server.Server('--handler', 'facts', *flags, identity=(CERT, CERT)) as serving:
        assert b'alice' in fetch('--cert', one, '--key', one, serving.url)[0]


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


@tap.case('fetch: a pin of the leaf or of its authority is enough')
def pins():
    wrong = base64.b64encode(bytes(32)).decode()
    with Origin(saying(OK), context_of()) as scripted:
        for pem in (CERT, TRUST.pem):
            assert fetch('--pin', wrong, '--pin', key_pin(pem), scripted.url)[0] == b'ok'
        assert 'tls_context.bad_pin' in fetch('--pin', 'junk', scripted.url, status=78)[1]
    assert len(scripted.heads) == 2


# Who is not believed is in badssl_test.py.
@tap.case('ID-03: another name than the URL\'s is asked for, and proved, when it is said')
def other_name():
    with Origin(saying(OK), context_of(TRUST.server('other', 'DNS:other.example'))) as scripted:
        assert fetch('--servername', 'other.example', scripted.url)[0] == b'ok'


@tap.case('ID-04: a wildcard is for one label')
def wildcard():
    wild = TRUST.server('wild', 'DNS:*.example.org')
    with Origin(saying(OK), context_of(wild)) as scripted:
        for name in ('a.example.org', 'A.EXAMPLE.org'):
            assert fetch('--servername', name, scripted.url)[0] == b'ok'
        for name in ('example.org', 'a.b.example.org'):
            require_failure(60, 'tls_handshake.server_certificate_wrong_name', 'tls',
                            '--servername', name, scripted.url)


@tap.case('ID-06: a leaf that comes with the certificates between is believed')
def whole_chain():
    between = Authority(FOLDER / 'between', 'between', TRUST)
    with Origin(saying(OK), context_of(chained(between.server(), between))) as scripted:
        assert fetch(scripted.url)[0] == b'ok'


@tap.case('ID-08, differs: who believes an authority in the middle believes what it issued')
def partial():
    middle = Authority(FOLDER / 'middle', 'middle', TRUST)
    with Origin(saying(OK), context_of(chained(middle.server(), middle))) as scripted:
        assert fetch(scripted.url, trust=middle.pem)[0] == b'ok'


@tap.case('fetch: with --crl who is on no list of its authority\'s is believed')
def not_revoked():
    issuer = Authority(FOLDER / 'revoking', 'revoking')
    good, lists = issuer.server('good'), issuer.folder / 'lists.pem'
    issuer.server('bad')
    issuer.revoke('bad')
    issuer.write_list(lists)
    with Origin(saying(OK), context_of(good)) as scripted:
        assert fetch('--crl', lists, scripted.url, trust=issuer.pem)[0] == b'ok'


tap.run()
