"""Identities as a person gives them: encrypted keys, PKCS#12, two key types; and the doctor."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

FOLDER = server.certificates()
CERT, KEY, CA = FOLDER / 'localhost.pem', FOLDER / 'localhost.key', FOLDER / 'ca.pem'
KEEP = tempfile.TemporaryDirectory(prefix='ringfort-identity-')


def made(name, *command):
    path = os.path.join(KEEP.name, name)
    subprocess.run(['openssl', *map(str, command), '-out', path], check=True, capture_output=True)
    return path


ENCRYPTED = made('encrypted.key', 'pkcs8', '-topk8', '-in', KEY, '-passout', 'pass:open sesame')
CONTAINER = made('identity.p12', 'pkcs12', '-export', '-in', CERT, '-inkey', KEY,
                 '-passout', 'pass:open sesame')
PHRASE = os.path.join(KEEP.name, 'phrase')
with open(PHRASE, 'w') as file:
    file.write('open sesame\nsecond line\n')


def check(*arguments, **environment):
    done = subprocess.run([server.PROGRAM, 'serve', '--check', *map(str, arguments)],
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    return done.returncode, done.stderr


def doctor(*arguments):
    done = subprocess.run([server.PROGRAM, 'check', *map(str, arguments)], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@tap.case('SC-06: an encrypted key opens with a pass phrase from a file or the environment')
def encrypted():
    pair = ('--cert', CERT, '--key', ENCRYPTED)
    assert check(*pair, '--pass-phrase-file', PHRASE) == (0, '')
    assert check(*pair, '--pass-phrase-env', 'RF_PHRASE', RF_PHRASE='open sesame') == (0, '')
    for arguments, environment, name in (
            ((), {}, 'tls_context.no_pass_phrase'),
            (('--pass-phrase-env', 'RF_PHRASE'), {}, 'tls_context.no_pass_phrase'),
            (('--pass-phrase-env', 'RF_PHRASE'), {'RF_PHRASE': 'no'},
             'tls_context.wrong_pass_phrase'),
            (('--pass-phrase-file', '/nonexistent'), {}, 'tls_context.unreadable')):
        status, text = check(*pair, *arguments, **environment)
        assert status == 78 and name in text, (arguments, status, text)
    status, text = check(*pair, '--pass-phrase-file', PHRASE, '--pass-phrase-env', 'X')
    assert status == 64 and 'exclude each other' in text, text


@tap.case('SC-07, SC-08: a PKCS#12 container serves, and curl verifies it')
def container():
    flags = ('--pkcs12', CONTAINER, '--pass-phrase-file', PHRASE, '--handler', 'hello')
    with server.Server(*flags, identity=()) as serving:
        curl = subprocess.run(['curl', '-sS', '--cacert', CA, serving.url],
                              capture_output=True, text=True, timeout=60)
        assert curl.stdout == 'Hello, world!', curl
    assert 'tls_context.not_pkcs12' in check('--pkcs12', CERT)[1]
    assert 'tls_context.no_pass_phrase' in check('--pkcs12', CONTAINER)[1]
    wrong = check('--pkcs12', CONTAINER, '--pass-phrase-env', 'RF_PHRASE', RF_PHRASE='no')
    assert 'tls_context.wrong_pass_phrase' in wrong[1]


@tap.case('SC-09: of two key types the client\'s algorithms choose')
def two_types():
    rsa_cert, rsa_key = server.rsa_identity()
    with server.Server('--cert', rsa_cert, '--key', rsa_key, '--handler', 'hello') as serving:
        for scheme, key in (('ecdsa_secp256r1_sha256', 'id-ecPublicKey'),
                            ('rsa_pss_rsae_sha256', 'rsaEncryption')):
            client = subprocess.run(
                ['openssl', 's_client', '-connect', f'127.0.0.1:{serving.port}', '-sigalgs',
                 scheme],
                input='', capture_output=True, text=True, timeout=60)
            shown = subprocess.run(['openssl', 'x509', '-noout', '-text'], input=client.stdout,
                                   capture_output=True, text=True, timeout=60)
            assert key in shown.stdout, (scheme, shown.stdout)


@tap.case('identity: certificate and key are read from inherited descriptors too')
def descriptors():
    with open(CERT) as cert, open(KEY) as key:
        done = subprocess.run(
            [server.PROGRAM, 'check', '--cert', f'/dev/fd/{cert.fileno()}', '--key',
             f'/dev/fd/{key.fileno()}'], capture_output=True, text=True, timeout=60,
            pass_fds=(cert.fileno(), key.fileno()))
    assert done.returncode == 0, done
    pipes = f'{server.PROGRAM} check --cert <(cat {CERT}) --key <(cat {KEY})'
    done = subprocess.run(['bash', '-c', pipes], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done


@tap.case('identity: the doctor prints chain, dates, names, key and what a client says')
def healthy():
    status, text = doctor('--cert', CERT, '--key', KEY, '--name', 'localhost', '--authorities', CA)
    assert status == 0, text
    for part in ('subject:     CN=localhost', 'issuer:      CN=Ringfort development CA',
                 'names:       localhost 127.0.0.1', 'key:         EC P-256, signed with ecdsa',
                 'key: belongs to the leaf', 'asks for localhost: accepts it'):
        assert part in text, (part, text)
    assert 'finding:' not in text, text


@tap.case('identity: the doctor names what clients will refuse, exit 78')
def ill():
    status, text = doctor('--cert', CERT, '--key', KEY, '--name', 'example.org', '--authorities',
                          CA)
    assert status == 78, text
    for part in ('finding: tls_context.name_not_covered', 'ERR_TLS_CERT_ALTNAME_INVALID',
                 'refuses it: hostname mismatch'):
        assert part in text, (part, text)
    status, text = doctor('--cert', CERT, '--key', KEY, '--name', 'localhost')
    assert status == 78 and '[SELF_SIGNED_CERT_IN_CHAIN]' in text, text
    status, text = doctor('--cert', CERT, '--key', KEY, '--authorities', KEY)
    assert status == 78 and 'tls_context.junk_authority' in text, text


@tap.case('identity: the doctor answers for each name, and one that is refused is exit 78')
def several_names():
    identity = ('--cert', CERT, '--key', KEY, '--authorities', CA)
    status, text = doctor(*identity, '--name', 'localhost', '--name', '127.0.0.1')
    assert status == 0, text
    for part in ('asks for localhost: accepts it', 'asks for 127.0.0.1: accepts it'):
        assert part in text, (part, text)
    status, text = doctor(*identity, '--name', 'localhost', '--name', 'example.org', '--name',
                          'localhost')
    assert status == 78, text
    assert text.count('asks for localhost: accepts it') == 2, text
    assert 'asks for example.org: refuses it: hostname mismatch' in text, text
    for part in ('finding: tls_context.name_not_covered', 'certificate 0, the leaf'):
        assert text.count(part) == 1, (part, text)


@tap.case('identity: the doctor looks at each pair of a folder, for its own name, to the end')
def folder():
    names = tempfile.mkdtemp(dir=KEEP.name)

    def put(name, cert=CERT, key=KEY):
        shutil.copy(cert, os.path.join(names, name + '.pem'))
        shutil.copy(key, os.path.join(names, name + '.key'))
    status, text = doctor('--names', names, '--authorities', CA)
    assert status == 0 and 'no name is served from it' in text, text
    put('localhost')
    status, text = doctor('--names', names, '--authorities', CA)
    assert status == 0 and 'asks for localhost: accepts it' in text, text
    put('broken.local', key=server.rsa_identity()[1])
    put('other.local')
    put('_.local')
    status, text = doctor('--names', names, '--authorities', CA)
    assert status == 78, text
    for part in ('tls_context.key_mismatch', 'broken.local.pem', 'asks for localhost: accepts it',
                 'asks for other.local: refuses it', 'asks for *.local: refuses it'):
        assert part in text, (part, text)
    assert text.count('finding: tls_context.name_not_covered') == 2, text
    put('a b')
    assert 'tls_context.bad_name' in doctor('--names', names, '--authorities', CA)[1]


@tap.case('identity: a leaf alone, and one about to expire, are warned about at the start')
def warned():
    leaf = made('leaf.pem', 'x509', '-in', CERT)
    status, text = check('--cert', leaf, '--key', KEY)
    assert status == 0 and 'warning: ' in text and 'tls_context.chain_incomplete' in text, text
    short = made('short.pem', 'x509', '-in', CERT, '-signkey', KEY, '-days', '3')
    status, text = check('--cert', short, '--key', KEY)
    assert status == 0 and 'tls_context.expires_soon' in text, text


tap.run()
