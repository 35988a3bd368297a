"""The live TLS suite over kernel records, on a kernel that has them: user-mode-linux boots on this
machine's own files and runs tests/kernel/record_layers.py, whose results are told here."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def boot(*command):
    """The guest's console, line by line, until it has ended."""
    with subprocess.Popen(
            ['linux.uml', 'mem=1G', 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro',
             f'init={ROOT}/tests/kernel/init', 'con0=fd:0,fd:1', 'con=null', 'quiet',
             f'CHECKOUT={ROOT}', f'COMMAND={",".join(command)}'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors='replace') as guest:
        yield from guest.stdout


def skip(why):
    print(f'1..0 # skip {why}: kernel records were NOT tested')
    return 0


def main():
    if shutil.which('linux.uml') is None:
        return skip('user-mode-linux is not installed')
    last, begun = 'it printed nothing', False
    for line in boot('python3', 'tests/kernel/record_layers.py', *sys.argv[1:]):
        if line.startswith('guest ends with status '):
            return int(line.split()[-1])
        if begun:
            print(line, end='', flush=True)
        begun = begun or (line.startswith('guest ') and line.endswith(' begins\n'))
        last = line.strip() or last
    if not begun:
        return skip(f'user-mode-linux cannot start here ({last})')
    print('Bail out! the guest did not come to its end')
    return 1


sys.exit(main())
