"""The handshakes that are compared: by version, key and kind, with one suite for each version."""
import pathlib
import subprocess

import peers
from terms import SUITE

SUITES = {'1.3': {'ecdsa': SUITE, 'rsa': SUITE},
          '1.2': {'ecdsa': 'ECDHE-ECDSA-AES128-GCM-SHA256',
                  'rsa': 'ECDHE-RSA-AES128-GCM-SHA256'}}
GROUPS = ('X25519', 'P-256')
KINDS = ('full', 'resumed')


class Case:
    def __init__(self, version, key, kind):
        self.version, self.key, self.kind = version, key, kind

    def __str__(self):
        return f'TLS {self.version}, {self.key}, {self.kind}'

    def words(self, group):
        """What bench/handshakes is told of it."""
        return [self.version, SUITES[self.version][self.key], group, self.kind]


def cases(versions, keys, kinds):
    return [Case(version, key, kind) for key in keys for version in versions for kind in kinds]


def terms_of(key, folder):
    if key == 'ecdsa':
        return peers.Terms(folder, lowest='1.2')
    return peers.Terms(folder, lowest='1.2', certificate='localhost-rsa', issuer='ca-rsa')


def make_rsa_certificate(folder):
    """An authority and a leaf, each with an RSA key of 2048 bits; the chain as the other one is."""
    authority, leaf = folder / 'ca-rsa', folder / 'localhost-rsa'
    new = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30']
    for name, more in ((authority, ['-subj', '/CN=Ringfort benchmark CA']),
                       (leaf, ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                               '-addext', 'basicConstraints=critical,CA:FALSE',
                               '-CA', f'{authority}.pem', '-CAkey', f'{authority}.key'])):
        subprocess.run([*new, *more, '-keyout', f'{name}.key', '-out', f'{name}.pem'], check=True,
                       capture_output=True)
    pathlib.Path(f'{leaf}.pem').write_text(pathlib.Path(f'{leaf}.pem').read_text() +
                                           pathlib.Path(f'{authority}.pem').read_text())
