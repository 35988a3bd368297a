"""Server names as a person serves them: a folder, SIGHUP, --watch, the admin socket, many names,
and certificate swaps under load."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-names-')
MADE = {}
SWAPS = int(os.environ.get('RINGFORT_SWAPS', '1000'))
LIVING = 200  # connections that stay through all swaps
LOAD_S_MAX = 3600  # It is stopped when the swaps are done.


def identity(name, serial=1):
    """Chain and key, self-signed, for one name; made once for each name and serial."""
    if (name, serial) not in MADE:
        stem = os.path.join(KEEP.name, f'{name.replace("*", "_")}-{serial}')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-nodes', '-days', '60', '-subj', f'/CN={name}',
                        '-set_serial', str(serial), '-addext', f'subjectAltName=DNS:{name}',
                        '-keyout', stem + '.key', '-out', stem + '.pem'],
                       check=True, capture_output=True)
        MADE[name, serial] = stem + '.pem', stem + '.key'
    return MADE[name, serial]


def install(folder, name, serial=1):
    """Puts an identity in the folder as deployment tools do: written beside, then moved."""
    for source, suffix in zip(identity(name, serial), ('.pem', '.key')):
        target = os.path.join(folder, name.replace('*', '_') + suffix)
        shutil.copy(source, target + '.new')
        os.replace(target + '.new', target)


def folder_of(*names):
    folder = tempfile.mkdtemp(dir=KEEP.name)
    for name in names:
        install(folder, name)
    return folder


def served(running, name):
    """Subject and serial number of the certificate for a name; None when the client is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(running.socket(), server_hostname=name or None) as connection:
            der = connection.getpeercert(binary_form=True)
    except ssl.SSLError as error:
        assert 'UNRECOGNIZED_NAME' in str(error), error
        return None
    text = subprocess.run(['openssl', 'x509', '-inform', 'DER', '-noout', '-subject', '-serial'],
                          input=der, capture_output=True, check=True).stdout.decode()
    subject, serial = text.split('\n')[:2]
    return subject.split('CN = ')[1], int(serial.split('=')[1], 16)


@tap.case('SNI-09, SNI-10, SNI-12: a folder serves each name its own, wildcards one label, and '
          'others the default')
def folder():
    names = folder_of('api.local', '*.tenant.local')
    with server.Server('--names', names, identity=identity('default.local')) as running:
        for name, subject in (('api.local', 'api.local'), ('API.local', 'api.local'),
                              ('x.tenant.local', '*.tenant.local'),
                              ('tenant.local', 'default.local'), ('', 'default.local'),
                              ('other.local', 'default.local')):
            assert served(running, name) == (subject, 1), name


@tap.case('names: without --cert, a client of no name or another is refused and named in the log')
def refused():
    with server.Server('--names', folder_of('api.local'), identity=()) as running:
        assert served(running, 'api.local') == ('api.local', 1)
        assert served(running, 'other.local') is None
        assert served(running, '') is None
        running.wait_for_log('tls_handshake.unknown_name')
    assert running.faults() == {'tls_handshake.unknown_name': 2}, running.faults()


@tap.case('names: what is wrong in a folder is refused before the port is bound, each by its file')
def bad_folder():
    names = folder_of('good.local', 'mismatch.local', 'broken.local')
    shutil.copy(identity('good.local')[1], os.path.join(names, 'mismatch.local.key'))
    pathlib.Path(names, 'broken.local.pem').write_text('no certificate')
    done = subprocess.run([server.PROGRAM, 'serve', '--check', '--names', names],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 78, done
    for text in ('tls_context.key_mismatch', 'mismatch.local.pem', 'tls_context.not_pem',
                 'broken.local.pem'):
        assert text in done.stderr, done.stderr
    lonely = folder_of('lonely.local')
    os.remove(os.path.join(lonely, 'lonely.local.key'))
    odd = folder_of('good.local')
    os.rename(os.path.join(odd, 'good.local.pem'), os.path.join(odd, 'a b.pem'))
    os.rename(os.path.join(odd, 'good.local.key'), os.path.join(odd, 'a b.key'))
    for path, text in ((lonely, 'no lonely.local.key beside it'), (odd, 'tls_context.bad_name'),
                       ('/nonexistent', 'tls_context.unreadable')):
        done = subprocess.run([server.PROGRAM, 'serve', '--check', '--names', path],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 78 and text in done.stderr, (path, done)


def checked(names, *flags):
    """What is said of a folder before anything is bound."""
    done = subprocess.run([server.PROGRAM, 'serve', '--check', '--names', names, *flags],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@tap.case('names: a certificate that does not name its file\'s name is warned about, others not')
def not_covered():
    names = folder_of('api.local', '*.tenant.local')
    assert checked(names) == (0, '')
    for source, suffix in zip(identity('api.local'), ('.pem', '.key')):
        for name in ('other.local', '_.api.local'):
            shutil.copy(source, os.path.join(names, name + suffix))
    status, text = checked(names)
    assert status == 0 and text.count('tls_context.name_not_covered') == 2, text
    for name in ('other.local', '*.api.local'):
        assert f': {name}\n' in text, text


@tap.case('names: a warning is not said again at a reload of what has not changed')
def warned_once():
    names = folder_of('api.local')
    for source, suffix in zip(identity('other.local'), ('.pem', '.key')):
        shutil.copy(source, os.path.join(names, 'api.local' + suffix))
    leaf = leaf_alone('localhost')
    with server.Server('--names', names, identity=leaf) as running:
        install(names, 'new.local')
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log('generation 2: 1 changed')
        warnings = [line for line in running.log if 'warning: ' in line]
    assert len(warnings) == 2, warnings
    for name in ('tls_context.name_not_covered', 'tls_context.chain_incomplete'):
        assert sum(name in line for line in warnings) == 1, warnings


def leaf_alone(name):
    """Without the issuer's certificate."""
    folder = server.certificates()
    path = os.path.join(KEEP.name, 'leaf.pem')
    subprocess.run(['openssl', 'x509', '-in', folder / f'{name}.pem', '-out', path], check=True)
    return path, folder / f'{name}.key'


@tap.case('names: an empty folder is warned about, at the start and when it becomes so')
def empty():
    status, text = checked(tempfile.mkdtemp(dir=KEEP.name))
    assert status == 0 and 'no name is served from it' in text, text
    names = folder_of('api.local')
    with server.Server('--names', names, identity=()) as running:
        os.remove(os.path.join(names, 'api.local.pem'))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log('no name is served from it')
        running.wait_for_log('generation 2: 0 changed, 1 removed')


def rename(names, old, new):
    for suffix in ('.pem', '.key'):
        os.rename(os.path.join(names, old + suffix), os.path.join(names, new + suffix))


@tap.case('names: capitals in a file\'s name, a star for a wildcard and an underscore in a label')
def spellings():
    names = folder_of('api.local', '*.tenant.local', 'my_host.local')
    rename(names, 'api.local', 'API.Local')
    rename(names, '_.tenant.local', '*.tenant.local')
    path = os.path.join(KEEP.name, 'spellings')
    with server.Server('--names', names, '--admin', path, identity=()) as running:
        for name, subject in (('api.local', 'api.local'), ('x.tenant.local', '*.tenant.local'),
                              ('my_host.local', 'my_host.local')):
            assert served(running, name) == (subject, 1), name
        rows = json.loads(server.inspect(path, '--json', 'names')[1])
        assert [row['name'] for row in rows] == ['*.tenant.local', 'api.local', 'my_host.local']
        assert all(0 < row['days_left'] < 100 for row in rows), rows
        rename(names, 'API.Local', 'api.local')
        status, text = server.inspect(path, 'reload')
        assert status == 0 and text.startswith('generation 2: 1 changed, 0 removed'), text
        assert served(running, 'api.local') == ('api.local', 1)
    install(names, '*.tenant.local')
    status, text = checked(names)
    assert status == 78 and 'is for *.tenant.local too' in text, text


@tap.case('names: of 1,001 names one with capitals is found when it is asked for')
def lazy_spelling():
    names = folder_of('api.local')
    rename(names, 'api.local', 'API.Local')
    chain, key = identity('any.local')
    for number in range(1000):
        os.symlink(chain, os.path.join(names, f'name-{number}.local.pem'))
        os.symlink(key, os.path.join(names, f'name-{number}.local.key'))
    with server.Server('--names', names, identity=()) as running:
        assert served(running, 'api.local') == ('api.local', 1)
        assert served(running, 'name-999.local') == ('any.local', 1)


@tap.case('SNI-18, SNI-19, SNI-20: SIGHUP takes what changed, keeps what works, touches nobody')
def hangup():
    names = folder_of('api.local', 'gone.local', 'kept.local')
    default = folder_of('default.local')
    pair = (os.path.join(default, 'default.local.pem'), os.path.join(default, 'default.local.key'))
    with server.Server('--names', names, identity=pair) as running:
        old = running.connect(insecure())
        install(names, 'api.local', 2)
        install(default, 'default.local', 2)
        install(names, 'new.local')
        os.remove(os.path.join(names, 'gone.local.pem'))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log('generation 2: 3 changed, 1 removed, 0 refused')
        assert served(running, 'api.local') == ('api.local', 2)
        assert served(running, 'new.local') == ('new.local', 1)
        assert served(running, 'kept.local') == ('kept.local', 1)
        assert served(running, 'gone.local') == ('default.local', 2)
        # Half of a pair: it is refused, said why, and the old one serves on.
        shutil.copy(identity('api.local', 3)[0], os.path.join(names, 'api.local.pem'))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log('tls_context.key_mismatch')
        running.wait_for_log('generation 2: 0 changed, 0 removed, 1 refused')
        assert served(running, 'api.local') == ('api.local', 2)
        shutil.copy(identity('api.local', 3)[1], os.path.join(names, 'api.local.key'))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_log('generation 3: 1 changed')
        assert served(running, 'api.local') == ('api.local', 3)
        old.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
        assert server.read_to_end(old).startswith(b'HTTP/1.1 200 ')
        old.close()
    assert running.faults() == {}, running.faults()


def insecure():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@tap.case('names: --watch takes a changed file by itself')
def watch():
    names = folder_of('api.local')
    with server.Server('--names', names, '--watch', identity=()) as running:
        install(names, 'api.local', 2)
        running.wait_for_log('generation 2: 1 changed')
        assert served(running, 'api.local') == ('api.local', 2)
        install(names, 'new.local')
        running.wait_for_log('generation 3: 1 changed')
        assert served(running, 'new.local') == ('new.local', 1)


@tap.case('inspect: the admin socket tells generations and counters, and reloads')
def admin():
    names = folder_of('api.local')
    path = os.path.join(KEEP.name, 'admin')
    with server.Server('--names', names, '--admin', path, identity=()) as running:
        assert os.stat(path).st_mode & 0o777 == 0o600
        with insecure().wrap_socket(running.socket(), server_hostname='api.local') as old:
            old.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
            assert old.recv(10)
            assert server.inspect(path, 'generations') == (0, generations((1, 1)))
            install(names, 'api.local', 2)
            status, text = server.inspect(path, 'reload')
            assert status == 0 and text.startswith('generation 2: 1 changed'), text
            assert server.inspect(path, 'generations') == (0, generations((1, 1), (2, 0)))
            status, text = server.inspect(path, 'names')
            assert text.split('\n')[1].split()[:2] == ['api.local', '2'], text
            shutil.copy(identity('api.local', 3)[0], os.path.join(names, 'api.local.pem'))
            status, text = server.inspect(path, 'reload')
            assert status == 78 and 'generation 2: 0 changed, 0 removed, 1 refused' in text, text
            assert 'refused: tls_context.key_mismatch: ' in text, text
            assert f'{names}/api.local.pem' in text, text
        status, text = server.inspect(path, 'metrics')
        assert 'ringfort_reloads_total 2' in text and 'ringfort_names_generation 2' in text, text
        assert 'ringfort_reloads_refused_total 1' in text, text
        assert 'ringfort_connections_open' in text, text
        status, text = server.inspect(path, 'help')
        assert status == 0 and 'generations' in text, text
        status, text = server.inspect(path, 'nonsense')
        assert status == 64 and "unknown command 'nonsense'" in text, text
        with socket.socket(socket.AF_UNIX) as silent:  # It may not keep others out for good.
            silent.connect(path)
            silent.shutdown(socket.SHUT_WR)
            assert server.inspect(path, 'status')[0] == 0
        done = subprocess.run([server.PROGRAM, 'serve', '--plain', '--listen', '127.0.0.1:0',
                               '--admin', path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 78 and 'another program uses it' in done.stderr, done
    assert not os.path.exists(path)
    assert server.inspect(path)[0] == 69


def generations(*rows):
    return 'generation  connections\n' + ''.join(f'{n:<10}  {count}\n' for n, count in rows)


def cpu_seconds(running):
    text = pathlib.Path(f'/proc/{running.process.pid}/stat').read_text()
    fields = text.rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@tap.case('names: 100,000 names take less than 64 MiB more than one, and serve the last of them')
def many():
    names = tempfile.mkdtemp(dir=KEEP.name)
    chain, key = identity('any.local')
    for number in range(100_000):
        os.symlink(chain, os.path.join(names, f'name-{number}.local.pem'))
        os.symlink(key, os.path.join(names, f'name-{number}.local.key'))
    with server.Server(identity=(chain, key)) as alone:
        served(alone, 'any.local')
        one = alone.memory_bytes()
    start = time.monotonic()
    with server.Server('--names', names, identity=()) as running:
        loaded_s, cpu_s = time.monotonic() - start, cpu_seconds(running)
        for number in (0, 50_000, 99_999):
            assert served(running, f'name-{number}.local') == ('any.local', 1)
        grown = running.memory_bytes() - one
        print(f'# {grown / 2**20:.1f} MiB for 100,000 names, served {loaded_s:.2f} s after the '
              f'start, {cpu_s:.2f} s of them of a CPU')
        assert grown < 64 * 2**20, grown
    shutil.rmtree(names)


class Load:
    """wrk, with so many connections, from now until stop()."""

    def __init__(self, running, connections, *flags):
        self.process = subprocess.Popen(
            ['wrk', '-t1', f'-c{connections}', f'-d{LOAD_S_MAX}s', '--timeout', '60s', *flags,
             f'https://localhost:{running.port}/'], stdout=subprocess.PIPE, text=True)

    def stop(self):
        """What it saw, and how many answers; it must still have been at work."""
        assert self.process.poll() is None, self.process.stdout.read()
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=server.PATIENCE_S)[0]
        assert self.process.returncode == 0, text
        assert 'Socket errors' not in text and 'Non-2xx' not in text, text
        return int(re.search(r'(\d+) requests in', text)[1])


def ask(connection):
    connection.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    answer = b''
    while not answer.endswith(b'Hello, world!'):
        piece = connection.recv(4096)
        assert piece, answer
        answer += piece
    assert answer.startswith(b'HTTP/1.1 200 '), answer


def reload(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        asking.sendall(b'reload\n')
        return asking.recv(1000).decode()


def require_certificate(running, expected):
    with insecure().wrap_socket(running.socket(), server_hostname='localhost') as connection:
        assert connection.getpeercert(binary_form=True) == expected


@tap.case(f'SNI-18: {SWAPS} swaps under load drop nobody, and after each its certificate is served')
def swaps():
    names = folder_of('localhost')
    expected = [ssl.PEM_cert_to_DER_cert(pathlib.Path(identity('localhost', serial)[0]).read_text())
                for serial in (1, 2)]
    path = os.path.join(KEEP.name, 'swaps')
    flags = ('--names', names, '--admin', path, '--keep-alive-timeout', '24h')
    with server.Server(*flags, '--handler', 'hello', identity=(), shards=2) as running:
        living = [insecure().wrap_socket(running.socket(), server_hostname='localhost')
                  for _ in range(LIVING)]
        loads = [Load(running, 8, '-H', 'Connection: close'), Load(running, 8)]
        try:
            for number in range(SWAPS):
                install(names, 'localhost', 1 + number % 2)
                answer = reload(path)
                assert answer.startswith(f'generation {number + 2}: 1 changed'), answer
                require_certificate(running, expected[number % 2])
                ask(living[number % LIVING])
            handshakes, requests = [load.stop() for load in loads]
        finally:
            for load in loads:
                load.process.kill()
        print(f'# {SWAPS} swaps, beside them {handshakes} connections with one request each, and '
              f'{requests} requests on 8 connections')
        assert handshakes >= SWAPS // 10 and requests >= SWAPS, (handshakes, requests)
        for connection in living:
            ask(connection)
            connection.close()
    # What is left over is wrk: it connects once without a handshake, and leaves in mid-flight.
    faults = running.faults()
    assert faults.pop('tls_handshake.peer_closed', 0) <= 2 + 8, faults
    for name in ('tls_record.truncated', 'response_stream.peer_closed'):
        assert faults.pop(name, 0) <= 16, name
    assert faults == {}, faults


tap.run()
