"""KeyUpdates that the kernel follows (Linux 6.14 or newer): QEMU boots such a kernel on this
machine's own files, read only, and there tests/kernel/key_updates.py and record_layers.py run on
the program. Not among the tests that always run: scripts/test ktls-rekey."""
import lzma
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'scripts'), str(ROOT / 'tests/kernel')]
import emulator  # noqa: E402
import guest  # noqa: E402

KERNEL = ROOT / '.deps/kernel-rekey'
LIMIT_S = 1500  # two minutes on an idle machine, without kvm
# The host's files first, then records and their ciphers: nothing in the guest would load them.
MODULES = ('9p', '9pnet_virtio', 'tls', 'gcm', 'aesni_intel', 'crypto-chacha20',
           'chacha20poly1305')


def modules():
    """Their files in the order in which they are to be loaded, each after what it needs."""
    path, = KERNEL.glob('usr/lib/modules/*')
    if not (KERNEL / 'lib').exists():
        (KERNEL / 'lib').symlink_to('usr/lib')  # kmod looks in one or the other.

    def kmod(program, *arguments):
        found = shutil.which(program, path='/usr/sbin:/sbin:/usr/bin:/bin')
        return subprocess.run([found, *arguments], check=True, capture_output=True,
                              text=True).stdout
    kmod('depmod', '-b', KERNEL, path.name)
    told = ''.join(kmod('modprobe', '-C', '/dev/null', '-d', KERNEL, '-S', path.name,
                        '--show-depends', name) for name in MODULES)
    return dict.fromkeys(map(pathlib.Path, re.findall(r'^insmod (\S+)', told, re.M)))


def fill(tree):
    for name in ('bin', 'dev', 'host', 'modules'):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which('busybox'), tree / 'bin')
    shutil.copy(ROOT / 'tests/kernel/mount-host', tree / 'init')
    for number, module in enumerate(modules(), 10):
        packed = module.suffix == '.xz'
        content = lzma.open(module).read() if packed else module.read_bytes()
        (tree / f'modules/{number}-{module.name.removesuffix(".xz")}').write_bytes(content)


def boot(folder, *command):
    fill(folder / 'tree')
    return guest.console(
        emulator.command(
            KERNEL / 'vmlinuz', emulator.initramfs(folder / 'tree'),
            'console=ttyS0 quiet mitigations=off rdinit=/init '
            f'CHECKOUT={ROOT} COMMAND={",".join(command)}',
            '-accel', 'kvm', '-accel', 'tcg',  # The first that is there.
            '-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,'
            'multidevs=remap'), LIMIT_S)


def not_begun(last):
    print(f'Bail out! the guest did not come as far as the suite ({last})')
    return 1


def main():
    if platform.machine() != 'x86_64':
        return guest.skip('only x86-64 is emulated')
    setup = subprocess.run([ROOT / 'scripts/setup', 'rekey'], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    if setup.returncode != 0:
        return guest.skip(' '.join(setup.stderr.split()))
    with tempfile.TemporaryDirectory(prefix='ringfort-') as name:
        lines = boot(pathlib.Path(name), 'python3', 'tests/kernel/key_updates.py', *sys.argv[1:])
        return guest.tell(lines, not_begun)


sys.exit(main())
