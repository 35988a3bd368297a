"""An authority of client certificates, made with openssl: it issues, and it revokes."""
import pathlib
import subprocess

SETTINGS = """
[ca]
default_ca = it
[it]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
x509_extensions = client
unique_subject = no
[any]
commonName = supplied
[client]
extendedKeyUsage = clientAuth
subjectAltName = URI:spiffe://local/client
"""
NEW_KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """Keeps its files in a folder of its own; `pem` is its certificate."""

    def __init__(self, folder, name='clients'):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.pem = self.folder / 'ca.pem'
        self.settings = self.folder / 'ca.cnf'
        self.settings.write_text(SETTINGS.format(folder=self.folder))
        (self.folder / 'index.txt').write_text('')
        (self.folder / 'serial').write_text('01\n')
        openssl('req', '-x509', *NEW_KEY, '-days', 30, '-subj', f'/CN={name}', '-keyout',
                self.folder / 'ca.key', '-out', self.pem)

    def client(self, name):
        """Certificate and key, in one file."""
        request, key, cert = (self.folder / f'{name}.{end}' for end in ('csr', 'key', 'crt'))
        openssl('req', '-new', *NEW_KEY, '-subj', f'/CN={name}', '-keyout', key, '-out', request)
        openssl('ca', '-batch', '-notext', '-config', self.settings, '-in', request, '-out', cert)
        both = self.folder / f'{name}.pem'
        both.write_text(cert.read_text() + key.read_text())
        return both

    def revoke(self, name):
        openssl('ca', '-config', self.settings, '-revoke', self.folder / f'{name}.crt')

    def write_list(self, path):
        """Of what is revoked so far; moved into its place, as deployment tools do."""
        made = self.folder / 'list.pem'
        openssl('ca', '-config', self.settings, '-gencrl', '-out', made)
        made.rename(path)
