"""`--config FILE`: flags from a file, routes with servers of their own, and what is wrong with
either."""
import contextlib
import json
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, TRUST, Origin, context_of, fetch, saying  # noqa: E402

FILE = FOLDER / 'settings.toml'


def named(name):
    """An answer that says whose it is."""
    return f'HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}'.encode()


def write(text):
    FILE.write_text(text)
    return FILE


def started(does, *flags):
    return server.Server('--config', FILE, *flags, identity=(), does=does)


@tap.case('settings: every kind of flag can come from a file, and the command line goes before it')
def flags():
    admin = FOLDER / 'admin'
    write(f'''
        cert = "{origin.CERT}"        # a text
        key = '{origin.CERT}'
        handler = "hello"
        admin = "{admin}"
        requests-max = 3              # a number
        body-idle-timeout = "7s"      # with its unit
        header-size-max = "8K"
        trusted-proxies-only = false  # off
        print-metrics = true
        ''')
    with started('serve') as front:
        assert fetch(front.url)[0] == b'Hello, world!'
        assert json.loads(server.inspect(admin, '--json', 'status')[1])['requests'] == 1
    write(FILE.read_text() + 'listen = ["127.0.0.1:0", "127.0.0.1:0"]\n')
    with server.Server('--config', FILE, '--handler', 'echo', identity=(), listen=()) as front:
        assert front.first_line.count('https://127.0.0.1:') == 2, front.first_line
        assert fetch('--data', 'told', front.url)[0] == b'told'


@tap.case('settings: a proxy asks the servers of the route that is nearest to host and path')
def routes():
    with contextlib.ExitStack() as stack:
        api, v2, any_host, rest = (stack.enter_context(Origin(saying(named(name)), context))
                                   for name, context in (('api', None), ('v2', context_of()),
                                                         ('any', None), ('rest', None)))
        write(f'''
            cert = "{origin.CERT}"
            key = "{origin.CERT}"
            upstream = "{rest.url[:-1]}"
            trusted-proxy = ["10.0.0.0/8"]
            [[route]]
            name = "api.example"
            upstream = ["{api.url[:-1]}"]
            balance = "least-outstanding"
            [[route]]
            name = "API.example."
            path = "/v2/"
            upstream = "{v2.url[:-1]}"
            upstream-ca = "{TRUST.pem}"
            upstream-connect-timeout = "2s"
            [[route]]
            name = "*.example"
            upstream = "{any_host.url[:-1]}"
            ''')
        front = stack.enter_context(started('proxy', '--admin', FOLDER / 'admin'))
        for host, path, answer in (('api.example', '/', b'api'), ('API.example.:81', '/v2', b'api'),
                                   ('api.example', '/v2/x', b'v2'),
                                   ('api.example', '/%762/x', b'v2'),
                                   ('Api.Example', '/x%20y/..z/', b'api'),
                                   ('www.example', '/v2/x', b'any'), ('other', '/', b'rest')):
            told = fetch('--header', f'host: {host}', f'{front.url}{path}')[0]
            assert told == answer, (host, path, told)
        assert v2.heads[0].startswith('GET /v2/x HTTP/1.1\r\nhost: api.example'), v2.heads
        lines = [front.process.stdout.readline() for _ in range(5)]
        assert lines[1] == f'ringfort -> localhost:{api.port} - HTTP, for api.example/\n', lines
        assert lines[2].endswith(', for API.example./v2/\n'), lines
        assert 'HTTPS, verified' in lines[2], lines
        told = json.loads(server.inspect(FOLDER / 'admin', '--json', 'upstreams')[1])
        assert [(row['route'], row['requests']) for row in told] == [
            ('api.example/', 3), ('API.example./v2/', 2), ('*.example/', 1), ('*/', 1)], told


@tap.case('settings: a path that servers may read otherwise than routes do is answered 400')
def ambiguous():
    with Origin(saying(named('v2'))) as v2, Origin(saying(named('rest'))) as rest:
        write(f'upstream = "{rest.url[:-1]}"\n[[route]]\npath = "/v2/"\n'
              f'upstream = "{v2.url[:-1]}"\n')
        with server.Server('--config', FILE, does='proxy', plain=True) as front:
            def ask(line):
                with front.socket() as client:
                    client.sendall(f'{line} HTTP/1.1\r\nhost: a\r\n'
                                   'connection: close\r\n\r\n'.encode())
                    return server.read_to_end(client).split(b' ', 2)[1]
            for path in ('/v2/../x', '/x/../v2/y', '/./v2/', '//v2/', '/v2//x', '/%2e%2E/v2',
                         '/.%2e/v2', '/v2%2Fx', '/v2/x%5cy', '/v2/\\y', '/x/..'):
                assert ask(f'GET {path}') == b'400', path
            assert not v2.heads and not rest.heads
            for path in ('/v2/x', '/v2/...', '/v2/.x/', '/x?a=/../v2', '/%2ex'):
                assert ask(f'GET {path}') == b'200', path
            # What has no path is not looked at, and is answered as without routes.
            assert ask('OPTIONS *') == b'200' and ask('CONNECT a:1') == b'405'
            assert rest.heads[-1].startswith('OPTIONS * HTTP/1.1'), rest.heads


@tap.case('settings: a host without a route is answered 421, a path without one 404')
def no_route():
    with Origin(saying(named('api'))) as api:
        write(f'[[route]]\nname = "api.example"\npath = "/v2/"\nupstream = "{api.url[:-1]}"\n')
        with server.Server('--config', FILE, does='proxy', plain=True) as front:
            for host, path, status in (('other', '/v2/x', 421), ('api.example', '/', 404),
                                       ('api.example', '/v2/', 200)):
                head = fetch('--include', '--header', f'host: {host}', f'{front.url}{path}')[0]
                assert int(head.split()[1]) == status, (host, path, head)


@tap.case('settings: an upgrade that finds other sockets in the file is refused, without harm')
def upgrade():
    admin, other = FOLDER / 'here', FOLDER / 'there'
    other.write_text('somebody else\'s')
    port = origin.free_port()
    text = f'plain = true\nhandler = "hello"\nlisten = "127.0.0.1:{port}"\nadmin = "{admin}"\n'
    write(text)
    with server.Server('--config', FILE, identity=(), listen=()) as front:
        front.url = f'http://127.0.0.1:{port}'
        for changed, said in ((text.replace(str(admin), str(other)), f'listens at {admin}'),
                              (text.replace('admin =', '# '), 'the predecessor has one'),
                              (text.replace(f':{port}', f':{origin.free_port()}'),
                               "the predecessor's sockets go on")):
            write(changed)
            assert server.inspect(admin, 'upgrade')[0] != 0, changed
            front.wait_for_log(said)
            assert fetch(front.url)[0] == b'Hello, world!'
        assert other.read_text() == 'somebody else\'s' and admin.is_socket()


@tap.case('settings: what is wrong is told with its line, its cause, and what was meant')
def refused():
    route = '[[route]]\nupstream = "http://a"\n'
    wrong = {
        'listn = "127.0.0.1:0"': ':1: unknown key listn (did you mean listen?)',
        '\nplain = {}': ':2: plain: expected a text, a whole number, true or false',
        'plain = [1.5]': ':1: plain: expected a text',
        route + 'listen = "127.0.0.1:0"': 'stands before the first [[route]]',
        'plain = yes': ':1: ',
        'shards = "many"': ":1: shards: --shards: 'many' is not a number",
        '\nlisten = ["nope"]': ':2: listen: ',
        '\nshards = [1, 2]': ':2: shards: ',
        'plain = 1.5': ':1: plain: expected a text, a whole number',
        'config = "other.toml"': ':1: unknown key config',
        '[route]\nupstream = "http://a"': ':1: route: expected tables, each under [[route]]',
        '[[route]]\nname = "a"': ':1: route a/: upstream is needed',
        route + 'cert = "x"': ':3: unknown key cert',
        route + 'upstrem-ca = "x"': ':3: unknown key upstrem-ca (did you mean upstream-ca?)',
        route + 'balance = "fair"': ':3: balance: ',
        route + 'path = "a"': ': path a: expected a slash at its front',
        route + 'name = "a..b"': 'route a..b/: the name is no host',
        route + 'name = "a.b:81"': 'route a.b:81/: the name is no host',
        route + 'path = "/u/:a"\n' + route + 'path = "/u/:b"':
            'config.route_conflict: route */u/:b',
        route + 'name = "a."\n' + route + 'name = "A"': 'route A/: is there twice',
        route + 'path = "/:"': 'route */:',
        route + route: 'route */: is there twice',
        'upstream = "http://b"\n' + route: 'route */: is there twice',
        route + 'upstream-ca = "/none"\nupstream-insecure = true': 'exclude each other',
        route.replace('http', 'https') + 'upstream-ca = "/none"': '/none',
    }
    for text, said in wrong.items():
        done = subprocess.run([server.PROGRAM, 'proxy', '--plain', '--config', write(text)],
                              capture_output=True, text=True, timeout=server.PATIENCE_S)
        status = 64 if 'config.' in done.stderr else 78  # The library's own refusals, as of flags.
        assert done.returncode == status and said in done.stderr, (text, done)
    done = subprocess.run([server.PROGRAM, 'serve', '--config', FOLDER / 'none.toml'],
                          capture_output=True, text=True, timeout=server.PATIENCE_S)
    assert done.returncode == 78 and 'none.toml' in done.stderr, done
    done = subprocess.run([server.PROGRAM, 'serve', '--config', FOLDER], capture_output=True,
                          text=True, timeout=server.PATIENCE_S)
    assert done.returncode == 78 and 'Is a directory' in done.stderr, done
    done = subprocess.run([server.PROGRAM, 'serve', '--plain', '--config', write(route)],
                          capture_output=True, text=True, timeout=server.PATIENCE_S)
    assert done.returncode == 78 and 'routes are for ringfort proxy' in done.stderr, done


tap.run()
