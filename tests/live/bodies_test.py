"""Large bodies both ways through the echo, byte for byte, in bounded memory."""
import hashlib
import pathlib
import socket
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

PIECE_BYTES = 65536  # what curl reads from its file and sends at a time
MIB = 1 << 20
POOLS_BYTES = 64 * MIB  # after so many, each of the server's buffers has been used once


def pieces_of(total_bytes):
    """Bytes that differ from piece to piece."""
    seed = bytes(range(251)) * (PIECE_BYTES // 251 + 2)
    for number in range(total_bytes // PIECE_BYTES):
        start = number % 251
        yield number.to_bytes(8, 'big') + seed[start:start + PIECE_BYTES - 8]


def echo(serving, total_bytes, chunked=False):
    """curl sends and receives at the same time; the two digests must be the same."""
    sent, received = hashlib.sha256(), hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        up, down = pathlib.Path(folder) / 'up', pathlib.Path(folder) / 'down'
        with up.open('wb') as file:
            for piece in pieces_of(total_bytes):
                sent.update(piece)
                file.write(piece)
        framing = ['-H', 'transfer-encoding: chunked'] if chunked else []
        status = server.run('curl', '-s', '--cacert', server.certificates() / 'ca.pem', '-T', up,
                            '-X', 'POST', '-H', 'expect:', *framing, '-o', down, '-w',
                            '%{http_code}', serving.url)
        assert status == '200', status
        assert down.stat().st_size == total_bytes
        with down.open('rb') as file:
            while piece := file.read(MIB):
                received.update(piece)
    assert sent.hexdigest() == received.hexdigest()


def peak_growth(serving, action):
    """By how much the most memory ever resident grows, once every buffer has been used."""
    echo(serving, POOLS_BYTES)
    warm = serving.memory_bytes('VmHWM')
    action()
    return serving.memory_bytes('VmHWM') - warm


@tap.case('RF-11: 1 MiB comes back byte for byte over TLS, by length and chunked')
def one_mib():
    with server.Server('--handler', 'echo') as serving:
        echo(serving, MIB)
        echo(serving, MIB, chunked=True)


@tap.case('bodies: 100 MiB comes back byte for byte over TLS, and memory stays flat')
def hundred_mib():
    with server.Server('--handler', 'echo') as serving:
        grown = peak_growth(serving, lambda: echo(serving, 100 * MIB))
        assert grown < MIB, f'grew by {grown} bytes'


@tap.case('bodies: 100 MiB in chunks comes back byte for byte in clear text')
def hundred_mib_plain():
    with server.Server('--handler', 'echo', plain=True) as serving:
        echo(serving, 100 * MIB, chunked=True)


def pour(serving):
    """Sends what it can to the echo without reading; the kernel says when nobody takes more."""
    connection = serving.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    connection.sendall(b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n' % (1 << 30))
    connection.settimeout(1)
    taken = 0
    try:
        while taken < 1 << 30:
            taken += connection.send(bytes(PIECE_BYTES))
    except TimeoutError:
        pass
    connection.close()
    assert taken < 64 * MIB, f'{taken} bytes were taken from a client that reads nothing'


@tap.case('RF-12: a client that reads nothing is not read from any more, at its credits')
def backpressure():
    with server.Server('--handler', 'echo', plain=True) as serving:
        grown = peak_growth(serving, lambda: pour(serving))
        assert grown < MIB, f'grew by {grown} bytes'


@tap.case('bodies: 256 MiB from the source arrive whole')
def source():
    with server.Server('--handler', 'source') as serving:
        total = 256 * MIB
        text = server.run('curl', '-s', '--cacert', server.certificates() / 'ca.pem', '-o',
                          '/dev/null', '-w', '%{http_code} %{size_download}',
                          f'{serving.url}/{total}')
        assert text == f'200 {total}', text


@tap.case('LM-08: 64 MiB into the sink are counted: a body has no limit of its own')
def sink():
    with server.Server('--handler', 'sink') as serving, serving.connect() as connection:
        total = 64 * MIB
        connection.sendall(f'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {total}\r\n'
                           'connection: close\r\n\r\n'.encode())
        for piece in pieces_of(total):
            connection.sendall(piece)
        answer = server.read_to_end(connection)
        assert str(total).encode() in answer.partition(b'\r\n\r\n')[2], answer


tap.run()
