"""The servers behind `ringfort proxy` as its operator sees them: listed, counted, drained, and back
again slowly."""
import contextlib
import json
import re
import socket
import ssl
import sys
import threading

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, OK, TRUST, Origin, facts, fetch, saying  # noqa: E402

ADMIN = FOLDER / 'admin'
NOT_FOUND = b'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'


def proxy(*upstreams, flags=()):
    named = [part for url in upstreams for part in ('--upstream', url.rstrip('/'))]
    return server.Server(*named, '--admin', ADMIN, *flags, identity=(origin.CERT, origin.CERT),
                         does='proxy')


def rows():
    status, text = server.inspect(ADMIN, '--json', 'upstreams')
    assert status == 0, text
    return {row['server']: row for row in json.loads(text)}


def place(back):
    return f'localhost:{back.port}'


def order(word, back):
    """drain-upstream, or restore-upstream."""
    status, text = server.inspect(ADMIN, word, place(back))
    assert status == 0, text
    return text


@tap.case('upstreams: each server has its row and its counters, and says so to Prometheus')
def listed():
    half = saying(b'HTTP/1.1 200 OK\r\n', then=origin.close_at_once)
    with Origin(saying(OK)) as one, Origin(half) as mute, \
            proxy(one.url, mute.url, f'http://127.0.0.1:{origin.free_port()}') as front:
        for _ in range(6):  # Two for each; the third has none of them, and the mute breaks off.
            fetch(front.url, '--include')
        told = rows()
        assert [row['state'] for row in told.values()] == ['well'] * 3, told
        gone = [row for name, row in told.items() if name.startswith('127.0.0.1')][0]
        assert told[place(one)]['unanswered'] == 0 and gone['unreached'] == 2, told
        assert told[place(mute)]['unanswered'] == told[place(mute)]['requests'] > 0, told
        assert all(row['outstanding'] == 0 for row in told.values()), told
        text = server.inspect(ADMIN, 'metrics')[1]
        for name, row in told.items():
            for member in ('requests', 'unreached', 'unanswered'):
                line = f'ringfort_upstream_{member}_total{{upstream="{name}"}} {row[member]}\n'
                assert line in text, (line, text)


@tap.case('upstreams: what clients break off is not counted against a server')
def clients_fault():
    trusting = ssl.create_default_context(cafile=TRUST.pem)
    with contextlib.ExitStack() as clients, Origin(saying(OK)) as back, proxy(back.url) as front:
        for _ in range(3):
            client = clients.enter_context(
                trusting.wrap_socket(front.socket(), server_hostname='localhost'))
            client.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nten bytes.')
            client.shutdown(socket.SHUT_WR)  # A FIN, and no close_notify.
        front.wait_for_log('tls_record.truncated', count=3)
        server.wait_until(lambda: rows()[place(back)]['outstanding'] == 0)
        assert rows()[place(back)]['unanswered'] == 0, rows()


@tap.case('upstreams: a server that is there twice has two turns, and one value for Prometheus')
def twice():
    with Origin(saying(OK)) as one, Origin(saying(OK)) as other, \
            proxy(one.url, one.url, other.url):
        text = server.inspect(ADMIN, 'metrics')[1]
        assert text.count('ringfort_upstream_requests_total{upstream="%s"} 0\n' % place(one)) == 1
        assert 'requests' in order('drain-upstream', one)
        assert len(json.loads(server.inspect(ADMIN, '--json', 'upstreams')[1])) == 3


@tap.case('upstreams: who fails too often is ejected, whoever its checks find unwell has its word')
def states():
    with Origin(saying(OK)) as one, Origin(saying(NOT_FOUND)) as sick, \
            proxy(one.url, sick.url, f'http://127.0.0.1:{origin.free_port()}', flags=(
                '--upstream-failures-max', '1', '--ejection-time', '1000s', '--health-check', '/up',
                '--health-interval', '10ms', '--health-failures-max', '2')) as front:
        server.wait_until(lambda: rows()[place(sick)]['state'] == 'unwell')
        server.wait_until(lambda: rows()[place(one)]['checks'] > 2)
        for _ in range(4):
            assert fetch(front.url)[0] == b'ok'
        assert rows()[place(sick)]['requests'] == 0
        assert 'ringfort_upstream_shards_unwell{upstream="%s"} 1' % place(sick) in \
            server.inspect(ADMIN, 'metrics')[1]


@tap.case('upstreams: a drained one has no new request, keeps those it has, and comes back')
def drained():
    held = threading.Event()

    def slowly(connection, back):
        while back.read(connection):
            if 'GET /slow' in back.heads[-1]:
                held.wait(server.PATIENCE_S)
            connection.sendall(OK)

    with Origin(slowly) as one, Origin(saying(OK)) as other, \
            proxy(one.url, other.url) as front:
        slow = threading.Thread(target=lambda: fetch(f'{front.url}/slow'))
        slow.start()
        server.wait_until(lambda: one.heads or other.heads)
        assert one.heads, 'by turns the first has the first request'
        assert 'takes no more requests' in order('drain-upstream', one)
        assert rows()[place(one)]['state'] == 'drained'
        for _ in range(10):
            assert fetch(front.url)[0] == b'ok'
        assert len(one.heads) == 1 and len(other.heads) == 10
        assert rows()[place(one)]['outstanding'] == 1
        held.set()
        slow.join(server.PATIENCE_S)
        assert rows()[place(one)]['outstanding'] == 0
        order('drain-upstream', other)
        head = fetch('--include', front.url)[0].decode()
        assert head.startswith('HTTP/1.1 503') and 'destination_unavailable' in head, head
        order('restore-upstream', one)
        for _ in range(4):
            assert fetch(front.url)[0] == b'ok'
        assert len(one.heads) == 5


@tap.case('upstreams: taken out and put back again and again under load, no request fails')
def drained_under_load():
    count = 4_000
    with Origin(saying(OK)) as one, Origin(saying(OK)) as other, \
            proxy(one.url, other.url) as front:
        told = []
        load = threading.Thread(target=lambda: told.extend(
            facts('--repeat', count, '--parallel', '8', front.url)))
        load.start()
        rounds = 0
        while load.is_alive():
            for back in (one, other):
                order('drain-upstream', back)
                order('restore-upstream', back)
            rounds += 1
        load.join()
        assert [one['status'] for one in told] == [200] * count, told[-1]
        assert rounds > 2 and len(one.heads) + len(other.heads) == count
        assert min(len(one.heads), len(other.heads)) > count / 10


@tap.case('upstreams: after a drain a server begins with a tenth of its turns')
def slow_start():
    with Origin(saying(OK)) as one, Origin(saying(OK)) as other, \
            proxy(one.url, other.url, flags=('--slow-start', '1000s')) as front:
        facts('--repeat', '20', front.url)
        assert len(one.heads) == len(other.heads) == 10
        order('drain-upstream', one)
        facts('--repeat', '10', front.url)
        order('restore-upstream', one)
        facts('--repeat', '110', front.url)
        assert (len(one.heads), len(other.heads)) == (20, 120)


@tap.case('upstreams: what is none is refused, over the line and over HTTP')
def refused():
    with Origin(saying(OK)) as back, proxy(back.url):
        assert server.inspect(ADMIN, 'drain-upstream', 'nobody:1') == (
            64, 'nobody:1 is none of the upstreams; `upstreams` lists them, as HOST:PORT\n')
        for words, said in ((('drain-upstream',), 'drain-upstream needs SERVER; '),
                            (('upstreams', 'x'), 'upstreams takes nothing; '),
                            (('drain-upstream', 'x HTTP/1.1'), 'is none of the upstreams')):
            status, text = server.inspect(ADMIN, *words)
            assert status == 64 and said in text, (words, text)
        assert 'drain-upstream SERVER' in server.inspect(ADMIN, 'help')[1]

        def ask(line):
            with socket.socket(socket.AF_UNIX) as admin:
                admin.connect(str(ADMIN))
                admin.sendall(f'{line} HTTP/1.1\r\nhost: a\r\n\r\n'.encode())
                return server.read_to_end(admin).decode()

        for line, status in ((f'POST /drain-upstream/{place(back)}', 200),
                             (f'GET /drain-upstream/{place(back)}', 405),
                             ('POST /drain-upstream/', 404), ('POST /drain-upstream/x', 409),
                             ('GET /upstreams', 200), ('GET /upstreams/x', 404)):
            assert re.match(rf'HTTP/1\.1 {status} ', ask(line)), line
        assert rows()[place(back)]['state'] == 'drained'


tap.run()
