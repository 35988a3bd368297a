"""The README's example is twelve lines or so, and compiles as it stands."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402


def example():
    return re.search(r'^```cpp\n(.*?)^```$', source.text('README.md'), re.M | re.S)[1]


def compiles(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'example.cpp'
        path.write_text(text)
        done = subprocess.run([os.environ.get('CXX', 'g++'), '-std=c++23', '-fsyntax-only', '-Wall',
                               '-Wextra', f'-I{source.ROOT}/include', path], capture_output=True,
                              text=True)
        return done.returncode == 0, done.stderr


@tap.case('readme: the example is twelve lines of code')
def short():
    lines = [line for line in example().splitlines() if line.strip()]
    assert len(lines) <= 12, len(lines)


@tap.case('readme: the example compiles with the public headers alone')
def builds():
    fine, words = compiles(example())
    assert fine, words
    assert not compiles(example().replace('respond', 'nonsense'))[0]


@tap.case('readme: its two commands, and what they print, exist')
def commands():
    text = source.text('README.md')
    for name in ('scripts/run', 'scripts/test'):
        assert name in text and os.access(source.ROOT / name, os.X_OK)
    assert 'curl --cacert .dev/ca.pem https://localhost:8443/' in text
    run = source.text('scripts/run')
    assert '"$root/.dev/ca.pem"' in run and 'curl --cacert %q https://localhost:8443/' in run


tap.run()
