"""What scanners say of the default policy: sslscan, and testssl.sh, which is slow.

By default testssl.sh runs the checks of SHORT. All that it has take six minutes of a core, and on
a busy machine longer than scripts/run_tests.py waits, so that is run by itself:
    RINGFORT_TESTSSL=full python3 tests/live/scanners_test.py
It asks no name server and calls nobody.
"""
import json
import os
import pathlib
import shutil
import sys
import tempfile
import xml.etree.ElementTree as xml

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

FULL = os.environ.get('RINGFORT_TESTSSL') == 'full'
# Protocols, renegotiation, compression, Heartbleed, CCS injection, Ticketbleed, downgrades.
SHORT = ('-p', '-R', '-C', '-H', '-I', '-T', '-Z')
FINDINGS_SHORT = {'SSLv2', 'SSLv3', 'TLS1', 'TLS1_1', 'TLS1_2', 'TLS1_3', 'ALPN', 'heartbleed',
                  'CCS', 'ticketbleed', 'secure_renego', 'secure_client_renego', 'CRIME_TLS',
                  'fallback_SCSV'}
FINDINGS_FULL = FINDINGS_SHORT | {
    'cipherlist_NULL', 'cipherlist_aNULL', 'cipherlist_EXPORT', 'cipherlist_LOW',
    'cipherlist_3DES_IDEA', 'PFS', 'cipher_order', 'cert_trust', 'cert_chain_of_trust', 'ROBOT',
    'BREACH', 'POODLE_SSL', 'SWEET32', 'FREAK', 'DROWN', 'LOGJAM', 'BEAST', 'LUCKY13', 'RC4'}
IGNORED = {
    'engine_problem': 'is about the openssl that scans: it has no GOST engine',
    'cert_revocation': 'the test\'s own authority publishes no revocation list and no OCSP',
    'HSTS': 'is a field of the site\'s answers: on localhost it would bar every other program',
}


def require(program, package, what):
    found = shutil.which(program)
    if not found:
        raise tap.Skip(f'{program} ({package}) is not installed: {what}')
    return found


@tap.case('scanners: sslscan finds TLS 1.2 and 1.3 with strong suites, and no weakness')
def sslscan():
    program = require('sslscan', 'sslscan', 'nothing was scanned')
    with server.Server() as serving:
        report = xml.fromstring(
            server.run(program, '--xml=-', f'localhost:{serving.port}')).find('ssltest')
    enabled = {(one.get('type'), one.get('version')): one.get('enabled')
               for one in report.iter('protocol')}
    assert enabled == {('ssl', '2'): '0', ('ssl', '3'): '0', ('tls', '1.0'): '0',
                       ('tls', '1.1'): '0', ('tls', '1.2'): '1', ('tls', '1.3'): '1'}, enabled
    suites = [(one.get('sslversion'), one.get('cipher'), one.get('strength'))
              for one in report.iter('cipher')]
    assert len(suites) == 6, suites
    for version, name, strength in suites:
        # It calls each suite of TLS 1.3 acceptable, for want of the letters ECDHE in its name.
        assert strength == 'strong' or version == 'TLSv1.3' and strength == 'acceptable', name
    assert report.find('renegotiation').get('supported') == '0'
    hearts = [one.get('vulnerable') for one in report.iter('heartbleed')]
    assert hearts == ['0', '0'], hearts
    assert report.find('compression') is None or report.find('compression').get('supported') == '0'
    certificate = report.find('certificates/certificate')
    assert certificate.find('pk').get('error') == 'false'
    assert certificate.findtext('signature-algorithm') == 'ecdsa-with-SHA256'


def scan(program, serving, path):
    """What testssl.sh found: id, severity, words."""
    checks = () if FULL else SHORT
    server.run(program, '--quiet', '--color', '0', '--warnings', 'batch', '--nodns', 'none', '--ip',
               '127.0.0.1', '--connect-timeout', '20', '--openssl-timeout', '20', '--add-ca',
               server.certificates() / 'ca.pem', '--jsonfile', path, *checks,
               f'localhost:{serving.port}', timeout=3600 if FULL else 880)
    return json.loads(pathlib.Path(path).read_text())


@tap.case(f'scanners: testssl.sh reports no weakness ({"all" if FULL else "a part"} of its checks)')
def testssl():
    program = require('testssl', 'testssl.sh', 'nothing was scanned')
    with server.Server() as serving, tempfile.TemporaryDirectory() as folder:
        found = scan(program, serving, os.path.join(folder, 'found.json'))
        assert serving.get()[0] == 200
    missing = (FINDINGS_FULL if FULL else FINDINGS_SHORT) - {one['id'] for one in found}
    assert not missing, missing
    for one in found:
        if one['severity'] in ('OK', 'INFO'):
            continue
        print(f'# {one["severity"]} {one["id"]}: {one["finding"]}: ignored: '
              f'{IGNORED.get(one["id"])}')
        assert one['id'] in IGNORED, one
    if not FULL:
        print('# RINGFORT_TESTSSL=full runs all checks')


tap.run()
