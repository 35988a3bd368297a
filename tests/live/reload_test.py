"""What a running program takes when it is told to read its files again: revocation lists,
authorities and ticket keys; what it refuses, and how it says so."""
import contextlib
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import authority  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-reload-')
FOLDER = pathlib.Path(KEEP.name)
ADMIN = FOLDER / 'admin'
CONNECTIONS_MAX = 200
FIRST, SECOND = (authority.Authority(FOLDER / name, name) for name in ('first', 'second'))
GOOD, STRANGER = FIRST.client('good'), SECOND.client('stranger')


def replace(path, data):
    """As deployment tools do: written beside, then moved."""
    beside = path.with_suffix('.new')
    beside.write_bytes(data)
    beside.rename(path)


def required(name):
    """A folder with its own authorities and lists, and the flags that name them."""
    folder = FOLDER / name
    folder.mkdir()
    authorities, lists = folder / 'authorities.pem', folder / 'lists.pem'
    replace(authorities, FIRST.pem.read_bytes())
    FIRST.write_list(lists)
    return authorities, lists, ('--client-certificates', 'required', '--client-authorities',
                                authorities, '--client-revocations', lists)


def context(identity=None):
    made = ssl.create_default_context(cafile=server.certificates() / 'ca.pem')
    if identity:
        made.load_cert_chain(identity)
    return made


def visit(serving, using, session=None, name='localhost'):
    """The facts that the server told, the session, and whether it resumed. None: it is refused."""
    with contextlib.suppress(ssl.SSLError, ConnectionResetError):
        with using.wrap_socket(serving.socket(), server_hostname=name,
                               session=session) as connection:
            connection.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
            answer = server.read_to_end(connection).decode()
            facts = dict(re.findall(r'^([\w ]+): (.*)$', answer.partition('\r\n\r\n')[2], re.M))
            return facts, connection.session, connection.session_reused
    return None


def reload(serving, count=1):
    serving.process.send_signal(signal.SIGHUP)
    return serving.wait_for_log('refused and left as they were', count)[-1]


@tap.case('reload: a client that was revoked meanwhile is refused, and so is its session')
def revoked():
    _, lists, flags = required('revoked')
    using = context(FIRST.client('leaver'))
    with server.Server('--handler', 'facts', *flags) as serving:
        session = visit(serving, using)[1]
        assert visit(serving, using, session)[2]
        FIRST.revoke('leaver')
        FIRST.write_list(lists)
        assert 'generation 2: 1 changed' in reload(serving)
        assert visit(serving, using, session) is None
        assert visit(serving, using) is None
        serving.wait_for_log('tls_handshake.client_certificate_revoked', 2)
        assert visit(serving, context(GOOD))[0]['client subject'] == 'CN=good'


@tap.case('reload: --watch takes a new revocation list by itself')
def watched():
    _, lists, flags = required('watched')
    using = context(FIRST.client('watched'))
    with server.Server('--handler', 'facts', '--watch', *flags) as serving:
        assert visit(serving, using)
        FIRST.revoke('watched')
        FIRST.write_list(lists)
        serving.wait_for_log('generation 2: 1 changed')
        assert visit(serving, using) is None


@tap.case('reload: names that are read when asked for take the new list too')
def lazy():
    _, lists, flags = required('lazy')
    names = FOLDER / 'names'
    names.mkdir()
    for number in range(1001):
        for end in ('pem', 'key'):
            (names / f'name-{number}.local.{end}').symlink_to(
                server.certificates() / f'localhost.{end}')
    using = context(FIRST.client('lazy'))
    using.check_hostname = False
    with server.Server('--handler', 'facts', '--names', names, *flags, identity=()) as serving:
        assert visit(serving, using, name='name-1000.local')
        FIRST.revoke('lazy')
        FIRST.write_list(lists)
        assert 'generation 2: 1 changed' in reload(serving)
        for name in ('name-1000.local', 'name-0.local'):
            assert visit(serving, using, name=name) is None
        serving.wait_for_log('tls_handshake.client_certificate_revoked', 2)


@tap.case('reload: a new authority is believed, and one that was taken out no more')
def authorities():
    path, _, flags = required('authorities')
    with server.Server('--handler', 'facts', *flags[:4]) as serving:
        assert visit(serving, context(STRANGER)) is None
        replace(path, FIRST.pem.read_bytes() + SECOND.pem.read_bytes())
        assert 'generation 2: 1 changed' in reload(serving)
        assert visit(serving, context(STRANGER))[0]['client issuer'] == 'CN=second'
        assert visit(serving, context(GOOD))
        replace(path, SECOND.pem.read_bytes())
        assert 'generation 3: 1 changed' in reload(serving, 2)
        assert visit(serving, context(GOOD)) is None


@tap.case('reload: a list that is broken keeps the authorities too, and a mended one brings both')
def all_or_nothing():
    path, lists, flags = required('together')
    with server.Server('--handler', 'facts', '--admin', ADMIN, *flags) as serving:
        SECOND.write_list(FOLDER / 'second.pem')
        replace(path, FIRST.pem.read_bytes() + SECOND.pem.read_bytes())
        whole = lists.read_bytes() + (FOLDER / 'second.pem').read_bytes()
        replace(lists, whole[:-60])
        status, text = server.inspect(ADMIN, 'reload')
        assert 'tls_context.junk_revocation_list' in serving.wait_for_log(str(lists))[0]
        assert visit(serving, context(STRANGER)) is None and visit(serving, context(GOOD))
        replace(lists, whole)
        assert server.inspect(ADMIN, 'reload')[0] == 0
        assert visit(serving, context(STRANGER)) and visit(serving, context(GOOD))
        os.remove(path)
        serving.process.send_signal(signal.SIGHUP)
        assert str(path) in serving.wait_for_log('tls_context.unreadable')[0]
        assert visit(serving, context(STRANGER))


@tap.case('reload: of ticket keys the first one seals at each shard, and the others still open')
def ticket_keys():
    path = FOLDER / 'tickets.key'
    old, new, other = (os.urandom(80) for _ in range(3))
    replace(path, old)
    using = context()
    with server.Server('--handler', 'facts', '--ticket-keys', path, shards=2) as serving:
        sealed_by_old = visit(serving, using)[1]
        replace(path, new + old)
        assert 'generation 2: 1 changed' in reload(serving)
        seen, sessions = set(), {}
        for _ in range(CONNECTIONS_MAX):
            facts, session, reused = visit(serving, using, sealed_by_old)
            assert reused, facts
            sessions[facts['shard']] = session
            if len(sessions) == 2:
                break
        assert set(sessions) == {'0', '1'}, seen
        replace(path, new)
        assert 'generation 3: 1 changed' in reload(serving, 2)
        for session in sessions.values():  # Made by either shard, with the new key.
            assert visit(serving, using, session)[2]
        assert not visit(serving, using, sealed_by_old)[2]
        replace(path, other)
        assert 'generation 4: 1 changed' in reload(serving, 3)
        facts, session, reused = visit(serving, using, sessions['0'])
        assert not reused and visit(serving, using, session)[2]
        replace(path, b'short')
        assert '1 refused' in reload(serving, 4)
        serving.wait_for_log('tls_context.bad_ticket_keys')
        assert visit(serving, using, session)[2]
        serving.stop()
        assert serving.metric('tickets_refused_total') == 2
        assert serving.faults() == {}


@tap.case('reload: files that say what they said before are no change')
def unchanged():
    path, _, flags = required('unchanged')
    keys = FOLDER / 'unchanged.key'
    keys.write_bytes(os.urandom(80))
    with server.Server('--handler', 'facts', '--ticket-keys', keys, *flags) as serving:
        for file in (path, keys):
            replace(file, file.read_bytes())
        assert 'generation 1: 0 changed, 0 removed, 0 refused' in reload(serving)


tap.run()
