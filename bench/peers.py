"""The servers that are compared: how each is told to say the same, on the same terms."""
import dataclasses
import pathlib
import shutil

from terms import SUITE, TEXT

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / 'build/release'
NAMES = ('floor', 'ringfort', 'nginx', 'h2o', 'haproxy', 'node')

NGINX = """
daemon off; master_process off; worker_processes 1; user root;
error_log {folder}/nginx.log; pid {folder}/nginx.pid;
events {{ worker_connections {connections_max}; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout {idle_s}s;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  default_type text/plain;
  server {{
    listen 127.0.0.1:{port} {tls} backlog=4096;
    ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_protocols {protocols}; ssl_conf_command Ciphersuites {suite};
    location / {{ return 200 "{text}"; }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
  maxconn {connections_max}
  no strict-limits
defaults
  mode http
  timeout client {idle_s}s
  timeout server {idle_s}s
  timeout connect 5s
frontend answers
  bind 127.0.0.1:{port} {tls}
  http-request return status 200 content-type text/plain string "{text}"
"""
H2O = """
num-threads: 1
max-connections: {connections_max}
http1-request-timeout: {idle_s}
handshake-timeout: {idle_s}
user: root
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {port}
{tls}
    paths:
      /:
        file.dir: {folder}/www
        file.index: [index.txt]
"""
NODE = """
const fs = require('fs'), http = require('http'), https = require('https');
const answer = (_, response) => {{
  response.writeHead(200, {{'content-type': 'text/plain', 'content-length': 13}});
  response.end('{text}');
}};
const server = {encrypted} ? https.createServer({{cert: fs.readFileSync('{cert}'),
  key: fs.readFileSync('{key}'), minVersion: 'TLSv{lowest}'}}, answer)
  : http.createServer(answer);
server.keepAliveTimeout = {idle_s} * 1000;
server.listen({port}, '127.0.0.1', 4096);
"""


@dataclasses.dataclass(frozen=True)
class Terms:
    """What every server is told. What one cannot be told, such as its suites, the client asks."""
    folder: pathlib.Path  # with a certificate and its key; configurations are written here
    encrypted: bool = True
    certificate: str = 'localhost'
    issuer: str = 'ca'
    lowest: str = '1.3'  # TLS version
    connections_max: int = 4096
    idle_s: int = 60

    @property
    def cert(self):
        return self.folder / f'{self.certificate}.pem'

    @property
    def authority(self):
        return self.folder / f'{self.issuer}.pem'

    @property
    def key(self):
        return self.folder / f'{self.certificate}.key'

    def facts(self, port, **more):
        protocols = 'TLSv1.3' if self.lowest == '1.3' else 'TLSv1.2 TLSv1.3'
        return dict(folder=self.folder, cert=self.cert, key=self.key, suite=SUITE, text=TEXT,
                    lowest=self.lowest, protocols=protocols, idle_s=self.idle_s,
                    connections_max=self.connections_max, port=port, **more)

    def written(self, name, template, port, **more):
        """The path of the configuration."""
        path = self.folder / f'{name}-{port}'
        path.write_text(template.format(**self.facts(port, **more)))
        return str(path)


def floor(terms, port):
    identity = [str(terms.cert), str(terms.key)] if terms.encrypted else []
    return [str(BUILD / 'bench/floor'), str(port), *identity]


def ringfort(terms, port):
    tls = (['--cert', str(terms.cert), '--key', str(terms.key), '--tls-min', terms.lowest]
           if terms.encrypted else ['--plain'])
    return [str(BUILD / 'ringfort'), 'serve', '--shards', '1', '--handler', 'hello', '--listen',
            f'127.0.0.1:{port}', '--keep-alive-timeout', f'{terms.idle_s}s',
            '--handshake-timeout', f'{terms.idle_s}s', *tls]


def nginx(terms, port):
    return ['nginx', '-c', terms.written('nginx', NGINX, port, tls='ssl' * terms.encrypted)]


def h2o(terms, port):
    (terms.folder / 'www').mkdir(exist_ok=True)
    (terms.folder / 'www/index.txt').write_text(TEXT)
    tls = (f'      ssl:\n        certificate-file: {terms.cert}\n'
           f'        key-file: {terms.key}\n        minimum-version: TLSv{terms.lowest}\n')
    return ['h2o', '-c', terms.written('h2o', H2O, port, tls=tls * terms.encrypted)]


def haproxy(terms, port):
    bundle = terms.folder / f'{terms.certificate}-bundle.pem'
    bundle.write_text(terms.cert.read_text() + terms.key.read_text())
    tls = f'ssl crt {bundle} ssl-min-ver TLSv{terms.lowest} ciphersuites {SUITE}'
    return ['haproxy', '-db', '-f',
            terms.written('haproxy', HAPROXY, port, tls=tls * terms.encrypted)]


def node(terms, port):
    return ['node', terms.written('node', NODE, port,
                                  encrypted='true' if terms.encrypted else 'false')]


def command(name, terms, port):
    """The command line of a server; None where it is not installed."""
    if name not in ('floor', 'ringfort') and not shutil.which(name):
        return None
    return globals()[name](terms, port)
