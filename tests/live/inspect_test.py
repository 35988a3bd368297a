"""`ringfort inspect` and the admin socket behind it: what a running program tells of itself."""
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import authority  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-inspect-')
PATH = os.path.join(KEEP.name, 'admin')


def inspect(*words):
    return server.inspect(PATH, *words)


def told(word):
    status, text = inspect('--json', word)
    assert status == 0, text
    return json.loads(text)


def secure(running, **context_settings):
    context = ssl.create_default_context(cafile=server.certificates() / 'ca.pem')
    for name, value in context_settings.items():
        setattr(context, name, value)
    context.set_alpn_protocols(['http/1.1'])
    return running.connect(context)


def until(wanted, look):
    """A shard answers between its turns: what was sent to it may not have arrived."""
    while True:
        seen = look()
        if wanted(seen):
            return seen


@tap.case('inspect: the status says what is served, and by what')
def status():
    with server.Server('--admin', PATH, shards=2) as running:
        text = inspect()[1]
        assert f'serves: https://127.0.0.1:{running.port}\n' in text, text
        state = told('status')
        assert state['process'] == running.process.pid and state['shards'] == 2, state
        assert state['record_layer'].startswith('user'), state
        assert not [name for name in state if ' ' in name], state
        assert state['connections_open'] == 0 and state['failures'] == 0, state


@tap.case('IN-01, IN-05: each connection is told with its stage, bytes, and what TLS settled')
def connections():
    with server.Server('--admin', PATH, '--handler', 'echo', shards=2) as running:
        assert inspect('connections') == (0, 'none\n')
        with contextlib.ExitStack() as stack:
            silent = stack.enter_context(running.socket())
            old = stack.enter_context(secure(running, maximum_version=ssl.TLSVersion.TLSv1_2))
            busy = stack.enter_context(secure(running))
            busy.sendall(b'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf')

            def by_peer():
                return {row['peer'].rpartition(':')[2]: row for row in told('connections')}
            ports = [str(one.getsockname()[1]) for one in (silent, old, busy)]
            rows = until(lambda rows: set(rows) == set(ports)
                         and rows[ports[2]]['stage'] == 'body'
                         and rows[ports[1]]['stage'] == 'idle', by_peer)
            shaking, idle, reading = (rows[port] for port in ports)
            assert (shaking['stage'], shaking['version']) == ('handshake', ''), shaking
            assert idle['version'] == 'TLSv1.2' and idle['requests'] == 0, idle
            assert reading['version'] == 'TLSv1.3' and reading['requests'] == 1, reading
            for row in (idle, reading):
                assert row['server_name'] == 'localhost' and row['protocol'] == 'http/1.1', row
                assert row['generation'] == 1 and not row['resumed'], row
                assert row['sent_by'] == row['received_by'] == 'user', row
                assert row['received_bytes'] > 200 and row['sent_bytes'] > 500, row
            table = inspect('connections')[1].split('\n')
            assert table[0].split()[:4] == ['shard', 'id', 'peer', 'stage'], table
            assert len(table) == 5 and any(' body ' in line for line in table), table
        until(lambda rows: rows == [], lambda: told('connections'))


@tap.case('inspect: what a client says of itself is shown without its control bytes')
def hostile_name():
    with server.Server('--admin', PATH) as running:
        done = subprocess.Popen(['openssl', 's_client', '-quiet', '-servername', 'a\x1b[31m\xffb',
                                 '-connect', f'127.0.0.1:{running.port}'], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def seen():
                return [row['stage'] for row in told('connections')]
            until(lambda stages: stages == ['idle'], seen)
            text = inspect('connections')[1]
            assert '\x1b' not in text and r'a\x1b[31m' in text, text
        finally:
            done.terminate()
            done.wait(server.PATIENCE_S)
            done.stdin.close()


@tap.case('inspect: names are told with their generation and their end')
def names():
    with server.Server('--admin', PATH) as running:
        rows = told('names')
        assert [row['name'] for row in rows] == ['(default)'], rows
        assert rows[0]['generation'] == 1 and 0 < rows[0]['days_left'] < 1000, rows
        assert running.process.poll() is None


@tap.case('inspect: a client\'s certificate is told by its subject, and whether it is believed')
def clients():
    folder = server.certificates()
    ours, other = (authority.Authority(os.path.join(KEEP.name, name), name)
                   for name in ('ours', 'other'))
    flags = ('--client-certificates', 'optional', '--client-authorities', ours.pem)
    with server.Server('--admin', PATH, *flags) as running, contextlib.ExitStack() as stack:
        for identity in (ours.client('alice'), other.client('mallory'), None):
            context = ssl.create_default_context(cafile=folder / 'ca.pem')
            if identity:
                context.load_cert_chain(identity)
            stack.enter_context(running.connect(context))
        rows = until(lambda rows: [row['stage'] for row in rows] == ['idle'] * 3,
                     lambda: told('connections'))
        seen = {row['client_subject']: row['client_verdict'] for row in rows}
        assert seen == {'CN=alice': 'ok', 'CN=mallory': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
                        '': ''}, seen


@tap.case('inspect: --json of the counters and of a reload are objects')
def objects():
    cert, key = (os.path.join(KEEP.name, f'changing.{end}') for end in ('pem', 'key'))
    for path in (cert, key):
        shutil.copy(server.certificates() / f'localhost.{path[-3:]}', path)
    with server.Server('--admin', PATH, identity=(cert, key)) as running:
        assert running.get()[0] == 200
        counters = told('metrics')
        assert counters['requests_total'] == 1, counters
        assert counters['faults_total']['tls_record.bad_mac'] == 0, counters
        assert told('reload') == {'generation': 1, 'changed': 0, 'removed': 0, 'refused': []}
        os.remove(key)
        status, text = inspect('--json', 'reload')
        refusal, = json.loads(text)['refused']
        assert status == 78 and refusal['about'] == key, text
        assert refusal['code'] == 'tls_context.unreadable', text
        assert 'No such file' in refusal['reason'] and 'errno' not in refusal['reason'], text
        assert curl('-X', 'POST', 'http://localhost/reload')[0] == 409
        state, counters = told('status'), told('metrics')
        assert (state['reloads'], state['reloads_refused']) == (3, 2), state
        assert counters['reloads_refused_total'] == 2 and running.get()[0] == 200, counters


@tap.case('inspect: a program that does not answer, or is not there, is exit 69')
def no_program():
    status, text = inspect()
    assert status == 69 and 'is the program running?' in text, text
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(PATH)
        other.listen()
        asking = subprocess.Popen([server.PROGRAM, 'inspect', '--admin', PATH],
                                  stderr=subprocess.PIPE, text=True)
        other.accept()[0].close()
        assert 'did not answer' in asking.communicate(timeout=60)[1]
        assert asking.returncode == 69
    os.remove(PATH)


def curl(*arguments):
    done = subprocess.run(['curl', '-sS', '-i', '--unix-socket', PATH, *arguments],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    head, _, body = done.stdout.partition('\n\n')
    return int(head.split()[1]), head.lower(), body


@tap.case('inspect: the socket speaks HTTP to those who scrape it')
def http():
    with server.Server('--admin', PATH):
        status_code, head, body = curl('http://localhost/metrics')
        assert status_code == 200 and 'version=0.0.4' in head, head
        assert '# TYPE ringfort_requests_total counter' in body, body
        status_code, head, body = curl('http://localhost/status')
        assert 'application/json' in head and json.loads(body)['requests'] == 0, body
        assert curl('http://localhost/reload')[0] == 405
        assert curl('-X', 'POST', 'http://localhost/metrics')[0] == 405
        status_code, head, body = curl('-X', 'POST', 'http://localhost/reload')
        assert status_code == 200 and 'application/json' in head, head
        assert json.loads(body) == {'generation': 1, 'changed': 0, 'removed': 0, 'refused': []}
        status_code, _, body = curl('http://localhost/nothing')
        assert status_code == 404 and 'connections' in body, body
        with socket.socket(socket.AF_UNIX) as long_head:
            long_head.connect(PATH)
            long_head.sendall(b'GET /status HTTP/1.1\r\nx: ' + b'x' * 20_000)
            long_head.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                long_head.recv(100)
        assert inspect()[0] == 0


tap.run()
