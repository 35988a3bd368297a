"""Load from wrk and h2load, and ten thousand connections one after another: nothing is lost, and
nothing stays behind."""
import concurrent.futures
import re
import socket
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

CYCLES = 10_000


def wrk(serving, seconds):
    text = server.run('wrk', '-t1', '-c64', f'-d{seconds}s', serving.url)
    assert 'Socket errors' not in text and 'Non-2xx' not in text, text
    requests = int(re.search(r'(\d+) requests in', text)[1])
    assert requests > 0, text
    return requests


@tap.case('load: wrk with 64 connections for 10 s over TLS sees no error')
def wrk_tls():
    with server.Server('--handler', 'hello') as serving:
        requests = wrk(serving, 10)
        serving.stop()
        assert serving.metric('responses_total') >= requests
        faults = serving.faults()
        # wrk first connects once without a handshake, and leaves without waiting for answers.
        assert faults.pop('tls_handshake.peer_closed', 0) <= 1
        assert set(faults) <= {'response_stream.peer_closed', 'tls_record.truncated'}, faults


@tap.case('load: wrk with 64 connections for 5 s in clear text sees no error')
def wrk_plain():
    with server.Server('--handler', 'hello', plain=True) as serving:
        wrk(serving, 5)


@tap.case('load: h2load over HTTP/1.1 gets 100,000 whole answers')
def h2load():
    with server.Server('--handler', 'hello', shards=2) as serving:
        text = server.run('h2load', '--h1', '-n', 100_000, '-c', 64, '-t', 1, serving.url)
        assert '100000 succeeded, 0 failed, 0 errored, 0 timeout' in text, text
        # The body alone: 13 bytes each.
        assert re.search(r'\(1300000\) data', text), text


def cycle(serving, count):
    """Connections that shake hands, ask or not, and leave in one of four ways."""
    context = server.client_context()
    for number in range(count):
        connection = serving.connect(context)
        if number % 4 == 0:
            connection.sendall(b'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
            assert connection.recv(16) == b'HTTP/1.1 200 OK\r'
        if number % 4 == 1:
            connection.shutdown(socket.SHUT_WR)
            server.read_to_end(connection)
        if number % 4 == 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        connection.close()


def run_cycles(count):
    """What is allocated at the end of a server that saw so many connections."""
    with server.Server('--handler', 'hello') as serving:
        before = serving.descriptors()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(cycle, serving, count // 4) for _ in range(4)]:
                done.result()
        serving.wait_for_descriptors(before)
        serving.stop()
        assert serving.metric('connections_open') == 0
        assert serving.metric('blocks_in_use') == 0
        assert serving.metric('handshakes_full_total') >= count
        return serving.allocated_bytes()


@tap.case('load: 10,000 handshakes and closes leave no descriptor and no memory behind')
def cycles():
    few, many = run_cycles(CYCLES // 10), run_cycles(CYCLES)
    assert many - few < 65536, f'{few} bytes after {CYCLES // 10}, {many} after {CYCLES}'


tap.run()
