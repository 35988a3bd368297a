"""What lies under deploy/, as the programs that read it see it, and what else has to hold of it."""
import errno
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

DEPLOY = server.ROOT / 'deploy'
MANIFEST = (DEPLOY / 'kubernetes/ringfort.yaml').read_text()
UNIT = (DEPLOY / 'systemd/ringfort.service').read_text()
NEEDED = ('io_uring_setup', 'io_uring_enter', 'io_uring_register', 'vfork', 'execve',
          'memfd_create', 'pidfd_open', 'close_range', 'sched_setaffinity', 'inotify_init1',
          'eventfd2', 'prlimit64', 'openat2', 'accept4', 'setsockopt', 'rt_sigtimedwait')

# New namespaces, the memory of other processes, and the kernel itself.
REFUSED = {'ptrace', 'mount', 'bpf', 'init_module', 'unshare', 'setns', 'clone', 'clone3',
           'userfaultfd', 'kcmp', 'process_vm_readv', 'process_vm_writev', 'process_madvise',
           'move_pages', 'migrate_pages'}
NAMESPACES = 0x7E020000  # CLONE_NEW*, but for CLONE_NEWTIME


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f'{program} is not here')


def values(text, name):
    """Of each line NAME=VALUE, without its continuations."""
    return re.findall(rf'^{name}=(.*)$', text, re.M)


def seconds(text):
    return int(re.fullmatch(r'(\d+)s', text)[1])


def check_flags(command):
    """The program knows each flag; what they name need not be here."""
    flags = [word.partition('=')[0] for word in command if word.startswith('--')]
    assert flags
    known = server.run(server.PROGRAM, command[0], '--help')
    for flag in flags:
        assert re.search(rf'^  (?:-\w,)?{flag}\b', known, re.M), f'{command[0]} has no {flag}'


def verify_units(folder):
    """What systemd-analyze says of the units in a folder; nothing when all is well."""
    done = subprocess.run(['systemd-analyze', 'verify', *sorted(folder.iterdir())],
                          capture_output=True, text=True, timeout=server.PATIENCE_S)
    # Units of the machine's own are read too, and are not ours to judge.
    return [line for line in (done.stdout + done.stderr).splitlines() if 'ringfort' in line]


@tap.case('deploy: systemd takes both units without a word, and notices a wrong one')
def systemd():
    need('systemd-analyze')
    with tempfile.TemporaryDirectory() as folder:
        for unit in (DEPLOY / 'systemd').iterdir():
            # Verifying looks for the program, which is not installed here.
            text = unit.read_text().replace('/usr/bin/ringfort', str(server.PROGRAM))
            (pathlib.Path(folder) / unit.name).write_text(text)
        assert verify_units(pathlib.Path(folder)) == []
        wrong = pathlib.Path(folder) / 'ringfort.service'
        wrong.write_text(wrong.read_text().replace('Type=notify', 'Type=nonsense'))
        assert verify_units(pathlib.Path(folder))


@tap.case('deploy: the unit\'s flags are the program\'s, and its times leave each other room')
def unit_fields():
    command = ' '.join(values(UNIT.replace('\\\n', ' '), 'ExecStart')).split()[1:]
    check_flags(command)
    drain = seconds(command[command.index('--drain-timeout') + 1])
    assert seconds(values(UNIT, 'TimeoutStopSec')[0]) > 2 * drain
    name = command[command.index('--listen') + 1].removeprefix('systemd:')
    assert values((DEPLOY / 'systemd/ringfort.socket').read_text(), 'FileDescriptorName') == [name]
    for line in ('Type=notify', 'NotifyAccess=main', 'NoNewPrivileges=yes', 'ProtectSystem=strict',
                 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE', 'LimitMEMLOCK=infinity',
                 'ExecReload=/bin/kill -HUP $MAINPID', 'KillMode=control-group'):
        assert line in UNIT.splitlines(), line


@tap.case('deploy: the unit\'s system calls, by systemd\'s own sets, are those that are needed')
def system_calls():
    need('systemd-analyze')
    text = server.run('systemd-analyze', 'syscall-filter')
    sets = {}
    for line in text.splitlines():
        if line.startswith('@'):
            members = sets.setdefault(line.strip(), [])
        elif line.startswith('    '):
            members.append(line.strip())

    def expand(names):
        for name in names:
            yield from expand(sets[name]) if name.startswith('@') else (name,)

    allowed = set(expand(' '.join(values(UNIT, 'SystemCallFilter')).split()))
    assert not set(NEEDED) - allowed, set(NEEDED) - allowed


@tap.case('deploy: HAProxy takes its configuration, which sends the PROXY protocol and checks TLS')
def haproxy():
    need('haproxy')
    path = DEPLOY / 'haproxy/haproxy.cfg'
    server.run('haproxy', '-c', '-f', path)
    text = path.read_text()
    for words in ('mode tcp', 'send-proxy-v2', 'http-check connect ssl', 'verify required'):
        assert words in text, words
    assert len(re.findall(r'^\s+server ringfort-', text, re.M)) == 2


@tap.case('deploy: nginx takes its configuration, which passes TCP through with the PROXY protocol')
def nginx():
    need('nginx')
    path = DEPLOY / 'nginx/nginx.conf'
    done = subprocess.run(['nginx', '-t', '-c', path], capture_output=True, text=True, timeout=60)
    if 'unknown directive "stream"' in done.stderr:
        raise tap.Skip('libnginx-mod-stream is not here')
    assert done.returncode == 0, done.stderr
    assert 'proxy_protocol on;' in path.read_text()


@tap.case('deploy: keepalived takes its configuration')
def keepalived():
    need('keepalived')
    server.run('keepalived', '--config-test', '-f', DEPLOY / 'keepalived/keepalived.conf')


def documents():
    if yaml is None:
        raise tap.Skip('python3-yaml is not here')
    found = list(yaml.safe_load_all(MANIFEST))
    return {each['kind']: each for each in found}


@tap.case('deploy: Kubernetes\' probes, drain, secrets and disruption budget fit each other')
def kubernetes():
    kinds = documents()
    spec = kinds['Deployment']['spec']
    pod = spec['template']['spec']
    container, = pod['containers']
    arguments = dict(each.removeprefix('--').partition('=')[::2] for each in container['args'])
    check_flags(['serve', *container['args']])
    check_flags(container['readinessProbe']['exec']['command'][1:])
    rest = container['lifecycle']['preStop']['sleep']['seconds']
    drain = seconds(arguments['drain-timeout'])
    assert pod['terminationGracePeriodSeconds'] >= rest + drain + 5
    probe = container['readinessProbe']
    assert rest >= probe['periodSeconds'], 'endpoints hear later than preStop waits'
    assert probe['exec']['command'][-1].startswith('https://')
    assert '--insecure' not in probe['exec']['command']
    mounts = {each['mountPath']: each for each in container['volumeMounts']}
    for flag in ('cert', 'key', 'ticket-keys'):
        mount = mounts[str(pathlib.Path(arguments[flag]).parent)]
        assert mount['readOnly'] and 'subPath' not in mount
    assert 'watch' in arguments
    secrets = {each['secret']['secretName'] for each in pod['volumes'] if 'secret' in each}
    assert secrets == {'ringfort-certificate', 'ringfort-ticket-keys'}
    authorities = {each['configMap']['name'] for each in pod['volumes'] if 'configMap' in each}
    header = MANIFEST.partition('\napiVersion:')[0]
    created = re.findall(r' create (?:secret \w+|configmap) (\S+)', header)
    assert secrets | authorities == set(created), created
    assert kinds['PodDisruptionBudget']['spec']['selector'] == spec['selector']
    assert kinds['Service']['spec']['selector'] == spec['selector']['matchLabels']
    assert kinds['Service']['spec']['externalTrafficPolicy'] == 'Local'


@tap.case('deploy: a pod runs without root, and with a profile that allows io_uring')
def seccomp():
    pod = documents()['Deployment']['spec']['template']['spec']
    container, = pod['containers']
    assert pod['securityContext']['runAsNonRoot']
    assert pod['securityContext']['seccompProfile']['type'] == 'Localhost'
    assert container['securityContext']['capabilities'] == {'drop': ['ALL']}
    assert not container['securityContext']['allowPrivilegeEscalation']
    profile = json.loads((DEPLOY / 'kubernetes/seccomp.json').read_text())
    assert profile['defaultAction'] == 'SCMP_ACT_ERRNO'
    allowed = {name for rule in profile['syscalls'] for name in rule['names']
               if rule['action'] == 'SCMP_ACT_ALLOW' and 'args' not in rule}
    assert not set(NEEDED) - allowed, set(NEEDED) - allowed
    refused = REFUSED & allowed
    assert not refused, refused
    clone, = [rule for rule in profile['syscalls'] if 'clone' in rule['names']]
    assert clone['args'] == [{'index': 0, 'value': NAMESPACES, 'valueTwo': 0,
                              'op': 'SCMP_CMP_MASKED_EQ'}]
    # Its flags lie in memory, where no filter sees them: the C library tries clone instead.
    clone3, = [rule for rule in profile['syscalls'] if 'clone3' in rule['names']]
    assert (clone3['action'], clone3['errnoRet']) == ('SCMP_ACT_ERRNO', errno.ENOSYS)


@tap.case('deploy: a pod\'s memory is no more than its limit, by docs/memory.md')
def memory():
    container, = documents()['Deployment']['spec']['template']['spec']['containers']
    arguments = dict(each.removeprefix('--').partition('=')[::2] for each in container['args'])
    limit_mib = int(container['resources']['limits']['memory'].removesuffix('Mi'))
    shard_mib = int(arguments['memory-max'].removesuffix('M'))
    assert int(arguments['shards']) * shard_mib <= limit_mib
    settings = [each for each in container['args']
                if re.match(r'--(shards|memory-max|connections-max|blocks)=', each)]
    server.run(server.PROGRAM, 'serve', '--plain', '--check', *settings)


tap.run()
