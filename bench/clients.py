"""The clients that are compared: how each is told to ask the same, and what it says of it."""
import dataclasses
import os
import pathlib
import re
import resource
import subprocess
import sys

import servers as started

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / 'build/release'
NAMES = ('ringfort', 'curl', 'undici', 'node', 'wrk')
PARALLEL = 64


def command(name, url, seconds, authority):
    """The command line of a client that asks for a time, PARALLEL calls at once. All but wrk, which
    verifies nobody, believe `authority` alone."""
    if name == 'wrk':
        return ['wrk', '-t1', f'-c{PARALLEL}', f'-d{seconds}s', url]
    program = {'ringfort': [BUILD / 'bench/client'], 'curl': [BUILD / 'bench/curl_multi'],
               'node': ['node', ROOT / 'bench/node_client.js', 'agent'],
               'undici': ['node', ROOT / 'bench/node_client.js', 'undici']}[name]
    return [*map(str, program), url, str(seconds), str(PARALLEL), str(authority)]


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run came to: the client's and the server's CPU time, user and kernel."""
    requests: int
    seconds: float
    client_ns: float
    server_ns: float

    def __sub__(self, other):
        return Run(*(mine - its for mine, its in
                     zip(dataclasses.astuple(self), dataclasses.astuple(other))))

    def figures(self):
        return {'cost': self.client_ns / self.requests, 'rate': self.requests / self.seconds,
                'server_cost': self.server_ns / self.requests,
                'client_busy': self.client_ns / self.seconds / 1e9,
                'server_busy': self.server_ns / self.seconds / 1e9}


def asked(said):
    """Requests and seconds; None unless every answer was the right one, on PARALLEL connections."""
    done = re.search(r'(\d+) requests in ([\d.]+) ?s', said)
    good = (f' 0 errors, {PARALLEL} connections' in said or
            'Requests/sec' in said and 'Socket errors' not in said and 'Non-2xx' not in said)
    return (int(done[1]), float(done[2])) if done and good else None


def run(name, url, seconds, authority, server):
    """One run of a client on CPU 1 against `server`, which is a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN), started.cpu_ns(server.pid)
    done = subprocess.run(['taskset', '-c', str(started.CLIENT_CPU),
                           *command(name, url, seconds, authority)], capture_output=True, text=True,
                          env={**os.environ, 'NODE_PATH': '/usr/share/nodejs'})
    spent, server_ns = resource.getrusage(resource.RUSAGE_CHILDREN), started.cpu_ns(server.pid)
    counted = asked(done.stdout)
    if counted is None:
        sys.exit(f'bench: {name}: {url}: {done.stdout}{done.stderr}')
    client_s = spent.ru_utime + spent.ru_stime - before[0].ru_utime - before[0].ru_stime
    return Run(*counted, client_s * 1e9, server_ns - before[1])
