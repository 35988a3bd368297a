"""What slow clients do to a server: the attacks of scripts/bench-slow, and the good clients beside
them."""
import csv
import dataclasses
import json
import os
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time

FILES = {'small': 13, 'page': 64 * 1024, 'large': 16 * 1024 * 1024}  # of the folder www, in bytes
NEWCOMER_INTERVAL_S = 0.1

# The answers of wrk's own clock, in microseconds. With a pace each connection waits before it asks.
LUA = """
local pace_ms = tonumber(os.getenv('PACE_MS'))
if pace_ms > 0 then
  function delay() return math.random(math.ceil(pace_ms / 2), math.floor(pace_ms * 3 / 2)) end
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"p50_ms": %.4f, "p99_ms": %.4f, "max_ms": %.4f, "requests": %d, '
      .. '"seconds": %.4f, "failed": %d}\\n', latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3, summary.requests, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclasses.dataclass(frozen=True)
class Attack:
    what: str
    tool: tuple  # flags of slowhttptest; none: bench/slow_hello.py
    handler: tuple  # flags of ringfort serve; {folder} is where www is
    good: str  # the target of good clients
    target: str  # the attackers'
    passing: bool = False  # its connections come and go at the rate, instead of staying

    def count(self, options, seconds):
        return int(options.rate * seconds) if self.passing else options.connections


FILE_ROOT = ('--root', '{folder}/www')
ATTACKS = {
    'headers': Attack('a head that goes on, field by field (slowloris)',
                      ('-H', '-i', '1', '-x', '10'), ('--handler', 'hello'), '/', '/'),
    'body': Attack('a body that comes in a few bytes a second',
                   ('-B', '-i', '1', '-x', '10', '-s', '65536'), ('--handler', 'sink'), '/', '/'),
    'read': Attack('an answer that is taken 32 bytes a second, through a small window',
                   ('-X', '-n', '1', '-z', '32', '-w', '512', '-y', '1024'), FILE_ROOT, '/small',
                   '/large'),
    'range': Attack('2,000 ranges of one file, which overlap', ('-R', '-t', 'GET', '-b', '2000'),
                    FILE_ROOT, '/small', '/page', passing=True),
    'handshake': Attack('a hello that comes a byte at a time', (), ('--handler', 'hello'), '/', ''),
}


def make_files(folder, text):
    (folder / 'www').mkdir()
    for name, length in FILES.items():
        (folder / 'www' / name).write_bytes(text.encode().ljust(length, b'.'))


class Running:
    """An attack under way, again and again until the `with` block is left."""

    def __init__(self, attack, port, folder, options, seconds):
        self.attack, self.port, self.folder, self.options = attack, port, folder, options
        self.end = time.monotonic() + seconds
        self.told = {'opened': 0, 'ended': 0, 'unavailable_s': 0}
        self.process, self.over, self.failure = None, threading.Event(), None
        self.thread = threading.Thread(target=self.repeat)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.process is not None:
            self.process.terminate()
        self.thread.join()
        if self.failure:
            sys.exit(f'bench-slow: the attack ended: {self.failure}')

    def repeat(self):
        while not self.over.is_set() and (left := self.end - time.monotonic()) > 1:
            self.process = subprocess.Popen(self.command(round(left)), text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            said = self.process.communicate()[0]
            self.add(json.loads(said or '{}') if not self.attack.tool else self.statistics())
            if self.process.returncode and not self.over.is_set():
                self.failure = said[-2000:]
                return

    def command(self, seconds):
        options, count = self.options, self.attack.count(self.options, seconds)
        if not self.attack.tool:
            program = pathlib.Path(__file__).with_name('slow_hello.py')
            arguments = (self.port, count, options.hello_ms, seconds)
            return [sys.executable, str(program), *map(str, arguments)]
        return ['slowhttptest', *self.attack.tool, '-c', str(count), '-r', str(options.rate), '-l',
                str(seconds), '-g', '-o', str(self.folder / 'attack'), '-u',
                f'https://localhost:{self.port}{self.attack.target}']

    def statistics(self):
        """Of slowhttptest's account of each second."""
        path = self.folder / 'attack.csv'
        if not path.exists():
            return {}
        rows = list(csv.DictReader(path.open()))
        path.unlink()
        ended, connected = (max(int(row[name]) for row in rows) for name in ('Closed', 'Connected'))
        last = rows[-1]
        return {'opened': max(int(last['Closed']) + int(last['Connected']), connected),
                'ended': ended,
                'unavailable_s': sum(row['Service Available'] == '0' for row in rows)}

    def add(self, told):
        for name in self.told:
            self.told[name] += told.get(name, 0)


class Newcomers(threading.Thread):
    """Clients that connect anew, some ten in a second, shake hands, ask once and leave."""

    def __init__(self, port, target, authority):
        super().__init__()
        self.address, self.authority = ('127.0.0.1', port), authority
        self.request = f'GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
        self.times_ms, self.failed, self.over = [], 0, threading.Event()

    def run(self):
        context = ssl.create_default_context(cafile=self.authority)
        while not self.over.wait(NEWCOMER_INTERVAL_S):
            began = time.monotonic()
            try:
                raw = socket.create_connection(self.address, 10)
                with context.wrap_socket(raw, server_hostname='localhost') as connection:
                    connection.sendall(self.request.encode())
                    self.failed += not connection.recv(4096).startswith(b'HTTP/1.1 200 ')
            except OSError:
                self.failed += 1
            self.times_ms.append((time.monotonic() - began) * 1e3)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def told(self):
        return {'count': len(self.times_ms), 'failed': self.failed,
                'p50_ms': statistics.median(self.times_ms), 'max_ms': max(self.times_ms)}


def good_clients(port, target, folder, terms, options, environment):
    """What wrk measured, and newcomers beside it."""
    script = folder / 'good.lua'
    script.write_text(LUA)
    with Newcomers(port, target, terms.authority) as newcomers:
        done = subprocess.run(
            ['wrk', '-t1', f'-c{options.good}', f'-d{options.seconds}s', '-s', str(script),
             f'https://localhost:{port}{target}'], capture_output=True, text=True,
            env={**environment, 'PACE_MS': str(options.pace_ms)}, timeout=options.seconds + 60)
    line = next((line for line in done.stdout.splitlines() if line.startswith('RESULT ')), None)
    if line is None:
        sys.exit(f'bench-slow: wrk: {done.stdout}{done.stderr}')
    result = json.loads(line.removeprefix('RESULT '))
    result['requests_per_s'] = result['requests'] / result['seconds']
    return {**result, 'newcomers': newcomers.told()}


def pin_clients(cpu):
    """Of this process and its children."""
    os.sched_setaffinity(0, {cpu})
