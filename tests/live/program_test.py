"""The program itself: its flags, its first line, its exits, and the set-up commands around it."""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

FLAG = re.compile(r'^  (?:-\w,)?(--[\w-]+)', re.M)


def ringfort(*arguments):
    done = subprocess.run([server.PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def identity_flags():
    folder = server.certificates()
    return '--cert', folder / 'localhost.pem', '--key', folder / 'localhost.key'


def require(arguments, status, *texts):
    seen, out, err = ringfort(*arguments)
    assert seen == status, f'exit {seen}: {out}{err}'
    for text in texts:
        assert text in err, f'{text!r} is not in {err!r}'
    return err


@tap.case('program: its first line says address, shards, ring features and record layer, with why')
def first_line():
    with server.Server(shards=2) as serving:
        for text in ('ringfort serves https://127.0.0.1:', 'shards: 2', 'ring: Linux ',
                     'record layer: user ('):
            assert text in serving.first_line, serving.first_line


@tap.case('program: it listens on several addresses, and says each')
def several():
    with server.Server('--listen', '[::1]:0', '--handler', 'hello') as serving:
        ports = re.findall(r'https://\S+?:(\d+)[,;]', serving.first_line)
        assert len(ports) == 2, serving.first_line
        with socket.create_connection(('::1', int(ports[1])), server.PATIENCE_S):
            pass


@tap.case('program: every flag of serve is explained, with its default or range')
def every_flag():
    status, out, _ = ringfort('serve', '--help')
    assert status == 0
    flags = FLAG.findall(out)
    assert len(flags) > 25, flags
    for number in ('--shards', '--blocks', '--header-size-max', '--drain-timeout'):
        line, = [line for line in out.splitlines() if line.startswith(f'  {number} ')]
        assert re.search(r'\.\.\S+?(=| \[)\w', line), line


@tap.case('program: the exit statuses are in the help of each command, and in the README')
def exit_statuses():
    rows = re.findall(r'^\| (\d[\d, ]*) \|', (server.ROOT / 'README.md').read_text(), re.M)
    in_readme = ', '.join(rows).split(', ')
    for command in ((), ('serve',), ('proxy',), ('fetch',), ('check',), ('inspect',)):
        out = ringfort(*command, '--help')[1]
        told = re.findall(r'^  (\d+) +\w', out, re.M)
        assert told == in_readme and len(told) == 16, (command, told, in_readme)


@tap.case('SC-02: each range in the help is kept: a value outside is an error, exit 64')
def ranges():
    _, out, _ = ringfort('serve', '--help')
    rows = re.findall(r'^  (--[\w-]+) (N|SIZE|DURATION) (\S+?)\.\.([^\s=]+)', out, re.M)
    assert len(rows) > 15, rows
    units = {'N': '', 'SIZE': 'GiB', 'DURATION': 'h'}
    for flag, kind, _, _ in rows:
        require(['serve', '--plain', '--check', flag, f'99999999{units[kind]}'], 64, flag)
        require(['serve', '--plain', '--check', flag, 'many'], 64, flag)


@tap.case('program: a count that has to be a power of two, and is not, is refused with its flag')
def powers():
    for flag in ('--ring-entries', '--receive-buffers'):
        require(['serve', '--plain', '--check', flag, '1000'], 64, flag, "'1000'", 'power of two')
        require(['serve', '--plain', '--check', flag, '1024'], 0)


@tap.case('program: an unknown flag is an error that names the nearest one, exit 64')
def nearest_flag():
    require(['serve', '--plian'], 64, '--plian', '--plain')
    require(['serve', '--shard', '1'], 64, '--shards')
    require(['serve', '--plain', '--handler', 'ecko'], 64, 'ecko', 'echo')
    require(['sevre'], 64, 'sevre', 'serve')


@tap.case('program: --check validates everything and binds nothing')
def check_only():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        listen = f'127.0.0.1:{taken.getsockname()[1]}'
        require(['serve', '--check', '--listen', listen, *identity_flags()], 0)
    require(['serve', '--check', '--listen', 'nowhere', *identity_flags()], 64, 'nowhere')
    with tempfile.TemporaryDirectory() as folder:
        admin = os.path.join(folder, 'admin')
        require(['serve', '--check', '--admin', admin, *identity_flags()], 0)
        assert os.listdir(folder) == []
        pathlib.Path(admin).write_text('')
        require(['serve', '--check', '--admin', admin, *identity_flags()], 78, 'is no socket')
        require(['serve', '--plain', '--listen', '127.0.0.1:0', '--admin', admin], 78,
                'is no socket')
        for path, words in ((os.path.join(folder, 'none/admin'), 'No such file'),
                            ('a' * 108, '1 to 107 bytes')):
            require(['serve', '--check', '--admin', path, *identity_flags()], 78, words)
    require(['serve', '--check', '--cert', '/nonexistent', '--key', '/nonexistent'], 78,
            'tls_context.unreadable')


@tap.case('SC-04, SC-05, SC-12, SC-15: an identity or range that cannot serve is named, exit 78')
def bad_identity():
    folder = server.certificates()
    rsa_cert, rsa_key = server.rsa_identity()
    cert = folder / 'localhost.pem'
    require(['serve', '--cert', cert, '--key', rsa_key], 78, 'tls_context.key_mismatch')
    require(['serve', '--cert', cert, '--key', cert], 78, 'tls_context.key_unusable')
    with tempfile.NamedTemporaryFile('w') as junk:
        require(['serve', '--cert', junk.name, '--key', rsa_key], 78,
                'tls_context.empty_identity', junk.name)
        junk.write('junk')
        junk.flush()
        require(['serve', '--cert', junk.name, '--key', rsa_key], 78, 'tls_context.not_pem')
    require(['serve', '--groups', 'X25519:junk', *identity_flags()], 78,
            'tls_context.unknown_group')
    require(['serve', '--signatures', 'junk', *identity_flags()], 78,
            'tls_context.unknown_signature')
    require(['serve', '--tls-min', '1.3', '--tls-max', '1.2', '--cert', rsa_cert, '--key', rsa_key],
            78, 'tls_context.version_range')
    require(['serve', '--cert', rsa_cert], 64, '--key')
    require(['serve'], 64, '--cert', '--plain')


@tap.case('SC-23: a port in use is named, with what to do, exit 71')
def port_in_use():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        require(['serve', '--plain', '--listen', f'127.0.0.1:{port}'], 71,
                'listen.address_in_use', f'127.0.0.1:{port}', 'choose another port')


@tap.case('program: two on one port do not share it unseen')
def two_programs():
    with server.Server('--handler', 'hello', plain=True) as serving:
        require(['serve', '--plain', '--listen', f'127.0.0.1:{serving.port}'], 71,
                'listen.address_in_use')


@tap.case('program: check prints what this kernel can do')
def check_kernel():
    status, out, err = ringfort('check')
    assert status == 0, err
    for text in ('Linux ', 'defer_taskrun', 'record layer: user'):
        assert text in out, out
    assert ringfort('check', *identity_flags())[0] == 0


@tap.case('program: kernel records are used where the kernel has them, and refused by name, exit '
          '69, where not')
def kernel_records():
    found = ringfort('check')[1]
    assert found.count('kernel records, TLSv1.') == 6, found
    if ': yes' in found:
        with server.Server('--record-layer', 'kernel') as serving:
            assert 'record layer: kernel (' in serving.first_line, serving.first_line
    else:
        for flags in (('--listen', '127.0.0.1:0'), ('--check',)):
            err = require(['serve', *flags, '--record-layer', 'kernel', *identity_flags()], 69,
                          'tls_context.kernel_records_unavailable', 'Protocol not available')
            assert 'errno' not in err, err


@tap.case('program: io_uring refused is said with what to change, exit 69')
def ring_refused():
    # 425 is io_uring_setup; the wrapper denies it to the program that it becomes.
    wrapper = (
        'import ctypes, os, struct, sys\n'
        'def ins(code, jt, jf, k): return struct.pack("HBBI", code, jt, jf, k)\n'
        'program = ins(0x20, 0, 0, 0) + ins(0x15, 0, 1, 425) + ins(6, 0, 0, 0x50001)'
        ' + ins(6, 0, 0, 0x7fff0000)\n'
        'text = ctypes.create_string_buffer(program)\n'
        'class F(ctypes.Structure):\n'
        '    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]\n'
        'libc = ctypes.CDLL(None)\n'
        'assert libc.prctl(38, 1, 0, 0, 0) == 0\n'
        'assert libc.prctl(22, 2, ctypes.byref(F(4, ctypes.addressof(text)))) == 0\n'
        'os.execv(sys.argv[1], sys.argv[1:])\n')
    for arguments in (['serve', '--plain', '--listen', '127.0.0.1:0'], ['check']):
        done = subprocess.run([sys.executable, '-c', wrapper, server.PROGRAM, *arguments],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 69, done
        for text in ('ring.refused', 'kernel.io_uring_disabled=0', 'seccomp'):
            assert text in done.stderr, done.stderr


@tap.case('program: --root serves files, and nothing above them, and no dot files')
def root():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('.git/HEAD', '.well-known/security.txt'):
            os.makedirs(os.path.dirname(f'{folder}/{name}'))
            with open(f'{folder}/{name}', 'w') as file:
                file.write('text')
        with open(f'{folder}/page.html', 'w') as page:
            page.write('<p>a page</p>')
        with server.Server('--root', folder) as serving:
            assert serving.get('/page.html') == (200, b'<p>a page</p>')
            assert serving.get('/none.html')[0] == 404
            assert serving.get('/.git/HEAD')[0] == serving.get('/%2egit/HEAD')[0] == 404
            assert serving.get('/.well-known/security.txt') == (200, b'text')
            for target in ('/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd',
                           '/..%2f..%2fetc/passwd'):
                status, body = serving.get(target)
                assert status in (400, 403, 404) and b'root:' not in body, (target, status)


@tap.case('program: serve starts on the kept certificates a second time without making new ones')
def certificates_kept():
    folder = server.certificates()
    before = (folder / 'localhost.pem').read_bytes()
    server.run(server.ROOT / 'scripts/certificates', folder)
    assert (folder / 'localhost.pem').read_bytes() == before


tap.run()
