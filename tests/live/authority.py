"""An authority of certificates, made with openssl: it issues, and it revokes."""
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
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[client]
extendedKeyUsage = clientAuth
subjectAltName = URI:spiffe://local/client
[server]
extendedKeyUsage = serverAuth
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
"""
NEW_KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """Keeps its files in a folder of its own; `pem` is its certificate. One with an issuer is
    believed by who believes that, and has its chain in `chain`."""

    def __init__(self, folder, name='clients', issuer=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.pem = self.folder / 'ca.pem'
        self.settings = self.folder / 'ca.cnf'
        self.settings.write_text(SETTINGS.format(folder=self.folder))
        (self.folder / 'index.txt').write_text('')
        (self.folder / 'serial').write_text('01\n')
        new = (*NEW_KEY, '-subj', f'/CN={name}', '-keyout', self.folder / 'ca.key')
        if issuer is None:
            openssl('req', '-x509', *new, '-days', 30, '-out', self.pem)
        else:
            openssl('req', '-new', *new, '-out', self.folder / 'ca.csr')
            issuer.sign(self.folder / 'ca.csr', self.pem, '-extensions', 'authority')
        self.chain = self.pem.read_text() + (issuer.chain if issuer else '')

    def sign(self, request, cert, *flags):
        openssl('ca', '-batch', '-notext', '-config', self.settings, *flags, '-in', request,
                '-out', cert)

    def issue(self, name, names, flags=(), key=NEW_KEY):
        """Certificate and key, in one file, that holds the subjectAltName `names`."""
        request, key_path, cert = (self.folder / f'{name}.{end}' for end in ('csr', 'key', 'crt'))
        more = ('-addext', f'subjectAltName={names}') if names else ()
        openssl('req', '-new', *key, '-subj', f'/CN={name}', *more, '-keyout', key_path, '-out',
                request)
        self.sign(request, cert, *flags)
        both = self.folder / f'{name}.pem'
        both.write_text(cert.read_text() + key_path.read_text())
        return both

    def client(self, name):
        return self.issue(name, None)

    def server(self, name='localhost', names='DNS:localhost,IP:127.0.0.1', dates=(), key=NEW_KEY):
        """`dates`: from and to, as openssl writes them; else from now on, 30 days."""
        between = ('-startdate', dates[0], '-enddate', dates[1]) if dates else ()
        return self.issue(name, names, ('-extensions', 'server', *between), key)

    def revoke(self, name):
        openssl('ca', '-config', self.settings, '-revoke', self.folder / f'{name}.crt')

    def write_list(self, path):
        """Of what is revoked so far; moved into its place, as deployment tools do."""
        made = self.folder / 'list.pem'
        openssl('ca', '-config', self.settings, '-gencrl', '-out', made)
        made.rename(path)


def chained(pem, issuer):
    """A leaf's file with its issuer's certificate behind the leaf."""
    path = pem.with_suffix('.chain.pem')
    path.write_text(pem.read_text() + issuer.pem.read_text())
    return path
