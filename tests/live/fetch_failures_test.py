"""What `ringfort fetch` says, and how it exits, when a request or its answer goes wrong: what
badssl_test.py does not hold."""
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import origin  # noqa: E402
import tap  # noqa: E402
from origin import (  # noqa: E402
    FOLDER, OK, Origin, context_of, facts, head_then, require_failure, saying)


# ------------------------------------------------------------------- request and wait
def both():
    """Clear text and TLS."""
    return None, context_of()


@tap.case('CE-09: a server that leaves in the middle of the body is upload.peer_closed, exit 55')
def upload_cut():
    for context in both():
        with Origin(head_then(origin.reset), context) as scripted:
            require_failure(55, 'upload.peer_closed', 'upload', '--data', f'@{origin.big_file()}',
                            scripted.url)


@tap.case('CE-08: a server that ends without a byte of an answer is answer.none, exit 52')
def no_answer():
    for context in both():
        for end in (origin.close_at_once, origin.reset, origin.close_in_order):
            with Origin(head_then(end), context) as scripted:
                _, said = origin.fetch(scripted.url, status=52)
            assert ' phase=wait ' in said, said
            if context is None or end is origin.close_in_order:
                assert ' code=answer.none ' in said, said


# ------------------------------------------------------------------- the answer
CHUNKED = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
LENGTH = b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'


@tap.case('CE-11: an answer that is no HTTP, or has two lengths, is refused by its row, exit 56')
def garbage():
    for answer, code in (
            (b'220 smtp.example ready\r\n', 'malformed'), (b'junk' * 100, 'malformed'),
            (b'HTTP/2.0 200 OK\r\n\r\n', 'malformed'),
            (b'HTTP/1.1 200 OK\r\nbad name: a\r\n\r\n', 'bad_field'),
            (b'HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n', 'bad_field'),
            (b'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n', 'bad_length'),
            (LENGTH[:-2] + b'content-length: 11\r\n\r\n', 'two_lengths'),
            (CHUNKED[:-2] + b'content-length: 10\r\n\r\n', 'two_lengths'),
            (CHUNKED.replace(b'chunked', b'gzip, chunked'), 'bad_coding'),
            (b'HTTP/1.1 200 OK\r\n' + b'a: b\r\n' * 200 + b'\r\n', 'head_too_large'),
            (b'HTTP/1.1 200 OK\r\na: ' + b'b' * 20_000 + b'\r\n\r\n', 'head_too_large')):
        with Origin(saying(answer, then=origin.until_it_leaves), context_of()) as scripted:
            body, said = origin.fetch(scripted.url, status=56)
        assert body == b'' and f' code=answer.{code} ' in said, (answer[:40], said)


@tap.case('CE-12: a bad chunk behind a good head is answer.bad_chunk, exit 56')
def bad_chunk():
    for chunk in (b'zz\r\n', b'3\r\nabcd\r\n', b'fffffffffffffffff\r\n'):
        with Origin(saying(CHUNKED + chunk, then=origin.until_it_leaves)) as scripted:
            _, said = origin.fetch(scripted.url, status=56)
        assert ' code=answer.bad_chunk ' in said and ' phase=response ' in said, said


@tap.case('RS-01, RS-02: a body that is cut is a failure, whatever had come of it, exit 56')
def cut():
    for answer in (LENGTH + b'half', CHUNKED + b'4\r\nhalf\r\n', CHUNKED + b'9\r\nhalf'):
        for context in both():
            for end in (origin.close_in_order, origin.close_at_once):
                with Origin(saying(answer, then=end), context) as scripted:
                    body, said = origin.fetch(scripted.url, status=56)
                ended = context is None or end is origin.close_in_order
                code = 'answer.cut_short' if ended else 'tls_record.truncated'
                assert f' code={code} ' in said and ' phase=response ' in said, said
                assert b'half'.startswith(body), body
                with Origin(saying(answer, then=end), context) as scripted:
                    told, = facts(scripted.url, status=56)
                assert not told['complete'] and told['error']['code'] == code, told


@tap.case('RS-07: more fields than are taken, trailers among them, are refused')
def fields():
    trailers = b'0\r\n' + b'a: b\r\n' * 200 + b'\r\n'
    with Origin(saying(CHUNKED + trailers, then=origin.until_it_leaves)) as scripted:
        _, said = origin.fetch(scripted.url, status=56)
    assert ' code=answer.head_too_large ' in said, said


# ------------------------------------------------------------------- what is said of it
@tap.case('fetch: --json tells of a failure what its line tells, in one object')
def told():
    port = origin.free_port()
    one, = facts(f'http://127.0.0.1:{port}/', status=7)
    assert one['error']['code'] == 'connect.refused' and one['error']['origin'] == 'peer', one
    assert one['phase'] == 'connect' and 'status' not in one and one['tls'] is None, one


@tap.case('fetch: of several calls the first that failed says how the program exits')
def first_failure():
    with Origin(saying(LENGTH + b'half', then=origin.close_at_once)) as scripted:
        told = facts('--repeat', '3', scripted.url, status=56)
    assert [one['error']['code'] for one in told] == ['answer.cut_short'] * 3, told


@tap.case('fetch: a file that cannot be read or written is named, exit 78')
def files():
    of_trust = (('--cert', '/nonexistent', '--key', '/nonexistent'), ('--crl', '/nonexistent'),
                ('--cacert', '/nonexistent'), ('--extra-cacert', '/nonexistent'))
    of_bodies = (('--data', '@/nonexistent'), ('--data', f'@{FOLDER}'), ('-o', '/nonexistent/file'))
    with Origin(saying(OK)) as scripted:
        for url, group in (('https://localhost/', of_trust), (scripted.url, of_bodies)):
            for flags in group:
                said = origin.fetch(*flags, url, status=78, trust=None)[1]
                assert flags[1].lstrip('@') in said, (flags, said)


tap.run()
