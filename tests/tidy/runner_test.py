"""The runner counts what really ran: programs that lie, crash or hang are failures."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / 'tests'), str(root / 'scripts')]
import run_tests  # noqa: E402
import tap  # noqa: E402


def outcome_of(source, format='tap', timeout_s=60):
    with tempfile.NamedTemporaryFile('w', suffix='.py') as file:
        file.write(source)
        file.flush()
        return run_tests.run(run_tests.Program('fake', [sys.executable, file.name], format, True,
                                               False, timeout_s))


@tap.case('runner: ok, not ok and skip are told apart')
def told_apart():
    got = outcome_of('print("1..3\\nok 1 - a\\nnot ok 2 - b\\nok 3 - c # SKIP no node")')
    assert (got.passed, got.failed, got.skipped) == (['a'], ['b'], [('c', 'no node')]), got


@tap.case('runner: a missing plan is a failure')
def missing_plan():
    assert outcome_of('print("ok 1 - a")').failed == ['printed no plan']


@tap.case('runner: fewer cases than planned is a failure')
def short():
    assert outcome_of('print("1..2\\nok 1 - a")').failed == ['planned 2 cases and ran 1']


@tap.case('runner: a crash after the last case is a failure')
def crash():
    got = outcome_of('import os\nprint("1..1\\nok 1 - a", flush=True)\nos.abort()')
    assert got.failed == ['ended with status -6'], got


@tap.case('runner: a program that was not built is a failure, and is named')
def absent():
    outcome = run_tests.run(run_tests.Program('t', ['/no/such/program'], 'tap', True, False))
    assert outcome.failed == ['/no/such/program is not there: build it'], outcome


@tap.case('runner: a program that hangs is killed and is a failure')
def hang():
    got = outcome_of('import signal\nprint("1..1\\nok 1 - a", flush=True)\nsignal.pause()',
                     timeout_s=1)
    assert got.failed == ['still ran after 1 s'], got


@tap.case('runner: a Catch2 report is counted by case')
def catch2():
    report = ('<?xml version="1.0"?><Catch2TestRun><TestCase name="a"><OverallResult '
              'success="true"/></TestCase><TestCase name="b"><OverallResult success="false"/>'
              '</TestCase></Catch2TestRun>')
    got = outcome_of(f'print({report!r})', 'catch2')
    assert (got.passed, got.failed) == (['a'], ['b']), got


@tap.case('runner: a Catch2 report that stops in the middle is a failure')
def catch2_cut():
    report = ('<?xml version="1.0"?><Catch2TestRun><TestCase name="a"><OverallResult '
              'success="true"/></TestCase><TestCase name="b">')
    got = outcome_of(f'print({report!r})', 'catch2')
    assert got.passed == ['a'] and got.failed, got


@tap.case('runner: a part of a name chooses, but not a program that waits to be asked for')
def choice():
    programs = [run_tests.Program(name, [], 'tap', name == 'tidy/a', False, asked=asked)
                for name, asked in (('tidy/a', False), ('live/ktls', False),
                                    ('kernel/ktls-rekey', True))]

    def names(*wanted, quick=False):
        return [each.name for each in run_tests.chosen(programs, quick, wanted)]
    assert names() == ['tidy/a', 'live/ktls']
    assert names(quick=True) == ['tidy/a']
    assert names('ktls') == ['live/ktls'] and names('kernel') == []
    assert names('ktls-rekey') == ['kernel/ktls-rekey']
    assert names('a', 'ktls-rekey') == ['tidy/a', 'kernel/ktls-rekey']
    assert 'kernel/ktls-rekey' in [each.name for each in run_tests.scripts(run_tests.ROOT)]


@tap.case('runner: what takes minutes is not of the quick part, which names what it leaves out')
def left_out():
    known = [run_tests.Program(name, [], 'tap', name == 'check/sim', False, asked=asked)
             for name, asked in (('check/sim', False), ('check/sim-worlds', False),
                                 ('live/a', False), ('kernel/b', True))]
    assert run_tests.left_out(known) == ('check/sim-worlds, '
                                         '1 of real clients and servers in tests/live')
    quick = {each.name: each.quick for each in run_tests.scripts(run_tests.ROOT)}
    assert quick['tidy/sizes'] and not quick['tidy/headers'] and not quick['live/wire'], quick


@tap.case('runner: each build has its programs, and one that was not set up has none')
def builds():
    with tempfile.TemporaryDirectory() as folder:
        for build in ('check', 'thread'):
            path = pathlib.Path(folder, 'build', build, 'meson-info', 'intro-tests.json')
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps([
                {'name': name, 'suite': suites, 'protocol': 'exitcode', 'cmd': [name],
                 'timeout': 1, 'env': {}} for name, suites in (('a', []), ('b', ['x:release']))]))
        found = run_tests.registered(pathlib.Path(folder))
        assert [each.name for each in found] == ['check/a', 'thread/a']


@tap.case('runner: when nothing ran the status is not success')
def nothing():
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = run_tests.main(['no such program'])
    assert status == 1 and said.getvalue().endswith('\n0 passed, 0 failed\n'), said.getvalue()


tap.run()
