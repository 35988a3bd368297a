"""scripts/fuzz says what a fuzzer found, and takes nothing that was not tried for success."""
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / 'tests'))
import tap  # noqa: E402

loader = importlib.machinery.SourceFileLoader('fuzz', str(root / 'scripts' / 'fuzz'))
fuzz = importlib.util.module_from_spec(importlib.util.spec_from_loader('fuzz', loader))
loader.exec_module(fuzz)

TRIED = 'stat::number_of_executed_units: 7'
FOUND = "artifact_prefix='x'; Test unit written to /found/chunk-crash-1"


@contextlib.contextmanager
def fuzzer(script):
    """scripts/fuzz with a build folder in which one program stands for libFuzzer's."""
    with tempfile.TemporaryDirectory() as folder:
        fuzz.BUILD = pathlib.Path(folder)
        program = fuzz.BUILD / 'tests' / 'fuzz' / 'fuzz-chunk'
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\n{script}\n')
        program.chmod(0o755)
        yield


def outcome_of(script, planted=False):
    said = io.StringIO()
    with fuzzer(script), contextlib.redirect_stdout(said):
        held = fuzz.fuzz('chunk', 1, planted)
    return held, said.getvalue()


@tap.case('fuzz: a target that tried inputs and found nothing holds')
def holds():
    held, said = outcome_of(f'echo {TRIED}')
    assert held and '7 inputs' in said, said


@tap.case('fuzz: an input that ends a target fails it, and its path is said')
def crash():
    held, said = outcome_of(f'echo "{FOUND}" >&2; echo {TRIED}; exit 77')
    assert not held and 'the input: /found/chunk-crash-1' in said, said


@tap.case('fuzz: a target that dies without an input, or tries nothing, fails')
def silent():
    for script in ('kill -9 $$', 'true', f'echo {TRIED}; exit 1'):
        held, said = outcome_of(script)
        assert not held and 'FAILED' in said, (script, said)


@tap.case('fuzz: a planted defect that is not found fails, one that is does not')
def planted():
    plants = 'test "$RINGFORT_FUZZ_PLANTED" = 1 || exit 1'
    assert not outcome_of(f'{plants}; echo {TRIED}', planted=True)[0]
    assert outcome_of(f'{plants}; echo "{FOUND}"; exit 77', planted=True)[0]


@tap.case('fuzz: each target has a corpus, and each corpus a target')
def corpora():
    folders = {path.name for path in (root / 'tests' / 'fuzz' / 'corpus').iterdir()}
    assert folders == set(fuzz.known_targets()), folders
    for name in folders:
        assert any((root / 'tests' / 'fuzz' / 'corpus' / name).iterdir()), name


@tap.case('fuzz: the cases of tests/wire are inputs, whole and as bodies')
def wire():
    for start in (b'GET / HTTP/1.1\r\n', b'HTTP/1.1 200 OK\r\n'):
        assert any(each.startswith(start) for each in fuzz.wire_inputs('wire')), start
    assert any(each.startswith(b'5\r\nhello\r\n') for each in fuzz.wire_inputs('chunk'))
    assert not list(fuzz.wire_inputs('flags'))


tap.run()
