"""The library as a package installs it: found by pkg-config, linked both ways, and serving."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import server  # noqa: E402
import tap  # noqa: E402

keep = tempfile.TemporaryDirectory(prefix='ringfort-')
STAGE = pathlib.Path(keep.name)


def pkg_config(*arguments):
    pc = next(STAGE.rglob('ringfort.pc'))
    paths = f'{pc.parent}:{server.ROOT}/.deps/pkgconfig'
    environment = {**os.environ, 'PKG_CONFIG_PATH': paths}
    return server.run('pkg-config', *arguments, env=environment).split()


def ringfort(*flags):
    return pkg_config(f'--define-variable=prefix={STAGE}/usr/local', *flags, 'ringfort')


@tap.case('install: headers, both libraries, the program and ringfort.pc are put in place')
def installs():
    server.run(server.ROOT / 'scripts/build', 'release', '--', 'install',
               env={**os.environ, 'DESTDIR': str(STAGE)})
    for name in ('ringfort.hpp', 'fault.def', 'libringfort.a', 'libringfort.so', 'ringfort.pc'):
        assert list(STAGE.rglob(name)), f'{name} is not installed'
    assert os.access(STAGE / 'usr/local/bin/ringfort', os.X_OK)


def build_and_serve(name, *flags):
    program = STAGE / name
    example = server.ROOT / 'examples/hello.cpp'
    server.run('g++', '-std=c++23', example, '-o', program, *flags)
    folder = server.certificates()
    library = str(next(STAGE.rglob('libringfort.so')).parent)
    with subprocess.Popen([program, folder / 'localhost.pem', folder / 'localhost.key', '0'],
                          stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'LD_LIBRARY_PATH': library}) as process:
        try:
            url = process.stdout.readline().strip().replace('127.0.0.1', 'localhost')
            text = server.run('curl', '-s', '--cacert', folder / 'ca.pem', url)
            assert text == 'Hello, world!', text
        finally:
            process.kill()
    return server.run('readelf', '-d', program)


@tap.case('install: an example builds against the shared library, and answers')
def shared():
    assert 'libringfort.so' in build_and_serve('shared', *ringfort('--cflags', '--libs'))


@tap.case('install: an example builds against the static library, and answers')
def static():
    archive = str(next(STAGE.rglob('libringfort.a')))
    needed = pkg_config('--libs', 'openssl', 'liburing', 'libllhttp', 'libcares')
    flags = [*ringfort('--cflags'), archive, *needed]
    assert 'libringfort.so' not in build_and_serve('static', *flags)


@tap.case('install: the example in the README says by name that its certificate is missing')
def readme():
    text = (server.ROOT / 'README.md').read_text()
    program, example = STAGE / 'readme', STAGE / 'readme.cpp'
    example.write_text(re.search(r'^```cpp\n(.*?)^```$', text, re.M | re.S)[1])
    server.run('g++', '-std=c++23', example, '-o', program, *ringfort('--cflags', '--libs'))
    library = str(next(STAGE.rglob('libringfort.so')).parent)
    done = subprocess.run([program], capture_output=True, text=True, cwd=STAGE, timeout=60,
                          env={**os.environ, 'LD_LIBRARY_PATH': library})
    assert done.returncode == 1, done
    assert 'tls_context.unreadable' in done.stderr, done


@tap.case('install: the shared library shows the public names, and nothing of its dependencies')
def names():
    shown = server.run('nm', '-DC', '--defined-only', next(STAGE.rglob('libringfort.so')))
    assert 'ringfort::Engine::create' in shown
    foreign = re.findall(r' T (llhttp_\w+|io_uring_\w+)', shown)
    assert not foreign, foreign[:5]


tap.run()
