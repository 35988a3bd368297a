"""Asks a real nginx that ends idle connections at any moment, over one client, and judges."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import urllib.request

import judgement

PARALLEL = 256
PATIENCE_S = 60  # how long nginx may take to begin, and to end
# How long each location keeps a connection: about as long as the load pauses.
KEPT_MS = (8, 9, 10, 11, 19, 20, 21, 30)
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors error;
events {{ worker_connections 4096; }}
http {{
  log_format seen '$http_x_id $request_method';
  access_log {folder}/seen seen buffer=64k;
  client_body_temp_path {folder}/in; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 50;
  ssl_certificate {certificates}/localhost.pem;
  ssl_certificate_key {certificates}/localhost.key;
  server {{
    {listens}
    {locations}
    location /ready {{ access_log off; return 204; }}
  }}
}}
"""
LISTEN = 'listen 127.0.0.1:{} {} backlog=4096;'
LOCATION = 'location /{0} {{ keepalive_timeout {0}ms; return 200 $http_x_id; }}'


def listener(resets):
    """With `resets` what is accepted of it ends in RST and not in FIN (socket(7), SO_LINGER)."""
    one = socket.create_server(('127.0.0.1', 0), backlog=4096)
    one.setblocking(False)  # As nginx has its own.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', resets, 0))
    return one


class Nginx:
    """One worker, on sockets that it inherits: they listen before it does. Leaving the `with` block
    ends it when its last connection has ended, and its log is whole."""

    def __init__(self, folder, certificates):
        self.folder = pathlib.Path(folder)
        self.listeners = [listener(resets) for resets in (False, True, False, True)]
        ports = [one.getsockname()[1] for one in self.listeners]
        self.ready = f'http://127.0.0.1:{ports[0]}/ready'
        self.urls = [f'{scheme}://127.0.0.1:{port}/{kept}' for kept in KEPT_MS
                     for scheme, port in zip(('http', 'http', 'https', 'https'), ports)]
        self.seen = self.folder / 'seen'
        conf = self.folder / 'nginx.conf'
        conf.write_text(NGINX.format(
            folder=folder, certificates=certificates,
            listens=' '.join(map(LISTEN.format, ports, ('', '', 'ssl', 'ssl'))),
            locations=' '.join(map(LOCATION.format, KEPT_MS))))
        numbers = [one.fileno() for one in self.listeners]
        self.process = subprocess.Popen(
            ['/usr/sbin/nginx', '-c', conf, '-e', self.folder / 'errors'], pass_fds=numbers,
            env={'NGINX': ''.join(f'{number};' for number in numbers)}, start_new_session=True)

    def reload(self):
        """Another worker takes over; the old one ends its idle connections at once."""
        self.process.send_signal(signal.SIGHUP)

    def __enter__(self):
        # Its sockets listen before it does anything: a reload before then would end it.
        urllib.request.urlopen(self.ready, timeout=PATIENCE_S).close()
        return self

    def __exit__(self, *_):
        if self.process.poll() is not None:
            raise RuntimeError(f'nginx has ended: {(self.folder / "errors").read_text()}')
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # Its worker with it.
            raise
        finally:
            for one in self.listeners:
                one.close()


def ask(program, nginx, authorities, requests, seed):
    """Runs the load, with a reload at each of its steps. Answers its client's counts."""
    ledger = nginx.folder / 'ledger'
    command = [program, requests, PARALLEL, seed, ledger, authorities, *nginx.urls]
    counts = {}
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as load:
        for line in load.stdout:
            name, count = line.split()
            counts[name] = int(count)
            if name == 'progress':
                nginx.reload()
    if load.returncode:
        raise RuntimeError(f'the load ended with status {load.returncode}')
    return counts


def run(program, certificates, requests, seed):
    """The judgement of so many requests, and the client's counts; `certificates` is a folder that
    scripts/certificates has made."""
    with tempfile.TemporaryDirectory(prefix='ringfort-races-') as folder:
        with Nginx(folder, certificates) as nginx:
            counts = ask(program, nginx, certificates / 'ca.pem', requests, seed)
        with (nginx.folder / 'ledger').open() as ledger, nginx.seen.open() as seen:
            return judgement.judge(ledger, seen, requests), counts
