"""Two Ringfort hosts behind HAProxy, as deploy/haproxy/haproxy.cfg has them, with one file of
ticket keys: sessions resume across them, and under load one leaves, or is killed."""
import collections
import contextlib
import csv
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import namespaces  # noqa: E402
import peers  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import TRUST  # noqa: E402

SITE, BALANCER, PORT = 'www.example.com', '192.0.2.1', 8443  # As in the configuration.
PEM = TRUST.server('site', f'DNS:{SITE}')
VISITS = 400
CLIENTS = 24
PHASE_ANSWERS = 1_000
LOST_MAX = 1_000  # A client that loses more has nothing to tell.
GET = f'GET /who HTTP/1.1\r\nhost: {SITE}\r\n\r\n'.encode()


def settings(folder):
    """The file as it is shipped, but for what is this test's own."""
    text = (server.ROOT / 'deploy/haproxy/haproxy.cfg').read_text()
    for shipped, ours in (
            ('maxconn 200000', f'maxconn 2000\n    stats socket {folder}/haproxy level admin'),
            ('@system-ca', str(TRUST.pem)),
            ('balance leastconn', 'balance roundrobin'),
            ('inter 2s fall 2', 'inter 2s fastinter 100ms fall 3')):
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, ours)
    return text


class Ringfort(server.Server):
    """One of the hosts. It says which at /who; SIGKILL is an end that a test may want."""

    def __init__(self, name, host, folder):
        self.name, self.host = name, host
        self.admin, self.access = folder / f'{name}-admin', folder / f'{name}-log'
        root = folder / name
        root.mkdir()
        (root / 'who').write_text(name)
        (root / 'index.html').write_text('well')
        super().__init__('--root', root, '--ticket-keys', folder / 'keys', '--proxy-protocol', 'in',
                         '--trusted-proxy', f'{BALANCER}/32', '--admin', self.admin,
                         '--access-log', self.access, '--log-format', 'json',
                         identity=(PEM, PEM), before=host.command(),
                         listen=('--listen', '127.0.0.1:0', '--listen', f'{host.address}:{PORT}'))

    def __exit__(self, kind, *rest):
        if self.process.poll() != -signal.SIGKILL:
            super().__exit__(kind, *rest)

    def ask(self, what):
        status, text = server.inspect(self.admin, what, '--json')
        assert status == 0, text
        return json.loads(text)

    def clients(self):
        """Connections for HAProxy's clients; its checks speak for themselves."""
        return [row for row in self.ask('connections') if row['proxy']]

    def handshakes(self):
        told = self.ask('metrics')
        return collections.Counter({kind: told[f'handshakes_{kind}_total']
                                    for kind in ('full', 'resumed')})

    def answers(self):
        """That were whole, and for clients: by its access log, after its end."""
        rows = map(json.loads, self.access.read_text().splitlines())
        return len([row for row in rows if row['target'] == '/who' and row['whole']])


class Fleet:
    def __init__(self, client, balancer, hosts, admin):
        self.client, self.balancer, self.hosts, self.admin = client, balancer, hosts, admin

    def connect(self, context, session=None):
        """An end that TLS does not announce is an error there."""
        return context.wrap_socket(self.client.connect(self.balancer, 443), server_hostname=SITE,
                                   session=session, suppress_ragged_eofs=False)

    def tell(self, command):
        """What HAProxy answers at its admin socket."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.admin))
            asking.sendall(f'{command}\n'.encode())
            return server.read_to_end(asking).decode()

    def is_told(self):
        """HAProxy names its admin socket, and may listen at its port, before it listens there."""
        with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
            return bool(self.tell('show info'))
        return False

    def state(self, host):
        """HAProxy's view of it: a row of its statistics."""
        rows = csv.DictReader(self.tell('show stat').removeprefix('# ').splitlines())
        return next(row for row in rows if row['svname'] == f'ringfort-{host.name}')

    def take_out(self, host):
        """Until no connection is new there, or on its way."""
        self.tell(f'set server ringfort/ringfort-{host.name} state drain')

        def all_are_there():
            asked = [row['requests'] for row in host.clients()]
            return all(asked) and len(asked) == int(self.state(host)['scur'])
        server.wait_until(all_are_there)


@contextlib.contextmanager
def fleet():
    with tempfile.TemporaryDirectory(prefix='ringfort-fleet-') as place, \
            namespaces.network(client='192.0.2.2', balancer=BALANCER, a='192.0.2.11',
                               b='192.0.2.12') as (client, balancer, *two):
        folder = pathlib.Path(place)
        (folder / 'keys').write_bytes(os.urandom(80))
        (folder / 'conf').write_text(settings(folder))
        with Ringfort('a', two[0], folder) as a, Ringfort('b', two[1], folder) as b, \
                peers.running(*balancer.command('haproxy', '-db', '-f', folder / 'conf'),
                              stderr=subprocess.DEVNULL):
            client.wait_for(balancer, 443)
            both = Fleet(client, balancer, (a, b), folder / 'haproxy')
            server.wait_until(both.is_told)
            yield both


def trusting(version=None):
    context = ssl.create_default_context(cafile=TRUST.pem)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def ask(connection):
    """An answer's head and its body, which is one letter; no head where the connection ends first,
    in order."""
    connection.sendall(GET)
    read = b''
    while not read.partition(b'\r\n\r\n')[2]:
        piece = connection.recv(4096)
        if not piece:
            assert not read, f'cut after {read}'
            return '', ''
        read += piece
    head, _, body = read.decode().partition('\r\n\r\n')
    assert head.startswith('HTTP/1.1 200 ') and len(body) == 1, read
    return head.lower(), body


# ------------------------------------------------------------------- sessions
def resume_in_turn(all_of_them, context):
    """Each visit offers the session of the one before. How many resumed, and how many of these on
    another host than the one that had given the session."""
    session, last = None, ''
    resumed = moved = 0
    for _ in range(1 + VISITS):
        with all_of_them.connect(context, session) as connection:
            _, who = ask(connection)
            resumed += connection.session_reused
            moved += connection.session_reused and who != last
            session, last = connection.session, who
    return resumed, moved


@tap.case('fleet: of sessions offered to two hosts by turns 99 of 100 resume, TLS 1.2 and 1.3')
def sessions():
    with fleet() as both:
        for host in both.hosts:  # A check shakes hands too, and would be counted.
            both.tell(f'disable health ringfort/ringfort-{host.name}')
            server.wait_until(lambda host=host: not host.ask('connections'))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            before = [host.handshakes() for host in both.hosts]
            resumed, moved = resume_in_turn(both, trusting(version))
            told = [host.handshakes() - was for host, was in zip(both.hosts, before)]
            print(f'# {version.name}: of {VISITS} {resumed} resumed, {moved} of them on another '
                  f'host; the hosts say {[dict(each) for each in told]}', flush=True)
            assert sum(each['resumed'] for each in told) == resumed >= 0.99 * VISITS, told
            assert sum(each['full'] for each in told) == 1 + VISITS - resumed, told
            assert moved >= 0.99 * VISITS, moved


# ------------------------------------------------------------------- load
def has_ended(connection):
    """Without waiting for anything."""
    connection.settimeout(0)
    try:
        return connection.recv(1) == b''
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(server.PATIENCE_S)


class Load:
    """Clients in threads of their own, until the end of the block: half of them keep their
    connections, half have one for each request. What became of each request is known."""

    def __init__(self, asked):
        self.asked, self.context = asked, trusting()
        self.answers = collections.Counter()  # by host
        self.lost = []  # (generation, host where it is known, why)
        self.unanswered = 0  # A kept connection ended in order first: asked again on another.
        self.generation = self.opening = 0
        self.holds = self.ends = False
        self.news = threading.Condition()
        self.threads = [threading.Thread(target=self._run, args=(keeps,), daemon=True)
                        for keeps in (True, False) for _ in range(CLIENTS // 2)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        for thread in self.threads:
            thread.join(server.PATIENCE_S)

    def _run(self, keeps):
        while not self.ends and len(self.lost) < LOST_MAX:
            with self.news:
                self.news.wait_for(lambda: not self.holds)
                self.opening += 1
                generation = self.generation
            connection = contextlib.nullcontext()
            try:
                connection = self.asked.connect(self.context)
            except OSError as error:
                self._lose(generation, '', error)
            with self.news:
                self.opening -= 1
                self.news.notify_all()
            with connection as opened:
                if opened:
                    self._visit(opened, generation, keeps)

    def _visit(self, connection, generation, keeps):
        who = ''
        while not self.ends and not (who and has_ended(connection)):
            try:
                head, body = ask(connection)
                assert head or who, 'a new connection ended without an answer'
            except (OSError, AssertionError) as error:
                return self._lose(generation, who, error)
            who = body
            with self.news:
                if not head:
                    self.unanswered += 1
                    return
                self.answers[who] += 1
                self.news.notify_all()
            if not keeps or 'connection: close' in head:
                return

    def _lose(self, generation, who, error):
        with self.news:
            self.lost.append((generation, who, repr(error)))
            self.news.notify_all()

    def wait_for_more(self, count=PHASE_ANSWERS):
        with self.news:
            wanted = self.answers.total() + count
            assert self.news.wait_for(
                lambda: self.answers.total() >= wanted or len(self.lost) >= LOST_MAX,
                server.PATIENCE_S), (self.answers, self.lost[-5:])

    @contextlib.contextmanager
    def nobody_opens(self):
        """In the block no connection is new; those that come after it are another generation's."""
        with self.news:
            self.holds = True
            assert self.news.wait_for(lambda: not self.opening, server.PATIENCE_S)
        try:
            yield
        finally:
            with self.news:
                self.generation += 1
                self.holds = False
                self.news.notify_all()


@tap.case('fleet: a host that is taken out and ended by SIGTERM under load loses no request')
def drain():
    with fleet() as both:
        leaving, staying = both.hosts
        with Load(both) as load:
            load.wait_for_more()
            both.take_out(leaving)
            held = len(leaving.clients())
            leaving.stop()
            load.wait_for_more()
        staying.stop()
        told = {host.name: host.answers() for host in both.hosts}
    print(f'# {dict(load.answers)} answers; {held} connections were drained, {load.unanswered} '
          'requests met their end and were asked again', flush=True)
    assert not load.lost, load.lost
    assert load.unanswered <= held != 0 and load.answers['a'], (load.unanswered, held)
    assert leaving.process.returncode == 0, leaving.log[-5:]
    assert not [row for row in leaving.faults() if row.startswith('drain.')], leaving.faults()
    # Nothing was answered twice, or answered to nobody.
    assert told == load.answers, (told, load.answers)


@tap.case('fleet: a host that is killed under load takes with it what was on its sockets, no more')
def kill():
    with fleet() as both:
        lost, staying = both.hosts
        with Load(both) as load:
            load.wait_for_more()
            with load.nobody_opens():
                held = len(lost.clients())
                lost.process.kill()
                lost.process.wait(server.PATIENCE_S)
                # A ring's sockets are closed by the kernel's own threads, after the process.
                server.wait_until(lambda: not both.balancer.reaches(lost.host, PORT))
            load.wait_for_more()
            server.wait_until(lambda: both.state(lost)['status'] == 'DOWN')
            load.wait_for_more()
        print(f'# {dict(load.answers)} answers; of {held} connections {len(load.lost)} were lost '
              'with a request', flush=True)
        staying.stop()
        staying.require_nothing_held()
    assert len(load.lost) <= held, (held, load.lost)
    assert all(generation == 0 and who != 'b' for generation, who, _ in load.lost), load.lost
    assert held and load.answers['b'] > 2 * PHASE_ANSWERS, load.answers


tap.run()
