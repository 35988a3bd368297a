"""Hosts of a test's own: network namespaces on one bridge, which are gone with the block."""
import contextlib
import ctypes
import os
import pathlib
import re
import socket
import subprocess

import server
import tap

CLONE_NEWNET = 0x40000000
PREFIX = 'ringfort-test'
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    done = subprocess.run(['ip', *words], capture_output=True, text=True,
                          timeout=server.PATIENCE_S)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def enter(namespace):
    """Concerns the calling thread alone."""
    if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


class Host:
    def __init__(self, name, address):
        self.name, self.address = name, address

    def command(self, *words):
        """What runs a program there. It becomes that program: its process stays the same."""
        return ('ip', 'netns', 'exec', self.name, *map(str, words))

    def connect(self, host, port):
        """A connection from there to another host."""
        with open('/proc/thread-self/ns/net') as ours, open(f'/run/netns/{self.name}') as theirs:
            enter(theirs)
            try:
                raw = socket.socket()
            finally:
                enter(ours)
        # Else what a client says after its handshake may wait for an acknowledgement of that.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(server.PATIENCE_S)
        try:
            raw.connect((host.address, port))
        except OSError:
            raw.close()
            raise
        return raw

    def reaches(self, host, port):
        """Whether somebody listens there, be it one whose process has just been killed."""
        try:
            self.connect(host, port).close()
        except ConnectionRefusedError:
            return False
        except ConnectionResetError:
            pass  # The kernel takes it away.
        return True

    def wait_for(self, host, port):
        server.wait_until(lambda: self.reaches(host, port))


def forget_the_dead():
    """A test that was killed took nothing down."""
    for name in re.findall(rf'^{PREFIX}\d+-\w+', ip('netns', 'list'), re.M):
        if not pathlib.Path('/proc', re.search(r'\d+', name)[0]).exists():
            with contextlib.suppress(OSError):  # Another test may do the same.
                ip('netns', 'del', name)


def add(name, gone):
    full = f'{PREFIX}{os.getpid()}-{name}'
    ip('netns', 'add', full)
    gone.callback(ip, 'netns', 'del', full)
    ip('-n', full, 'link', 'set', 'lo', 'up')
    return full


def build(addresses, gone):
    forget_the_dead()
    # The bridge has a namespace too: no rule of this machine's applies to what passes it.
    switch = add('switch', gone)
    ip('-n', switch, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', switch, 'link', 'set', 'dev', 'bridge', 'up')
    for name, address in addresses.items():
        host = Host(add(name, gone), address)
        ip('-n', host.name, 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', name,
           'netns', switch)
        ip('-n', switch, 'link', 'set', 'dev', name, 'master', 'bridge', 'up')
        ip('-n', host.name, 'address', 'add', f'{address}/24', 'dev', 'uplink')
        ip('-n', host.name, 'link', 'set', 'dev', 'uplink', 'up')
        yield host


@contextlib.contextmanager
def network(**addresses):
    """The hosts, in their order; their addresses are of one /24."""
    with contextlib.ExitStack() as gone:
        try:
            hosts = list(build(addresses, gone))
        except OSError as why:
            raise tap.Skip(f'no network namespaces can be made here: {why}') from why
        yield hosts
