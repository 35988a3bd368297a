"""Counts a server's user instructions under valgrind. Each piece of work is done twice, the second
time twice as much of it, and the difference counts: what each begins with cancels."""
import collections
import re
import subprocess

import servers as started


class Counter:
    """One server under callgrind."""

    def __init__(self, name, terms):
        self.path = terms.folder / f'callgrind-{name}'
        wrapped = ['valgrind', '--tool=callgrind', f'--callgrind-out-file={self.path}']
        self.servers = started.Servers([name], terms, wrapped)
        self.process, self.port = self.servers.processes[name], self.servers.ports[name]
        self.dumps = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.__exit__()

    def dump(self):
        """The path of a profile of what was executed since the last one."""
        subprocess.run(['callgrind_control', '-d', str(self.process.pid)], check=True, timeout=120,
                       capture_output=True)
        self.dumps += 1
        return self.path.with_name(f'{self.path.name}.{self.dumps}')

    def per_unit(self, work, units):
        """Instructions for each unit of work, in all and by function. `work(port, units)` does it.
        """
        work(self.port, max(units // 4, 1))  # Warm.
        self.dump()
        work(self.port, units)
        once = self.dump()
        work(self.port, 2 * units)
        twice = self.dump()
        less, more = inclusive(once), inclusive(twice)
        functions = {name: (cost - less[name]) / units for name, cost in more.items()}
        return (total(twice) - total(once)) / units, functions


def total(path):
    return int(re.search(r'^(?:summary|totals): (\d+)', path.read_text(), re.M)[1])


def inclusive(path):
    """Instructions of each function and what it calls."""
    text = subprocess.run(['callgrind_annotate', '--inclusive=yes', '--threshold=100', path],
                          capture_output=True, text=True, check=True).stdout
    costs = collections.Counter()
    for cost, function in re.findall(r'^\s*([\d,]+) \([ \d.]+%\)\s+[^:]*:(.+?)(?: \[.*\])?$',
                                     text, re.M):
        costs[function] += int(cost.replace(',', ''))
    return costs
