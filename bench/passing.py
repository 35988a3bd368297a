"""Proxies that pass TLS through unopened, as they are compared: how each is told, and what it costs
between the two ends of bench/passing_ends.py."""
import contextlib
import json
import os
import subprocess
import sys

import peers
import servers as started

PROXY_CPU, ENDS_CPU = 1, 0
BAR = 1.00  # of HAProxy's throughput, at least
NAMES = ('ringfort', 'haproxy', 'haproxy-auto', 'haproxy-splice', 'nginx')
# What HAProxy is told of splice(2), which moves bytes without a copy: nothing, to use it where it
# sees fit, to use it always.
SPLICE = {'haproxy': '', 'haproxy-auto': 'option splice-auto',
          'haproxy-splice': 'option splice-request\n  option splice-response'}
CASES = {'download': ('download', 1), 'upload': ('upload', 1), 'downloads': ('download', None),
         'uploads': ('upload', None), 'short': ('short', None)}  # None: as many as the options say
MIB = 2**20
END_TIMEOUT_S = 30  # for what is under way when the time is over
CPU_TIME = 'ns of CPU time'
INSIDE = 'RINGFORT_BENCH_NETWORK'  # the process that has a network of its own

# All read the hello, as a proxy does that has more than one server behind it.
HAPROXY = """
global
  nbthread 1
  maxconn 4096
  no strict-limits
defaults
  mode tcp
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  {splice}
frontend hellos
  bind 127.0.0.1:{port} backlog 4096
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  default_backend behind
backend behind
  server one 127.0.0.1:{back}
"""
NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; master_process off; worker_processes 1; user root;
error_log {folder}/nginx.log; pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
stream {{
  server {{
    listen 127.0.0.1:{port} backlog=4096; ssl_preread on; proxy_pass 127.0.0.1:{back};
  }}
}}
"""


def command(name, folder, port, back, options):
    if name == 'ringfort':
        return [options.program or str(peers.BUILD / 'ringfort'), 'proxy', '--shards', '1',
                '--listen', f'127.0.0.1:{port}', '--passthrough', f'127.0.0.1:{back}',
                *options.flags.split()]
    path = folder / name
    template = NGINX if name == 'nginx' else HAPROXY
    path.write_text(template.format(folder=folder, port=port, back=back,
                                    splice=SPLICE.get(name)))
    return ['nginx', '-c', str(path)] if name == 'nginx' else ['haproxy', '-db', '-f', str(path)]


def pinned(cpu, command_line, options):
    return ['nice', '-n', str(options.nice), 'taskset', '-c', str(cpu), *command_line]


def end(*words):
    return [sys.executable, str(peers.ROOT / 'bench/passing_ends.py'), *map(str, words)]


class Running:
    """The back and each of the proxies before it, until the end."""

    def __init__(self, names, folder, options):
        self.options, self.processes, self.ports = options, {}, {}
        back, *ports = started.free_ports(1 + len(names))
        commands = {'back': (back, pinned(ENDS_CPU, end('back', back), options))}
        for name, port in zip(names, ports):
            line = command(name, folder, port, back, options)
            commands[name] = port, pinned(PROXY_CPU, line, options)
        with contextlib.ExitStack() as undo:
            undo.callback(self.kill)
            for name, (port, line) in commands.items():
                self.processes[name], self.ports[name] = subprocess.Popen(
                    line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True), port
                started.wait_for(port, self.processes[name], name)
            undo.pop_all()

    def kill(self):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def measure(self, name, case, counted):
        """One run: what was passed in a second, and what a MiB, or a short connection, costs."""
        kind, at_once = CASES[case]
        front = end('front', self.ports[name], kind, at_once or self.options.at_once,
                    self.options.seconds)
        proxy, back = (self.processes[one].pid for one in (name, 'back'))
        spending, busy, back_busy = (started.Spending(*of) for of in (
            (proxy, counted), (proxy, CPU_TIME), (back, CPU_TIME)))
        try:
            done = subprocess.run(pinned(ENDS_CPU, front, self.options), capture_output=True,
                                  text=True, timeout=self.options.seconds + END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            sys.exit(f'bench-passthrough: {name}: {case}: it does not end')
        spent, proxy_ns, back_ns = spending.spent(), busy.spent(), back_busy.spent()
        if done.returncode:
            sys.exit(f'bench-passthrough: {name}: {case}: {done.stderr}')
        told = json.loads(done.stdout)
        amount = told['connections'] if kind == 'short' else told['bytes'] / MIB
        return {'rate': amount / told['seconds'], 'cost': spent / amount,
                'busy': proxy_ns / 1e9 / told['seconds'],
                'ends_busy': (back_ns / 1e9 + told['cpu_s']) / told['seconds']}


def enter_network(mtu):
    """Starts this program again in a network of its own: its loopback has an MTU of its own, and
    TCP's window alone says how fast a sender is. The kernel's default may be BBR, which paces."""
    if os.environ.get(INSIDE) != str(os.getpid()):
        user = ['--map-root-user'] * (os.geteuid() != 0)
        os.execvpe('unshare', ['unshare', '--net', *user, sys.executable, *sys.argv],
                   {**os.environ, INSIDE: str(os.getpid())})
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', str(mtu), 'up'], check=True)
    with open('/proc/sys/net/ipv4/tcp_congestion_control', 'w', encoding='ascii') as file:
        file.write('reno')
