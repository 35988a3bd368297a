"""Other people's servers, for what asks servers: nginx and node, in clear text and over TLS."""
import contextlib
import subprocess
import tempfile
import pathlib

import origin
import server

NGINX = """daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/in; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{clear}; listen 127.0.0.1:{port} ssl;
    ssl_certificate {pem}; ssl_certificate_key {pem};
    root {folder}; client_max_body_size 0; location /in/ {{ dav_methods PUT; }}
    location /once/ {{ keepalive_timeout 0; }} }} }}
"""
NODE = """
const http = require('http'), https = require('https'), fs = require('fs');
const pem = fs.readFileSync(process.argv[1]);
let connections = 0;
const answer = (request, response) => {
  response.setHeader('x-connections', connections);
  request.pipe(response);
};
const clear = http.createServer(answer);
const secure = https.createServer({key: pem, cert: pem}, answer)
  .on('secureConnection', () => ++connections);
clear.listen(0, '127.0.0.1', () => secure.listen(0, '127.0.0.1', () =>
  console.log(clear.address().port, secure.address().port)));
"""


@contextlib.contextmanager
def running(*command, **options):
    with subprocess.Popen(list(map(str, command)), **options) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def nginx(files):
    """Serves `files`, and takes others by PUT below /in/. Its folder and two URLs, clear first."""
    with tempfile.TemporaryDirectory(prefix='ringfort-nginx-') as place:
        folder = pathlib.Path(place)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        clear, port = origin.free_port(), origin.free_port()
        settings = NGINX.format(folder=folder, clear=clear, port=port, pem=origin.CERT)
        (folder / 'conf').write_text(settings)
        with running('/usr/sbin/nginx', '-c', folder / 'conf', '-e', 'stderr',
                     stderr=subprocess.DEVNULL):
            url = f'https://127.0.0.1:{port}/{next(iter(files))}'
            server.wait_until(
                lambda: subprocess.run(['curl', '-sko', '/dev/null', url]).returncode == 0)
            yield folder, f'http://localhost:{clear}', f'https://localhost:{port}'


@contextlib.contextmanager
def node():
    """Gives bodies back. Its two URLs, clear first."""
    with running('node', '-e', NODE, '--', origin.CERT, stdout=subprocess.PIPE,
                 text=True) as process:
        clear, port = process.stdout.readline().split()
        yield f'http://localhost:{clear}', f'https://localhost:{port}'
