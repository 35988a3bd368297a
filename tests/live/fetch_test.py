"""`ringfort fetch` and servers that work: ours, nginx, openssl, node, and scripted ones."""
import base64
import re
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import peers  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
from origin import FOLDER, OK, TRUST, Origin, context_of, facts, fetch, saying  # noqa: E402

PATTERN = bytes(range(256)) * 20_000  # 5 MB that are no text


def ours(*flags, **options):
    return server.Server(*flags, identity=(origin.CERT, origin.CERT), **options)


def pattern_file(content=PATTERN):
    path = FOLDER / 'pattern'
    path.write_bytes(content)
    return path


# ------------------------------------------------------------------- requests and bodies
@tap.case('RQ-01: without more a URL is asked with GET, and the body alone is on standard output')
def plain_get():
    with ours('--handler', 'hello') as serving:
        assert fetch(serving.url) == (b'Hello, world!', '')
    with Origin(saying(OK)) as clear:
        assert fetch(clear.url) == (b'ok', '')
    assert clear.heads[0].startswith('GET / HTTP/1.1\r\n'), clear.heads


@tap.case('fetch: --include puts the head before the body, --head is the head alone')
def heads():
    with ours('--handler', 'hello') as serving:
        body = fetch('--include', serving.url)[0]
        head, _, rest = body.partition(b'\r\n\r\n')
        assert head.startswith(b'HTTP/1.1 200\r\n') and rest == b'Hello, world!', body
        alone = fetch('--head', serving.url)[0]
        assert b'content-length: 13' in alone.lower() and alone.endswith(b'\r\n\r\n'), alone


@tap.case('RQ-08: a body of text or of a file has its length, standard input goes in chunks')
def framing():
    with Origin(saying(OK), context_of()) as scripted:
        fetch('--data', 'text', scripted.url)
        fetch('--data', f'@{pattern_file()}', '--method', 'PUT', scripted.url)
        fetch('--data', '@-', scripted.url, data=PATTERN)
    assert scripted.bodies == [b'text', PATTERN, PATTERN]
    text, file, pipe = (head.lower() for head in scripted.heads)
    assert text.startswith('post ') and 'content-length: 4' in text, text
    assert file.startswith('put ') and f'content-length: {len(PATTERN)}' in file, file
    assert 'transfer-encoding: chunked' in pipe and 'content-length' not in pipe, pipe


@tap.case('RQ-09: a body has framing with GET and DELETE too')
def framed():
    with Origin(saying(OK)) as scripted:
        for method in ('GET', 'DELETE'):
            fetch('--method', method, '--data', 'text', scripted.url)
    assert scripted.bodies == [b'text'] * 2
    assert all('content-length: 4' in head.lower() for head in scripted.heads), scripted.heads


@tap.case('fetch: bytes that are no text come back as they were, from a file and from a pipe')
def echoes():
    with ours('--handler', 'echo') as serving:
        assert fetch('--data', f'@{pattern_file()}', serving.url)[0] == PATTERN
        assert fetch('--data', '@-', serving.url, data=PATTERN)[0] == PATTERN
        target = FOLDER / 'taken'
        body, said = fetch('--data', '@-', '-o', target, serving.url, data=PATTERN)
        assert (body, said) == (b'', '') and target.read_bytes() == PATTERN


@tap.case('fetch: a file that is given by -o stays as it is when there is no answer')
def file_stays():
    target = FOLDER / 'kept'
    target.write_text('kept')
    fetch('-o', target, f'http://127.0.0.1:{origin.free_port()}/', status=7)
    assert target.read_text() == 'kept'


@tap.case('fetch: --expect-continue holds the body back until the server wants it')
def expectation():
    with ours('--handler', 'sink') as serving:
        body = fetch('--expect-continue', '--data', '@-', serving.url, data=PATTERN)[0]
        assert body == f'{len(PATTERN)}\n'.encode()

    def refusing(connection, scripted):
        head, rest = origin.read_head(connection)
        scripted.heads.append(head)
        connection.sendall(b'HTTP/1.1 413 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch')
        scripted.bodies.append(rest + server.read_to_end(connection))
    with Origin(refusing) as scripted:
        flags = ('--expect-continue', '--data', f'@{pattern_file()}')
        assert fetch(*flags, scripted.url)[0] == b'much'
    assert 'expect: 100-continue' in scripted.heads[0].lower() and scripted.bodies == [b'']


@tap.case('CE-10: an answer that comes before the body has gone is the answer')
def early():
    def impatient(connection, _):
        origin.read_head(connection)
        connection.sendall(b'HTTP/1.1 413 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch')
        origin.until_it_leaves(connection)
    big = FOLDER / 'big'
    with big.open('wb') as file:
        file.truncate(64 * 1024 * 1024)
    for context in (None, context_of()):
        with Origin(impatient, context) as scripted:
            assert fetch('--data', f'@{big}', scripted.url) == (b'much', '')


@tap.case('fetch: what standard input has still to say holds up no answer')
def open_pipe():
    def impatient(connection, _):
        origin.read_head(connection)
        connection.sendall(b'HTTP/1.1 413 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch')
        origin.until_it_leaves(connection)
    with Origin(impatient) as scripted:
        command = (server.PROGRAM, 'fetch', '--cacert', TRUST.pem, '--data', '@-', scripted.url)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b'some')
            process.stdin.flush()
            assert process.stdout.read() == b'much'
            assert process.wait(server.PATIENCE_S) == 0


@tap.case('fetch: trailers are told by --json, interim answers are passed over')
def trailers():
    answer = (b'HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ntrailer: sum\r\n'
              b'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nsum: 6\r\n\r\n')
    with Origin(saying(answer), context_of()) as scripted:
        told, = facts(scripted.url)
        assert fetch(scripted.url)[0] == b'abc'
    assert told['status'] == 200 and told['body_bytes'] == 3 and told['complete'], told
    assert told['trailers'] == [['sum', '6']], told


@tap.case('RS-04: 304 and the answer to HEAD have no body, whatever they say; 204 may say none')
def bodiless():
    with Origin(saying(b'HTTP/1.1 204 X\r\ncontent-length: 5\r\n\r\nhello')) as scripted:
        origin.require_failure(56, 'answer.bad_length', 'wait', scripted.url)
    for status, flags in ((304, ()), (200, ('--head',))):
        answer = f'HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\n'.encode()
        with Origin(saying(answer)) as scripted:
            told, = facts(*flags, scripted.url)
        assert told['status'] == status and told['body_bytes'] == 0 and told['complete'], told


@tap.case('RS-03, differs: a body that the end alone ends needs close_notify over TLS')
def until_close():
    answer = b'HTTP/1.1 200 OK\r\n\r\nall'
    for context in (None, context_of()):
        with Origin(saying(answer, then=origin.close_in_order), context) as scripted:
            assert fetch(scripted.url)[0] == b'all'
    with Origin(saying(answer, then=origin.close_at_once), context_of()) as scripted:
        origin.require_failure(56, 'tls_record.truncated', 'response', scripted.url)


# ------------------------------------------------------------------- where it goes
@tap.case('RQ-02: the user of a URL is Authorization, percent-decoded')
def user():
    with Origin(saying(OK)) as scripted:
        fetch(scripted.url.replace('//', '//us%65r:p%40ss@'))
        fetch(scripted.url.replace('//', '//user@'), '--header', 'Authorization: mine')
        told, = facts(scripted.url.replace('//', '//us%65r:p%40ss@'))
    wanted = base64.b64encode(b'user:p@ss').decode()
    assert f'authorization: Basic {wanted}' in scripted.heads[0], scripted.heads
    assert 'mine' in scripted.heads[1] and 'Basic' not in scripted.heads[1], scripted.heads
    assert told['url'] == scripted.url, told
    with Origin(saying(redirecting_to('/2'), OK)) as scripted:
        fetch('--follow', '1', scripted.url.replace('//', '//user:p%40ss@'))
    assert all(f'Basic {wanted}' in head for head in scripted.heads) and len(scripted.heads) == 2


@tap.case('RQ-04: Host is host and port, and another one when it is said')
def host():
    with Origin(saying(OK)) as scripted:
        fetch(scripted.url)
        fetch('--header', 'Host: other.example', scripted.url)
        fetch('--resolve', 'plain.example:80:127.0.0.1', '--connect-to',
              f'127.0.0.1:{scripted.port}', 'http://plain.example/')
    hosts = [re.search(r'(?im)^host: (\S+)', head)[1] for head in scripted.heads]
    assert hosts == [f'localhost:{scripted.port}', 'other.example', 'plain.example'], hosts


@tap.case('RQ-05, RQ-06, ID-01, ID-02: place, name and Host are said apart, none follows from one')
def layers():
    with Origin(saying(OK), context_of()) as scripted:
        port = scripted.port
        fetch(scripted.url)
        fetch(f'https://127.0.0.1:{port}/')
        fetch('--servername', 'localhost', f'https://127.0.0.1:{port}/')
        fetch('--servername', '', scripted.url)
        fetch('--connect-to', f'127.0.0.1:{port}', 'https://localhost/')
        fetch('--header', 'Host: other.example', scripted.url)
    assert scripted.names == ['localhost', None, 'localhost', None, 'localhost', 'localhost'], \
        scripted.names


@tap.case('RQ-07: a URL or a request that cannot be is refused before anything is sent, exit 64')
def refused():
    with Origin(saying(OK)) as scripted:
        for arguments in (('ftp://localhost/',), ('http://',), (scripted.url + 'a b',),
                          ('--method', 'A B', scripted.url), ('--header', 'nothing', scripted.url),
                          ('--header', 'a b: c', scripted.url),
                          ('--header', 'content-length: 1', scripted.url), ()):
            assert fetch(*arguments, status=64)[0] == b'', arguments
    assert scripted.heads == []


@tap.case('RQ-12: a redirection is an answer, unless it is to be followed')
def redirections():
    elsewhere = b'HTTP/1.1 302 Found\r\nlocation: ../b?c#d\r\ncontent-length: 4\r\n\r\nmove'
    with Origin(saying(elsewhere, OK), context_of()) as scripted:
        assert fetch(scripted.url)[0] == b'move'
    with Origin(saying(elsewhere, OK), context_of()) as scripted:
        flags = ('--follow', '1', '--data', 'text', f'{scripted.url}x/a')
        assert fetch(*flags)[0] == b'ok'
    asked = [head.split(' HTTP')[0] for head in scripted.heads]
    assert asked == ['POST /x/a', 'GET /b?c'] and scripted.accepted == 1, (asked, scripted.accepted)
    with Origin(saying(elsewhere), context_of()) as scripted:
        assert ' phase=response status=302 ' in fetch('--follow', '3', scripted.url, status=47)[1]
    assert len(scripted.heads) == 4


def redirecting_to(url, status=307):
    return f'HTTP/1.1 {status} X\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n'.encode()


@tap.case('fetch: a redirection from https:// to http:// is not followed unless that is said')
def no_downgrade():
    with Origin(saying(OK)) as clear, \
            Origin(saying(redirecting_to(clear.url)), context_of()) as secure:
        said = fetch('--follow', '5', secure.url, status=47)[1]
        assert '--follow-to-http' in said and clear.accepted == 0, said
        assert fetch('--follow', '5', '--follow-to-http', secure.url)[0] == b'ok'


@tap.case('fetch: what is secret of one origin is not told to another')
def secrets():
    flags = ('--follow', '2', '--header', 'Authorization: secret', '--header', 'Cookie: secret',
             '--header', 'X-Other: kept', '--data', 'body')
    with Origin(saying(OK)) as other, Origin(saying(redirecting_to('/2'),
                                                    redirecting_to(other.url))) as first:
        assert fetch(*flags, first.url)[0] == b'ok'
    assert all(head.count('secret') == 2 for head in first.heads) and len(first.heads) == 2
    assert 'secret' not in other.heads[0] and 'X-Other: kept' in other.heads[0], other.heads
    assert other.bodies == [b'body']


# ------------------------------------------------------------------- connections and sessions
@tap.case('AG-09, AG-14: ten calls take one connection, and nine of them know it')
def reuse():
    with ours('--handler', 'hello') as serving:
        told = facts('--repeat', '10', serving.url)
        assert [one['reused'] for one in told] == [False] + [True] * 9
        assert fetch('--repeat', '3', serving.url)[0] == b'Hello, world!' * 3
        serving.stop()
        assert serving.metric('connections_accepted_total') == 2
        assert serving.metric('requests_total') == 13


@tap.case('AG-01: the help says how long and for how many calls a connection is kept')
def defaults():
    told = subprocess.run([server.PROGRAM, 'fetch', '--help'], stdout=subprocess.PIPE,
                          check=True, text=True).stdout
    told = ' '.join(told.split())
    for flag in ('--idle-timeout DURATION 1ms..24h=5s', '--timeout DURATION 0ms..24h=0ms',
                 '--pending-timeout DURATION 1ms..24h=10s', '--answer-timeout DURATION 1ms..24h=1m',
                 '--connection-age-max DURATION 0ms..24h=0ms',
                 '--calls-per-connection-max N 0..1000000=0'):
        assert flag in told, (flag, told)


@tap.case('AG-02: calls at the same time take connections of their own, and lose nothing')
def parallel():
    with ours('--handler', 'source') as serving:
        told = facts('--repeat', '64', '--parallel', '16', f'{serving.url}/100K')
        assert [one['body_bytes'] for one in told] == [102_400] * 64
        serving.stop()
        assert serving.metric('connections_accepted_total') <= 16
        assert serving.metric('requests_total') == 64


@tap.case('AG-11: after an answer that says close, or of HTTP/1.0, the next call connects anew')
def closed():
    for answer in (OK.replace(b'\r\n\r\n', b'\r\nconnection: close\r\n\r\n'),
                   OK.replace(b'HTTP/1.1', b'HTTP/1.0')):
        with Origin(saying(answer, then=origin.close_in_order), context_of()) as scripted:
            told = facts('--repeat', '3', scripted.url)
        assert [one['reused'] for one in told] == [False] * 3 and scripted.accepted == 3, answer


@tap.case('AG-12: a connection that the server keeps for a second is not used again')
def hinted():
    answer = OK.replace(b'\r\n\r\n', b'\r\nkeep-alive: timeout=1\r\n\r\n')
    with Origin(saying(answer), context_of()) as scripted:
        told = facts('--repeat', '2', scripted.url)
    assert [one['reused'] for one in told] == [False] * 2 and scripted.accepted == 2


@tap.case('AG-16, RS-05: what comes behind an answer ends the connection, and answers nothing')
def poisoned():
    poison = b'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'
    for context in (None, context_of()):
        with Origin(saying(OK + poison), context) as scripted:
            told = facts('--repeat', '3', scripted.url)
            assert fetch(scripted.url)[0] == b'ok'
        assert [one['body_bytes'] for one in told] == [2] * 3, told
        assert not any(one['reused'] for one in told) and scripted.accepted == 4


@tap.case('CS-01, CS-04: without a connection that stays the session resumes, in 1.2 and 1.3')
def resumed():
    with ours('--handler', 'hello', '--requests-max', '1') as serving:
        for version in ('1.2', '1.3'):
            told = facts('--repeat', '3', '--tls-min', version, '--tls-max', version, serving.url)
            assert [one['tls']['resumed'] for one in told] == [False, True, True], version
            assert not any(one['reused'] for one in told)
            assert all(one['tls']['chain'] and one['tls']['verdict']['accepts'] for one in told)
        serving.stop()
        assert serving.metric('handshakes_resumed_total') == 4


# ------------------------------------------------------------------- other people's servers
@tap.case('fetch: nginx answers, takes a body, keeps its connection and resumes its sessions')
def nginx():
    with peers.nginx({'page': PATTERN}) as (folder, _, url):
        assert fetch(f'{url}/page')[0] == PATTERN
        fetch('--data', '@-', '--method', 'PUT', f'{url}/in/put', data=PATTERN)
        assert (folder / 'in/put').read_bytes() == PATTERN
        told = facts('--repeat', '3', f'{url}/page')
        assert [one['reused'] for one in told] == [False, True, True], told
        told = facts('--repeat', '3', f'{url}/once/')
        assert [one['tls']['resumed'] for one in told] == [False, True, True], told


@tap.case('fetch: node gives a body back, over one connection for ten calls')
def node():
    with peers.node() as (_, url):
        assert fetch('--data', '@-', url, data=PATTERN)[0] == PATTERN
        told = facts('--repeat', '10', '--data', 'text', url)
    counted = [dict(one['fields'])['x-connections'] for one in told]
    assert counted == ['2'] * 10 and told[-1]['body_bytes'] == 4, counted


@tap.case('fetch: openssl s_server answers with each suite of 1.2 and 1.3')
def s_server():
    for suite, version in (('TLS_AES_256_GCM_SHA384', '-tls1_3'),
                           ('TLS_CHACHA20_POLY1305_SHA256', '-tls1_3'),
                           ('ECDHE-ECDSA-AES128-GCM-SHA256', '-tls1_2')):
        name = '-ciphersuites' if version == '-tls1_3' else '-cipher'
        with peers.running('openssl', 's_server', '-accept', '127.0.0.1:0', '-cert', origin.CERT,
                           '-www', version, name, suite, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True) as process:
            port = next(line for line in process.stdout if 'ACCEPT' in line).rsplit(':')[-1]
            told, = facts(f'https://localhost:{int(port)}/')
        assert told['status'] == 200 and told['tls']['suite'] == suite, told


@tap.case('fetch: flags that contradict each other are refused, exit 64')
def contradictions():
    for flags, words in ((('--head', '--data', 'a'), '--data'), (('--parallel', '2'), '--json'),
                         (('--repeat', '2', '-o', 'a'), '-o'), (('--follow-to-http',), '--follow'),
                         (('--repeat', '2', '--data', '@-'), '--repeat'),
                         (('--insecure', '--pin', 'a'), '--pin'), (('--cert', 'a'), '--key'),
                         (('--expect-continue',), '--data'), (('--resolve', 'a'), '--resolve'),
                         (('--connect-to', 'a'), '--connect-to'), (('--timeout', '5'), '5')):
        said = fetch(*flags, 'http://localhost/', status=64, trust=None)[1]
        assert words in said, (flags, said)


@tap.case('fetch: --fail makes a status from 400 on a failure, without its body, exit 22')
def failing():
    with ours('--handler', 'hello') as serving, Origin(saying(OK.replace(b'200', b'404'))) as none:
        assert fetch('--fail', serving.url)[0] == b'Hello, world!'
        assert fetch(none.url)[0] == b'ok'
        body, said = fetch('--fail', none.url, status=22)
        assert body == b'' and ' status=404 ' in said, said


tap.run()
