"""Each header compiles alone, so that includes may stand in any order.

One compiler run per header; a header whose text and whose includes are unchanged since it last
passed is not compiled again (build/headers.json)."""
import concurrent.futures
import hashlib
import json
import re
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

SEEN = source.ROOT / 'build' / 'headers.json'
ROOMS = ('include', 'engine', 'tls', 'http', 'net', 'cli', 'tests', 'bench', 'examples')


def flags():
    """As meson compiles net/, which sees everything, with warnings as errors."""
    packages = ['liburing', 'libllhttp', 'openssl', 'libcares', 'catch2-with-main']
    path = source.ROOT / '.deps' / 'pkgconfig'
    found = subprocess.run(['pkg-config', '--cflags', *packages], capture_output=True, text=True,
                           check=True, env={'PKG_CONFIG_PATH': str(path), 'PATH': '/usr/bin:/bin'})
    foreign = found.stdout.replace('-I', '-isystem ').split()
    return ['-std=c++23', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Werror',
            '-fsyntax-only', '-fno-rtti', '-Iinclude', '-I.', *foreign]


def compile_alone(path, options):
    """'' or what the compiler says."""
    simulated = ['-DRINGFORT_RING_SIM'] if path.startswith('tests/sim/') else []
    with tempfile.NamedTemporaryFile('w', suffix='.cpp') as unit:
        unit.write(f'#include "{path}"\n')
        unit.flush()
        command = ['g++', *options, *simulated, unit.name]
        return subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True).stderr


def fingerprints(paths):
    """Path -> hash of its text and of all headers it reaches."""
    texts = {path: source.text(path) for path in paths}
    direct = {}
    for path, text in texts.items():
        names = re.findall(r'#\s*include\s*["<]([^">]+)[">]', text)
        direct[path] = [each for name in names for each in (name, 'include/' + name)
                        if each in texts]
    prints = {}
    for path in paths:
        reached, todo = set(), [path]
        while todo:
            if (each := todo.pop()) not in reached:
                reached.add(each)
                todo += direct[each]
        joined = '\0'.join(each + texts[each] for each in sorted(reached))
        prints[path] = hashlib.sha256(joined.encode()).hexdigest()
    return prints


@tap.case('headers: each compiles alone')
def alone():
    paths = source.files('.hpp', '.def', under=ROOMS)
    prints, seen = fingerprints(paths), json.loads(SEEN.read_text()) if SEEN.exists() else {}
    options = flags()
    stale = [path for path in paths if path.endswith('.hpp') and seen.get(path) != prints[path]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = dict(zip(stale, pool.map(lambda path: compile_alone(path, options), stale)))
    SEEN.parent.mkdir(exist_ok=True)
    SEEN.write_text(json.dumps({path: prints[path] for path in paths if not said.get(path)}))
    wrong = {path: text for path, text in said.items() if text}
    assert not wrong, '\n'.join(wrong.values())


@tap.case('headers: a header that needs another one first is noticed')
def self_test():
    with tempfile.TemporaryDirectory(dir=source.ROOT / 'build') as folder:
        path = f'{folder}/needy.hpp'
        with open(path, 'w') as file:
            file.write('#pragma once\nstd::string text();\n')
        assert 'std' in compile_alone(path, flags())


tap.run()
