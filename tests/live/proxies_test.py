"""`ringfort fetch` through proxies, tinyproxy and scripted ones, and over unix sockets."""
import base64
import contextlib
import http.server
import pathlib
import re
import select
import socket
import ssl
import subprocess
import sys
import threading

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, OK, TRUST, Origin, context_of, facts, fetch, saying  # noqa: E402
from origin import require_failure  # noqa: E402

DATA = bytes(range(256)) * 4_000
NAME = 'proxied.example'  # Nobody but a proxy of ours knows where it is.


def ours(*flags):
    return server.Server(*flags, identity=(origin.CERT, origin.CERT))


@contextlib.contextmanager
def tinyproxy(*settings):
    port = origin.free_port()
    configuration = FOLDER / 'tinyproxy.conf'
    lines = (f'Port {port}', 'Listen 127.0.0.1', 'Timeout 60', *settings)
    configuration.write_text('\n'.join(lines))
    running = subprocess.Popen(['tinyproxy', '-d', '-c', configuration], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while running.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', port)).close()
                break
        yield f'127.0.0.1:{port}'
    finally:
        running.terminate()
        running.wait(server.PATIENCE_S)


def waiting(connection):
    """Bytes that TLS has opened already are no news to poll(2)."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0


def pass_both(one, other):
    """Both directions until each has ended, in one thread: a TLS socket takes no two at a time."""
    ways = {one: other, other: one}
    while ways:
        ready = [source for source in ways if waiting(source)]
        for source in ready or select.select(list(ways), [], [])[0]:
            with contextlib.suppress(OSError):
                if piece := source.recv(65536):
                    ways[source].sendall(piece)
                    continue
            target = ways.pop(source)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)


def tunnelling(connection, proxy):
    """A proxy's script: whatever host is asked for, it is this machine."""
    head, rest = origin.read_head(connection)
    proxy.heads.append(head)
    port = int(re.match(r'CONNECT \S+:(\d+) HTTP/1\.1', head)[1])
    with socket.create_connection(('127.0.0.1', port)) as far:
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        far.sendall(rest)
        pass_both(connection, far)


# ------------------------------------------------------------------- a real proxy
@tap.case('proxy: tinyproxy carries TLS to a server that proves its name, and bytes both ways')
def real_tunnel():
    with tinyproxy() as proxy, ours('--handler', 'echo') as serving:
        said = fetch('--proxy', proxy, '--data', '@-', serving.url, data=DATA)
        assert said == (DATA, ''), said[1]
        one, = facts('--proxy', proxy, serving.url)
        assert one['proxy'] == f'http://{proxy}' and one['peer'] == proxy, one
        assert one['phases_ns']['proxy'] > 0 and one['tls']['version'] == 'TLSv1.3', one


@tap.case('proxy: tinyproxy is told whole requests to a server in clear text')
def real_forward():
    with tinyproxy() as proxy, Origin(saying(OK)) as clear:
        assert fetch('--proxy', proxy, clear.url) == (b'ok', '')
    assert clear.heads[0].startswith('GET / HTTP/1.'), clear.heads


@tap.case('proxy: tinyproxy wants a user and a password, and gets them by the URL alone')
def real_authentication():
    with tinyproxy('BasicAuth user secret') as proxy, ours('--handler', 'hello') as serving:
        line = require_failure(5, 'proxy.unauthorized', 'proxy', '--proxy', proxy, serving.url)
        assert f' proxy=http://{proxy} ' in line and 'secret' not in line, line
        assert fetch('--proxy', f'http://user:secret@{proxy}', serving.url)[0] == b'Hello, world!'


@tap.case('proxy: a server that tinyproxy does not reach is the proxy\'s refusal, with its status')
def real_refusal():
    with tinyproxy() as proxy:
        line = require_failure(5, 'proxy.refused', 'proxy', '--proxy', proxy,
                               f'https://localhost:{origin.free_port()}/')
    assert 'detail 50' in line, line


# ------------------------------------------------------------------- encrypted proxies
@tap.case('proxy: TLS within TLS carries a body both ways, over one connection for two calls')
def encrypted():
    with Origin(tunnelling, context_of()) as proxy, ours('--handler', 'echo') as serving:
        flags = ('--proxy', f'https://localhost:{proxy.port}', '--proxy-cacert', TRUST.pem)
        some = DATA[:200_000]  # The sockets hold it: this proxy does one thing at a time.
        said = fetch(*flags, '--data', '@-', f'https://localhost:{serving.port}/', data=some)
        assert said == (some, ''), said[1]
        two = facts(*flags, '--repeat', '2', serving.url)
    assert [one['reused'] for one in two] == [False, True], two
    assert len(proxy.heads) == 2, proxy.heads


@tap.case('proxy: an encrypted one that proves nothing ends the call in its own phase')
def untrusted():
    with Origin(tunnelling, context_of()) as proxy:
        line = require_failure(60, 'tls_handshake.server_certificate_unknown_issuer', 'proxy',
                               '--proxy', f'https://localhost:{proxy.port}', 'https://a.example/')
    assert ' proxy=https://localhost:' in line and not proxy.heads, (line, proxy.heads)


# ------------------------------------------------------------------- which proxy
@tap.case('proxy: the environment says which, no_proxy whom not, and a flag stands above both')
def environment():
    with Origin(tunnelling) as proxy, ours('--handler', 'hello') as serving:
        url = f'https://localhost:{serving.port}/'
        told = {'https_proxy': f'http://127.0.0.1:{proxy.port}'}

        def heads_after(*flags, **more):
            before = len(proxy.heads)
            assert fetch(*flags, url, environment=told | more)[0] == b'Hello, world!'
            return len(proxy.heads) - before

        assert heads_after() == 1
        assert heads_after(no_proxy='localhost') == 0
        assert heads_after(NO_PROXY='.localhost:1, 10.0.0.0/8') == 1
        assert heads_after('--proxy', '') == 0
        assert heads_after('--no-proxy', 'other', no_proxy='localhost') == 1
        told = {'HTTP_PROXY': 'http://127.0.0.1:1', 'ALL_PROXY': told['https_proxy']}
        assert heads_after() == 1
        with Origin(saying(OK)) as clear:  # Whoever calls a CGI program says its HTTP_PROXY.
            fetch('--no-proxy', '', clear.url, environment={'HTTP_PROXY': 'http://127.0.0.1:1'})


@tap.case('proxy: one whose URL is none is refused before anything is asked')
def no_url():
    for flags, environment in ((('--proxy', 'socks5://a'), {}), ((), {'https_proxy': 'a b'})):
        said = fetch(*flags, 'https://a.example/', status=64, environment=environment)[1]
        assert 'call.bad_url' in said and ('--proxy' in said or 'https_proxy' in said), said


@tap.case('proxy: names are the proxy\'s to resolve, and only what it is told leaves in clear text')
def names():
    with Origin(tunnelling) as proxy, ours('--handler', 'hello') as serving:
        flags = ('--proxy', f'http://u:p@127.0.0.1:{proxy.port}', '--servername', 'localhost')
        fetch(*flags, '--header', 'x-secret: 1', f'https://{NAME}:{serving.port}/path')
    authority = f'{NAME}:{serving.port}'
    credentials = base64.b64encode(b'u:p').decode()
    assert proxy.heads == [f'CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n'
                           f'proxy-authorization: Basic {credentials}'], proxy.heads


# ------------------------------------------------------------------- unix sockets
@tap.case('RQ-14: a server on a unix socket is asked as any other, by path and by abstract name')
def unix():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def address_string(self):
            return 'unix'

        def log_message(self, *_):
            pass

        def do_GET(self):
            body = self.headers['host'].encode()
            self.send_response(200)
            self.send_header('content-length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    path = FOLDER / 'http.socket'
    for address, name in ((str(path), path), ('\0ringfort-live', '@ringfort-live')):
        class Listening(http.server.ThreadingHTTPServer):
            address_family = socket.AF_UNIX

            def server_bind(self):
                self.socket.bind(self.server_address)

        listening = Listening(address, Handler)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            one, = facts('--unix-socket', name, 'http://inside.example/')
            assert one['peer'] == f'unix:{name}' and one['complete'], one
            assert fetch('--unix-socket', name, 'http://inside.example/')[0] == b'inside.example'
        finally:
            listening.shutdown()
            listening.server_close()
    missing = pathlib.Path(FOLDER / 'nobody')
    require_failure(7, 'connect.refused', 'connect', '--unix-socket', missing, 'http://a.example/')


tap.run()
