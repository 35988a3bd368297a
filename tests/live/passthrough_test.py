"""`ringfort proxy --passthrough` and PROXY headers, between real clients and servers: nginx,
HAProxy and openssl, in front of it and behind it."""
import contextlib
import hashlib
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import peers  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import OK, TRUST, Origin, context_of, fetch, saying  # noqa: E402

PATTERN = bytes(range(256)) * 262_144  # 64 MiB that are no text
LOOPBACK = ('--trusted-proxy', '127.0.0.0/8')

NGINX = """daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/in; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} ssl proxy_protocol;
    ssl_certificate {pem}; ssl_certificate_key {pem};
    location / {{ return 200 "$proxy_protocol_addr:$proxy_protocol_port $connection_requests\\n"; }}
  }} }}
"""
HAPROXY = """global
  log stderr format raw local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
{rest}
"""


def proxy(*flags, **options):
    return server.Server(*flags, identity=options.pop('identity', ()), does='proxy', **options)


def passing(port, *flags):
    return proxy('--passthrough', f'127.0.0.1:{port}', *flags)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
        return True
    return False


@contextlib.contextmanager
def running(program, settings, port, **values):
    with tempfile.TemporaryDirectory(prefix='ringfort-hop-') as place:
        folder = pathlib.Path(place)
        (folder / 'conf').write_text(settings.format(folder=folder, port=port, **values))
        flags = {'nginx': ('-c', folder / 'conf', '-e', 'stderr'),
                 'haproxy': ('-db', '-f', folder / 'conf')}[program]
        with peers.running(f'/usr/sbin/{program}', *flags, stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL):
            server.wait_until(lambda: answers(port))
            yield port


def nginx_with_headers():
    return running('nginx', NGINX, origin.free_port(), pem=origin.CERT)


@contextlib.contextmanager
def haproxy(bind, server_line):
    """In front of one server; its port."""
    port = origin.free_port()
    rest = (f'frontend f\n  bind 127.0.0.1:{port} {bind}\n  default_backend b\n'
            f'backend b\n  server s 127.0.0.1:{server_line}')
    with running('haproxy', HAPROXY, port, rest=rest):
        yield port


def s_client(port, *flags, data=b''):
    return subprocess.run(
        ['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-servername', 'localhost',
         '-CAfile', TRUST.pem, '-verify_return_error', *map(str, flags)], input=data,
        capture_output=True, timeout=60).stdout.decode(errors='replace')


# ------------------------------------------------------------------- passing through
@tap.case('passthrough: 64 MiB of nginx go down and up whole, and its certificate is what is seen')
def bulk():
    with peers.nginx({'page': PATTERN}) as (folder, _, secure):
        with passing(secure.rsplit(':', 1)[1]) as front:
            assert fetch(f'{front.url}/page')[0] == PATTERN
            fetch('--data', '@-', '--method', 'PUT', f'{front.url}/in/put', data=PATTERN)
            sent = hashlib.sha256((folder / 'in/put').read_bytes()).digest()
            assert sent == hashlib.sha256(PATTERN).digest()
            front.stop()
            front.require_nothing_held()
            assert front.metric('passthroughs_total') == 2
            assert front.metric('handshakes_full_total') == 0


@tap.case('passthrough: a session that the server gave is resumed through it, TLS 1.2 and 1.3')
def resumption():
    with tempfile.TemporaryDirectory() as folder, \
            Origin(saying(OK, then=lambda _: None), context_of()) as behind, \
            passing(behind.port) as front:
        for version in ('-tls1_2', '-tls1_3'):
            session = f'{folder}/{version}'
            asked = b'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
            first = s_client(front.port, version, '-ign_eof', '-sess_out', session, data=asked)
            assert 'New, ' in first and 'Verify return code: 0' in first, first
            again = s_client(front.port, version, '-ign_eof', '-sess_in', session, data=asked)
            assert 'Reused, ' in again, again


@tap.case('passthrough: names of a port go to their servers or are answered here, as spans say')
def mixed():
    with Origin(saying(OK), context_of()) as one, Origin(saying(OK)) as upstream:
        with proxy('--passthrough', f'localhost=127.0.0.1:{one.port}', '--upstream',
                   upstream.url.rstrip('/'), identity=(origin.CERT, origin.CERT)) as front:
            said = [front.process.stdout.readline() for _ in range(3)]
            assert said == ['public client -> ringfort - HTTPS\n',
                            f'ringfort -> localhost:{upstream.port} - HTTP\n',
                            'public client of localhost -> 127.0.0.1:'
                            f'{one.port} - HTTPS (passed through)\n'], said
            assert fetch(front.url)[0] == b'ok'
            assert (one.accepted, upstream.accepted) == (1, 0)
            assert fetch(f'https://127.0.0.1:{front.port}/')[0] == b'ok'
            assert (one.accepted, upstream.accepted) == (1, 1)


@tap.case('passthrough: a protocol has servers of its own; two spellings of a name have one route')
def by_protocol():
    scripted = [Origin(saying(OK), context_of()) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        h2, any_protocol, again, acme = (stack.enter_context(one) for one in scripted)
        front = stack.enter_context(proxy(*(
            part for choice, one in (('localhost', any_protocol), ('LOCALHOST.', again),
                                     ('localhost/h2', h2), ('/acme-tls/1', acme))
            for part in ('--passthrough', f'{choice}=127.0.0.1:{one.port}'))))

        def visit(*alpn, name='localhost'):
            s_client(front.port, '-brief', '-servername', name, *alpn)
            return [one.accepted for one in scripted]
        assert visit('-alpn', 'h2,http/1.1') == [1, 0, 0, 0]
        assert visit() == [1, 1, 0, 0]
        assert visit('-alpn', 'http/1.1') == [1, 1, 1, 0]
        assert visit('-alpn', 'acme-tls/1', name='other.example') == [1, 1, 1, 1]
        assert visit(name='other.example') == [1, 1, 1, 1]
        front.wait_for_log('tls_handshake.unknown_name')


@tap.case('passthrough: inspect and the access log tell where a connection went')
def seen():
    with tempfile.TemporaryDirectory() as folder, \
            Origin(lambda connection, _: origin.until_it_leaves(connection)) as behind:
        admin, log = f'{folder}/admin', f'{folder}/log'
        with passing(behind.port, '--admin', admin, '--access-log', log, '--log-format',
                     'json') as front, front.socket() as client:
            tls = ssl.MemoryBIO(), ssl.MemoryBIO()
            hello = server.client_context().wrap_bio(*tls, server_hostname='a.example')
            with contextlib.suppress(ssl.SSLWantReadError):
                hello.do_handshake()
            client.sendall(tls[1].read())

            def rows():
                return json.loads(server.inspect(admin, 'connections', '--json')[1])
            server.wait_until(lambda: [row for row in rows() if row['stage'] == 'passthrough'])
            row = rows()[0]
            assert row['server'] == f'127.0.0.1:{behind.port}', row
            assert row['server_name'] == 'a.example', row
            client.close()
            front.stop()
        line = json.loads(pathlib.Path(log).read_text())
        assert line['server'] == f'127.0.0.1:{behind.port}' and line['sni'] == 'a.example', line


@tap.case('passthrough: upstreams lists the servers, and a drained one has no new connection')
def drained():
    with tempfile.TemporaryDirectory() as folder, \
            Origin(saying(OK, then=lambda _: None), context_of()) as one, \
            Origin(saying(OK, then=lambda _: None), context_of()) as other:
        admin = f'{folder}/admin'
        places = [f'127.0.0.1:{origin_.port}' for origin_ in (one, other)]
        flags = [flag for place in places for flag in ('--passthrough', f'localhost={place}')]
        with proxy(*flags, '--admin', admin, '--listen', '127.0.0.1:0') as front:
            def rows():
                told = json.loads(server.inspect(admin, 'upstreams', '--json')[1])
                return {row['server']: row for row in told}

            def visit(count):
                for _ in range(count):
                    assert fetch(front.url)[0] == b'ok'
                return [one.accepted, other.accepted]
            assert {row['route'] for row in rows().values()} == {'passthrough localhost'}
            assert visit(4) == [2, 2]
            assert server.inspect(admin, 'drain-upstream', places[0])[0] == 0
            assert rows()[places[0]]['state'] == 'drained'
            assert visit(4) == [2, 6]
            assert server.inspect(admin, 'restore-upstream', places[0])[0] == 0
            visit(4)
            assert one.accepted == 4, one.accepted
            told = server.inspect(admin, 'metrics')[1]
            label = f'upstream="{places[1]}",route="passthrough localhost"'
            assert f'ringfort_upstream_requests_total{{{label}}} 8' in told, told
            assert server.inspect(admin, 'drain-upstream', '10.0.0.1:1')[0] == 64


@tap.case('passthrough: what is no route is refused by its flag before anything listens')
def no_routes():
    for wrong in ('a b=127.0.0.1:1', '*=127.0.0.1:1', '*.*.x=127.0.0.1:1', 'a=b=127.0.0.1:1',
                  'a.example', '=127.0.0.1:1', 'a/=127.0.0.1:1'):
        said = subprocess.run([server.PROGRAM, 'proxy', '--check', '--passthrough', wrong],
                              capture_output=True, text=True, timeout=60)
        assert said.returncode == 64, (wrong, said)
        assert f'--passthrough {wrong}: expected a host and a port' in said.stderr, said


@tap.case('passthrough: where nobody listens the client gets an alert, and the log says why')
def refused():
    with passing(origin.free_port()) as front:
        said = s_client(front.port, '-brief')
        front.wait_for_log('connect.refused')
        assert 'BEGIN CERTIFICATE' not in said


# ------------------------------------------------------------------- PROXY headers
@tap.case('proxy protocol: nginx behind a passthrough, or a gateway, sees the client')
def nginx_behind():
    with nginx_with_headers() as port:
        for version in ('out', 'out-v1'):
            with passing(port, '--proxy-protocol', version) as front:
                said = fetch(front.url)[0].decode()
                assert re.match(r'127\.0\.0\.1:\d+ 1\n', said), said
        with proxy('--upstream', f'https://localhost:{port}', '--upstream-ca', TRUST.pem,
                   '--proxy-protocol', 'out', identity=(origin.CERT, origin.CERT)) as front:
            clients = {fetch(front.url)[0] for _ in range(3)}
            assert len(clients) == 3 and all(said.endswith(b' 1\n') for said in clients), clients
            twice = fetch('--repeat', '2', front.url)[0].decode()
            assert re.findall(r' (\d+)$', twice, re.M) == ['1', '2'], twice


def header_of(connection):
    """Of version 2: what is told by fields, by their types."""
    connection.recv(12, socket.MSG_WAITALL)
    length = int.from_bytes(connection.recv(4, socket.MSG_WAITALL)[2:], 'big')
    fields, told = connection.recv(length, socket.MSG_WAITALL)[12:], {}
    while fields:
        end = 3 + int.from_bytes(fields[1:3], 'big')
        told[fields[0]], fields = fields[3:end], fields[end:]
    return told


@tap.case('proxy protocol: a gateway tells its servers of the client\'s TLS')
def told_of_tls():
    told = []

    def script(connection, behind):
        told.append(header_of(connection))
        behind.read(connection)
        connection.sendall(OK)
    with Origin(script) as behind, \
            proxy('--upstream', behind.url.rstrip('/'), '--proxy-protocol', 'out',
                  identity=(origin.CERT, origin.CERT)) as front:
        assert fetch(front.url)[0] == b'ok'
    assert told[0][1] == b'http/1.1' and told[0][2] == b'localhost', told
    assert told[0][0x20].startswith(b'\1\0\0\0\1\x21\0\7TLSv1.3\x23'), told


@tap.case('proxy protocol: behind HAProxy, versions 1 and 2, its client is the peer')
def haproxy_in_front():
    for send in ('send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl'):
        with server.Server('--proxy-protocol', 'in', *LOOPBACK, '--handler', 'facts',
                           identity=(origin.CERT, origin.CERT)) as front, \
                haproxy('', f'{front.port} {send}') as port:
            said = fetch(f'https://localhost:{port}/')[0].decode()
            assert re.search(r'^peer: 127\.0\.0\.1:\d+\nproxy: 127\.0\.0\.1:\d+$', said, re.M), said


@tap.case('proxy protocol: HAProxy behind, which accepts headers, passes the same client on')
def haproxy_behind():
    heads = []

    def script(connection, _):
        heads.append(connection.recv(4_096))
    with Origin(script) as last, haproxy('accept-proxy', f'{last.port} send-proxy') as port, \
            passing(port, '--proxy-protocol', 'out') as front, front.socket() as client:
        own = client.getsockname()[1]
        tls = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = server.client_context().wrap_bio(*tls, server_hostname='a.example')
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        client.sendall(tls[1].read())
        server.wait_until(lambda: heads)
        line = f'PROXY TCP4 127.0.0.1 127.0.0.1 {own} {front.port}\r\n'.encode()
        assert heads[0].startswith(line), heads[0]


@tap.case('proxy protocol: who is not trusted gains nothing by a header')
def spoofed():
    with server.Server('--proxy-protocol', 'in', '--trusted-proxy', '10.0.0.0/8', plain=True,
                       ) as front, front.socket() as client:
        client.sendall(b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
        assert server.read_to_end(client).startswith(b'HTTP/1.1 400 ')
        front.wait_for_log('peer=127.0.0.1:')


tap.run()
