"""Other people's servers on hosts of their own: nginx, node, and HAProxy in front of node."""
import contextlib
import pathlib
import tempfile

import origin
import peers

NGINX = """daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/in; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  root {folder}; client_max_body_size 0; ssl_certificate {pem}; ssl_certificate_key {pem};
  server {{ listen 80; listen 443 ssl;
    location /in/ {{ dav_methods PUT; }} }}
  server {{ listen 8443 ssl;
    ssl_client_certificate {clients}; ssl_verify_client on;
    location /in/ {{ dav_methods PUT; }}
    location /who {{ return 200 "$ssl_client_s_dn asks $ssl_server_name"; }} }} }}
"""
# Answers an upload with its hash, and anything else with the file; frames come back.
NODE = """
const http = require('http'), https = require('https'), fs = require('fs');
const crypto = require('crypto'), [pem, file] = process.argv.slice(1);
const answer = (request, response) => {
  if (request.method === 'PUT') {
    const whole = crypto.createHash('sha256');
    request.on('data', (piece) => whole.update(piece));
    return request.on('end', () => response.end(whole.digest('hex')));
  }
  response.setHeader('content-length', fs.statSync(file).size);
  fs.createReadStream(file, {highWaterMark: 1 << 18}).pipe(response);
};
const frame_of = (read) => {  // RFC 6455 section 5.2
  const short = read[1] & 127, more = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (read.length < 6 + more) return null;
  const length = more === 8 ? read.readUIntBE(4, 6) : more === 2 ? read.readUInt16BE(2) : short;
  const end = 6 + more + length;
  if (read.length < end) return null;
  const mask = read.subarray(2 + more, 6 + more), payload = read.subarray(6 + more, end);
  for (let at = 0; at < length; ++at) payload[at] ^= mask[at & 3];
  return {end, last: (read[0] & 15) === 8, back: Buffer.concat(
    [Buffer.from([read[0], short]), read.subarray(2, 2 + more), payload])};
};
const upgrade = (request, socket, read) => {
  const accept = crypto.createHash('sha1').update(request.headers['sec-websocket-key'] +
    '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: Upgrade\\r\\n' +
               `upgrade: websocket\\r\\nsec-websocket-accept: ${accept}\\r\\n\\r\\n`);
  socket.on('data', (piece) => {
    read = Buffer.concat([read, piece]);
    for (let frame; frame = frame_of(read); read = read.subarray(frame.end)) {
      socket.write(frame.back);
      if (frame.last) socket.end();
    }
  });
};
const clear = http.createServer(answer).on('upgrade', upgrade);
const key = fs.readFileSync(pem);
const secure = https.createServer({key, cert: key}, answer).on('upgrade', upgrade);
clear.listen(80, () => secure.listen(443));
"""
HAPROXY = """defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
listen clear
  mode http
  bind :80
  server node {node}:80
listen ended
  mode http
  bind :8443 ssl crt {pem} ca-file {clients} verify required
  server node {node}:80
listen passed
  mode tcp
  bind :443
  server node {node}:443
"""


@contextlib.contextmanager
def configured(host, settings, *command, **values):
    """A program of that host's whose settings lie in a folder of its own; the folder."""
    with tempfile.TemporaryDirectory(prefix='ringfort-backend-', dir=origin.FOLDER) as place:
        folder = pathlib.Path(place)
        (folder / 'conf').write_text(settings.format(folder=folder, **values))
        with peers.running(*host.command(*command, folder / 'conf')):
            host.wait_for(host, 443)
            yield folder


@contextlib.contextmanager
def nginx(host, file, pem, clients):
    """Serves the file by its name at 80, at 443, and at 8443 to `clients` alone; what is PUT below
    /in/ lies in its folder then."""
    with configured(host, NGINX, 'nginx', '-e', 'stderr', '-c', pem=pem,
                    clients=clients) as folder:
        (folder / file.name).symlink_to(file)
        yield folder


@contextlib.contextmanager
def node(host, file, pem):
    with peers.running(*host.command('node', '-e', NODE, '--', pem, file)):
        host.wait_for(host, 443)
        yield


def haproxy(host, node_host, pem, clients):
    """Before node: of clear text at 80, of TLS at 8443, of `clients` alone; 443 is passed on."""
    return configured(host, HAPROXY, 'haproxy', '-db', '-f', node=node_host.address, pem=pem,
                      clients=clients)
