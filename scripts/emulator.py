"""emulator — a machine of two x86-64 CPUs for a kernel and an initramfs: for a measurement or a
test that needs another kernel than this machine's."""
import subprocess


def initramfs(tree):
    """Packs the folder, whose /init the kernel runs; answers the archive, beside it."""
    archive = tree.with_name('initramfs')
    subprocess.run(f'find . | cpio -o -H newc 2>/dev/null >../{archive.name}', shell=True, cwd=tree,
                   check=True)
    return archive


def command(kernel, archive, boot, *options):
    """What starts it; its console is standard output, and it ends with the guest."""
    return ['qemu-system-x86_64', '-M', 'q35', '-cpu', 'max', '-smp', '2', '-m', '2G',
            '-nographic', '-no-reboot', '-kernel', kernel, '-initrd', archive,
            '-append', boot, *options]
