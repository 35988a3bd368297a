"""The live TLS suite over kernel records, on a kernel that has them: user-mode-linux boots on this
machine's own files and runs tests/kernel/record_layers.py, whose results are told here."""
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/kernel'))
import guest  # noqa: E402

LIMIT_S = 840


def boot(*command):
    return guest.console(
        ['linux.uml', 'mem=1G', 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro',
         f'init={ROOT}/tests/kernel/init', 'con0=fd:0,fd:1', 'con=null', 'quiet',
         f'CHECKOUT={ROOT}', f'COMMAND={",".join(command)}'], LIMIT_S)


def main():
    if shutil.which('linux.uml') is None:
        return guest.skip('user-mode-linux is not installed')
    return guest.tell(
        boot('python3', 'tests/kernel/record_layers.py', *sys.argv[1:]),
        lambda last: guest.skip(f'user-mode-linux cannot start here ({last})'))


sys.exit(main())
