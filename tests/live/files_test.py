"""Files below --root, asked for by curl and by raw requests: ranges, conditions, precompressed
siblings, what is not served, and how much memory a large one takes."""
import contextlib
import email
import gzip
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-files-')
FOLDER = pathlib.Path(KEEP.name)
ROOT = FOLDER / 'root'
MIB, GIB = 1 << 20, 1 << 30
TEXT = bytes(range(256)) * 40
PLAIN = b'<p>plain</p>' * 20
BROTLI = b'not brotli__' * 20  # Of the same size as what it stands for, and nobody looks into it.
OLD = 784_111_777  # Sun, 06 Nov 1994 08:49:37 GMT
OLD_TEXT = 'Sun, 06 Nov 1994 08:49:37 GMT'


def put(name, data, time=OLD):
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time, time))
    return path


def fill():
    put('data.bin', TEXT)
    put('empty.txt', b'')
    put('index.html', b'<p>home</p>')
    put('dir/index.html', b'<p>dir</p>')
    put('dir/a b.txt', b'spaced')
    put('bare/only.txt', b'only')
    put('.env', b'secret')
    put('.well-known/security.txt', b'contact')
    put('page.html', PLAIN)
    put('page.html.gz', gzip.compress(PLAIN, mtime=0))
    put('page.html.br', BROTLI)
    put('photo.png', b'png')
    put('photo.png.gz', b'never sent')
    (FOLDER / 'outside.txt').write_bytes(b'outside')
    (ROOT / 'inside').symlink_to('dir/a b.txt')
    (ROOT / 'out').symlink_to('../outside.txt')
    (ROOT / 'absolute').symlink_to(ROOT / 'data.bin')
    (ROOT / 'outfolder').symlink_to('..')
    os.mkfifo(ROOT / 'pipe')
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(ROOT / 'socket'))


fill()


class Answer:
    """What curl, or a raw connection, got."""

    def __init__(self, text):
        head, _, self.body = text.partition(b'\r\n\r\n')
        first, *lines = head.decode('latin-1').split('\r\n')
        self.status = int(first.split()[1])
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(':')
            assert name.lower() not in self.fields, f'twice: {line}'
            self.fields[name.lower()] = value.strip()

    def __repr__(self):
        return f'{self.status} {self.fields} {self.body[:80]}'


def ask(serving, target, *fields, method='GET'):
    """By curl, over verified TLS, with the target as it stands."""
    flags = [word for field in fields for word in ('-H', field)]
    kind = ['-I'] if method == 'HEAD' else ['-X', method]
    done = subprocess.run(
        ['curl', '-sS', '-i', '--path-as-is', '--cacert', str(server.certificates() / 'ca.pem'),
         *kind, *flags, serving.url + target], capture_output=True, timeout=60)
    assert done.returncode == 0, (target, done)
    return Answer(done.stdout)


def raw(serving, target, *fields):
    """As curl would not send it."""
    with serving.connect() as connection:
        lines = ''.join(f'{field}\r\n' for field in fields)
        connection.sendall(f'GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n'
                           f'{lines}\r\n'.encode('latin-1'))
        return Answer(server.read_to_end(connection))


@contextlib.contextmanager
def serve(*flags, **settings):
    with server.Server('--root', ROOT, *flags, **settings) as serving:
        yield serving


@tap.case('files: a file is sent whole, with its type, length, tag and date')
def whole():
    with serve() as serving:
        answer = ask(serving, '/data.bin')
        assert answer.status == 200 and answer.body == TEXT, answer
        assert answer.fields['content-type'] == 'application/octet-stream', answer
        assert answer.fields['content-length'] == str(len(TEXT)), answer
        assert answer.fields['accept-ranges'] == 'bytes', answer
        assert answer.fields['last-modified'] == OLD_TEXT, answer
        assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', answer.fields['etag']), answer
        assert 'cache-control' not in answer.fields
        assert ask(serving, '/data.bin').fields['etag'] == answer.fields['etag']
        empty = ask(serving, '/empty.txt')
        assert (empty.status, empty.fields['content-length'], empty.body) == (200, '0', b''), empty
        assert empty.fields['content-type'] == 'text/plain; charset=utf-8', empty
        assert raw(serving, 'http://localhost/data.bin').body == TEXT  # The absolute form.
        assert ask(serving, '/dir/a%20b.txt?query#no').body == b'spaced'


@tap.case('files: HEAD says what GET would, and sends nothing')
def head():
    with serve() as serving:
        for target in ('/data.bin', '/page.html', '/', '/none', '/dir'):
            get, asked = ask(serving, target), ask(serving, target, method='HEAD')
            assert asked.status == get.status and asked.body == b'', (get, asked)
            for name in set(get.fields) - {'date'}:
                assert asked.fields[name] == get.fields[name], (target, name, get, asked)
        assert ask(serving, '/data.bin', 'range: bytes=0-1', method='HEAD').status == 200
        for method in ('POST', 'DELETE', 'OPTIONS'):
            refused = ask(serving, '/data.bin', method=method)
            assert (refused.status, refused.fields['allow']) == (405, 'GET, HEAD'), refused


@tap.case('files: a directory is its index behind a slash, and is sent there without one')
def directories():
    with serve() as serving:
        assert ask(serving, '/').body == b'<p>home</p>'
        assert ask(serving, '/dir/').body == b'<p>dir</p>'
        moved = ask(serving, '/dir?a=b')
        assert (moved.status, moved.fields['location']) == (301, '/dir/?a=b'), moved
        assert ask(serving, '/bare/').status == 404
        assert ask(serving, '/data.bin/').status == 404
    with serve('--index', 'only.txt') as serving:
        assert ask(serving, '/bare/').body == b'only'
        assert ask(serving, '/').status == 404
    with serve('--index', '') as serving:
        assert ask(serving, '/').status == 404
        assert ask(serving, '/dir').status == 301


@tap.case('files: one range is 206 with Content-Range, none that is there 416')
def one_range():
    size = len(TEXT)
    with serve() as serving:
        for asked, first, last in (('0-0', 0, 0), ('100-199', 100, 199), ('-5', size - 5, size - 1),
                                   (f'{size - 1}-', size - 1, size - 1), ('0-', 0, size - 1),
                                   (f'10-{size * 2}', 10, size - 1)):
            answer = ask(serving, '/data.bin', f'range: bytes={asked}')
            assert answer.status == 206 and answer.body == TEXT[first:last + 1], (asked, answer)
            assert answer.fields['content-range'] == f'bytes {first}-{last}/{size}', answer
            assert answer.fields['content-length'] == str(last - first + 1), answer
        for asked in (f'{size}-', '-0', f'{size}-,{size + 5}-{size + 6}'):
            answer = ask(serving, '/data.bin', f'range: bytes={asked}')
            assert answer.status == 416, (asked, answer)
            assert answer.fields['content-range'] == f'bytes */{size}', answer
        for asked in ('bytes=5-4', 'lines=0-1', 'bytes=x', 'bytes=0-9,5-14'):
            answer = ask(serving, '/data.bin', f'range: {asked}')
            assert answer.status == 200 and answer.body == TEXT, (asked, answer)
        assert ask(serving, '/empty.txt', 'range: bytes=0-').status == 416
        assert ask(serving, '/empty.txt', 'range: bytes=-1').status == 200
        twice = ask(serving, '/data.bin', 'range: bytes=0-0', 'range: bytes=1-1')
        assert twice.status == 200, twice


@tap.case('files: several ranges are multipart/byteranges, and seventeen are the whole file')
def several_ranges():
    with serve() as serving:
        answer = ask(serving, '/data.bin', 'range: bytes=0-9,-10,5000-5999')
        assert answer.status == 206 and 'content-range' not in answer.fields, answer
        assert answer.fields['content-length'] == str(len(answer.body)), answer
        message = email.message_from_bytes(
            f"content-type: {answer.fields['content-type']}\r\n\r\n".encode() + answer.body)
        assert message.get_content_type() == 'multipart/byteranges', answer
        size, parts = len(TEXT), message.get_payload()
        wanted = ((0, 9), (size - 10, size - 1), (5000, 5999))
        assert [part['content-range'] for part in parts] == \
            [f'bytes {first}-{last}/{size}' for first, last in wanted]
        assert {part['content-type'] for part in parts} == {'application/octet-stream'}
        for first, last in wanted:
            assert b'\r\n\r\n' + TEXT[first:last + 1] + b'\r\n--' in answer.body
        other = ask(serving, '/data.bin', 'range: bytes=0-9,-10,5000-5999')
        assert other.fields['content-type'] != answer.fields['content-type']  # Another boundary.
        sixteen = ','.join(f'{10 * at}-{10 * at + 1}' for at in range(16))
        assert ask(serving, '/data.bin', f'range: bytes={sixteen}').status == 206
        assert ask(serving, '/data.bin', f'range: bytes={sixteen},900-901').status == 200


@tap.case('files: what a client has already is 304, and what it expects and is gone 412')
def conditions():
    with serve('--cache-control', 'max-age=60') as serving:
        tag = ask(serving, '/data.bin').fields['etag']
        for field in (f'if-none-match: {tag}', f'if-none-match: "x", W/{tag}', 'if-none-match: *',
                      f'if-modified-since: {OLD_TEXT}'):
            answer = ask(serving, '/data.bin', field)
            assert answer.status == 304 and answer.body == b'', (field, answer)
            assert answer.fields['etag'] == tag, answer
            assert answer.fields['cache-control'] == 'max-age=60', answer
            assert answer.fields['vary'] == 'accept-encoding', answer
            assert not {'content-length', 'content-type'} & set(answer.fields), answer
        for fields, status in (((f'if-match: {tag}',), 200), (('if-match: *',), 200),
                               (('if-match: "x"',), 412), ((f'if-match: W/{tag}',), 412),
                               ((f'if-unmodified-since: {OLD_TEXT}',), 200),
                               (('if-unmodified-since: Sun, 06 Nov 1994 08:49:36 GMT',), 412),
                               (('if-none-match: "x"', f'if-modified-since: {OLD_TEXT}'), 200),
                               ((f'if-none-match: {tag}', 'range: bytes=0-1'), 304),
                               ((f'if-range: {tag}', 'range: bytes=0-1'), 206),
                               (('if-range: "x"', 'range: bytes=0-1'), 200),
                               ((f'if-range: {OLD_TEXT}', 'range: bytes=0-1'), 206),
                               (('if-range: Sun, 06 Nov 1994 08:49:38 GMT', 'range: bytes=0-1'),
                                200)):
            answer = ask(serving, '/data.bin', *fields)
            assert answer.status == status, (fields, answer)
        put('data.bin', TEXT, OLD + 1)
        assert ask(serving, '/data.bin', f'if-none-match: {tag}').status == 200
        put('data.bin', TEXT)
        assert ask(serving, '/data.bin', f'if-none-match: {tag}').status == 304
        put('fresh.txt', b'fresh', 2 ** 33)  # A time to come, which may not be said.
        fresh = ask(serving, '/fresh.txt')
        assert fresh.fields['etag'].startswith('W/"'), fresh
        assert fresh.fields['last-modified'] == fresh.fields['date'], fresh
        ranged = ask(serving, '/fresh.txt', f"if-range: {fresh.fields['etag']}", 'range: bytes=0-1')
        assert ranged.status == 200, ranged


@tap.case('files: a precompressed sibling goes to who would rather have it, with its own tag')
def precompressed():
    plain, packed = PLAIN, (ROOT / 'page.html.gz').read_bytes()
    assert len(plain) == len(BROTLI)
    with serve() as serving:
        tags = set()
        for accepted, coding, body in ((None, None, plain), ('gzip', 'gzip', packed),
                                       ('gzip, br', 'br', BROTLI),
                                       ('gzip, br;q=0.5', 'gzip', packed),
                                       ('identity, gzip;q=0.5', None, plain),
                                       ('gzip;q=0', None, plain), ('deflate', None, plain)):
            answer = ask(serving, '/page.html', *([f'accept-encoding: {accepted}']
                                                  if accepted else []))
            assert answer.fields.get('content-encoding') == coding, (accepted, answer)
            assert answer.body == body, (accepted, answer)
            assert answer.fields['content-type'] == 'text/html; charset=utf-8', answer
            assert answer.fields['vary'] == 'accept-encoding', answer
            tags.add(answer.fields['etag'])
        assert len(tags) == 3, tags
        part = ask(serving, '/page.html', 'accept-encoding: gzip', 'range: bytes=0-1')
        assert part.status == 206 and part.body == packed[:2] == b'\x1f\x8b', part
        photo = ask(serving, '/photo.png', 'accept-encoding: gzip')
        assert photo.body == b'png' and 'vary' not in photo.fields, photo
        done = server.run('curl', '-sS', '--compressed', '-H', 'accept-encoding: gzip', '--cacert',
                          server.certificates() / 'ca.pem', serving.url + '/page.html')
        assert done.encode() == plain, done
    with serve('--no-precompressed') as serving:
        answer = ask(serving, '/page.html', 'accept-encoding: gzip')
        assert answer.body == plain and 'vary' not in answer.fields, answer


@tap.case('files: nothing outside the root, no link that leaves it, nothing that is no file')
def refused():
    with serve() as serving:
        for target in ('/../outside.txt', '/dir/../../outside.txt', '/%2e%2e/outside.txt',
                       '/..%2foutside.txt', '/dir/..', '/./data.bin', '//data.bin', '/dir//a',
                       '/dir//a%20b.txt', '/dir%2fa%20b.txt', '/out', '/absolute', '/outfolder/',
                       '/outfolder/root/', '/outfolder/outside.txt', '/pipe', '/socket', '/none',
                       '/' + 'x' * 5000, '/' + 'x' * 256, '/dir/' * 700 + 'x'):
            answer = ask(serving, target)
            assert answer.status == 404, (target, answer)
            assert b'outside' not in answer.body, (target, answer)
        for target in ('/%', '/%zz', '/data%00.bin', '/data.bin%00'):
            assert raw(serving, target).status == 400, target
        assert ask(serving, '/inside').body == b'spaced'
        if os.getuid() != 0:
            os.chmod(put('mine.txt', b'mine'), 0)
            assert ask(serving, '/mine.txt').status == 403
        serving.stop()
        assert serving.faults() == {}, serving.faults()


@tap.case('files: dot files are served only when they are meant to be')
def dot_files():
    with serve() as serving:
        assert ask(serving, '/.env').status == ask(serving, '/%2eenv').status == 404
        assert ask(serving, '/.well-known/security.txt').body == b'contact'
    with serve('--dot-files') as serving:
        assert ask(serving, '/.env').body == b'secret'
        assert ask(serving, '/../outside.txt').status == 404


@tap.case('files: flags that cannot be used are named: config.root_unusable and config.invalid')
def flags():
    def refusal(*words):
        command = [server.PROGRAM, 'serve', '--plain', '--listen', '127.0.0.1:0']
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stderr
    for path in (FOLDER / 'none', ROOT / 'data.bin'):
        status, text = refusal('--root', path)
        assert status == 78 and 'config.root_unusable' in text and str(path) in text, text
    for words in (('--index', 'a/b'), ('--index', '..'), ('--cache-control', 'a\nb: c')):
        status, text = refusal('--root', ROOT, *words)
        assert status == 64 and 'config.invalid' in text and words[0] in text, text
    for words in (('--index', 'a'), ('--dot-files',), ('--cache-control', 'no-store')):
        status, text = refusal(*words)
        assert status == 64 and '--root' in text, text


def download(serving, target, *flags):
    return server.run('curl', '-sS', '--cacert', server.certificates() / 'ca.pem', *flags,
                      '-o', '/dev/null', '-w', '%{http_code} %{size_download}',
                      serving.url + target)


@tap.case('files: 1 GiB is sent without being held: memory stays flat, for eight at a time too')
def large():
    with open(ROOT / 'large.bin', 'wb') as file:
        file.truncate(GIB)
    with open(ROOT / 'warm.bin', 'wb') as file:
        file.truncate(64 * MIB)
    with serve() as serving:
        assert download(serving, '/warm.bin') == f'200 {64 * MIB}'
        warm = serving.memory_bytes('VmHWM')
        assert download(serving, '/large.bin') == f'200 {GIB}'
        assert download(serving, '/large.bin', '-r', '-5') == '206 5'
        grown = serving.memory_bytes('VmHWM') - warm
        assert grown < MIB, f'grew by {grown} bytes'
        with contextlib.ExitStack() as stack:  # They take some, and no more.
            for _ in range(8):
                slow = stack.enter_context(serving.connect())
                slow.sendall(b'GET /large.bin HTTP/1.1\r\nhost: localhost\r\n\r\n')
                assert slow.recv(1000).startswith(b'HTTP/1.1 200 ')
            grown = serving.memory_bytes('VmHWM') - warm
        # A piece and a window for each, and what the window's blocks leave unused.
        assert grown < 8 * (64 + 2 * 256 + 64) * 1024, f'grew by {grown} bytes'


@tap.case('files: one that shrinks while it is sent is cut, and one that grows is not followed')
def changing():
    with serve('--send-credit', '16KiB', plain=True) as serving:
        for name, change, complete in (('shrinks.bin', -16 * MIB, False),
                                       ('grows.bin', 16 * MIB, True)):
            path, size = ROOT / name, 32 * MIB
            with open(path, 'wb') as file:
                file.truncate(size)
            with serving.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                client.sendall(f'GET /{name} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
                               .encode())
                begin = client.recv(10_000)
                os.truncate(path, size + change)
                try:
                    answer = Answer(begin + server.read_to_end(client))
                except ConnectionResetError:
                    assert not complete
                    continue
            assert answer.fields['content-length'] == str(size), answer
            assert (len(answer.body) == size) == complete, len(answer.body)
            assert complete or len(answer.body) <= size + change, len(answer.body)
        serving.stop()
        assert serving.faults() == {'response_stream.wrong_length': 1}, serving.faults()


@tap.case('files: descriptors come back, of downloads that are given up too')
def descriptors():
    with open(ROOT / 'given-up.bin', 'wb') as file:
        file.truncate(64 * MIB)
    with serve(plain=True) as serving:
        serving.get('/data.bin')
        before = serving.descriptors()
        for _ in range(20):
            with serving.socket() as client:
                client.sendall(b'GET /given-up.bin HTTP/1.1\r\nhost: a\r\n\r\n')
                client.recv(1000)
        serving.wait_for_descriptors(before)


tap.run()
