#!/usr/bin/env python3
"""Runs the test programs and counts their cases: run_tests.py [quick] [NAME...]

NAME is a part of programs' names; those in tests/kernel run only when they are named in full. A
program is what meson registered in build/check, build/release or build/thread, or a *_test.py under
tests/. It prints TAP, or is a Catch2 program, which is asked for XML. A case counts only when its
own result was read: a program that crashes, hangs, prints no plan, or runs fewer cases than it
planned counts as one failed case more. The last line is always 'N passed, N failed'.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT_LINES_MAX = 120
LONG_TIDY = ('headers',)  # A compiler's run for each header that changed: all of them at first.
BESIDE_OTHERS = ('ktls',)  # Its guest has one core and measures nothing.


@dataclass
class Program:
    name: str
    command: list
    format: str  # 'tap' or 'catch2'
    quick: bool
    alone: bool  # puts load on the machine: nothing else runs beside it
    timeout_s: int = 300
    environment: dict = field(default_factory=dict)
    asked: bool = False  # runs only when it is named in full


@dataclass
class Outcome:
    passed: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)  # (case, why)
    output: str = ''


# ------------------------------------------------------------------------------------- finding
def registered(root):
    """What meson knows, from each build."""
    for build in ('check', 'release', 'thread'):
        path = root / 'build' / build / 'meson-info' / 'intro-tests.json'
        if not path.exists():
            continue
        for test in json.loads(path.read_text()):
            suites = {suite.split(':')[-1] for suite in test['suite']}
            if 'release' in suites and build != 'release':
                continue
            tap = test['protocol'] == 'tap'
            yield Program(f"{build}/{test['name']}", list(test['cmd']), 'tap' if tap else 'catch2',
                          'quick' in suites, 'alone' in suites, int(test['timeout'] or 300),
                          dict(test['env']))


def scripts(root):
    for room in ('tidy', 'live', 'kernel'):
        asked = room == 'kernel'  # It brings a machine of its own, which takes minutes.
        for path in sorted((root / 'tests' / room).glob('*_test.py')):
            name = path.stem.removesuffix('_test').replace('_', '-')
            yield Program(f'{room}/{name}', [sys.executable, str(path)], 'tap',
                          room == 'tidy' and name not in LONG_TIDY,
                          room != 'tidy' and name not in BESIDE_OTHERS,
                          1800 if asked else 900, asked=asked)


def chosen(programs, quick, names):
    for program in programs:
        named = any(name in program.name for name in names) or not names
        if program.asked:
            named = program.name.split('/')[-1] in names
        if named and (program.quick or not quick):
            yield program


# ------------------------------------------------------------------------------------- reading
def read_tap(text, outcome):
    plan, seen = None, 0
    for line in text.splitlines():
        if match := re.match(r'1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', line, re.I):
            plan = int(match[1])
            if plan == 0:
                outcome.skipped.append(('all', match[2] or 'no reason given'))
        elif match := re.match(r'(not )?ok\b\s*\d*\s*-?\s*(.*)$', line):
            seen += 1
            name, _, directive = match[2].partition(' # ')
            if directive.lower().startswith('skip'):
                outcome.skipped.append((name, directive[4:].strip() or 'no reason given'))
            else:
                (outcome.failed if match[1] else outcome.passed).append(name)
        elif line.startswith('Bail out!'):
            outcome.failed.append(line)
    if plan is None:
        outcome.failed.append('printed no plan')
    elif plan != seen:
        outcome.failed.append(f'planned {plan} cases and ran {seen}')


def read_catch2(text, outcome):
    parser, ended = xml.XMLPullParser(['end']), False
    try:
        parser.feed(text[max(text.find('<?xml'), 0):])
        for _, element in parser.read_events():
            if element.tag == 'TestCase':
                read_catch2_case(element, outcome)
            ended = ended or element.tag == 'Catch2TestRun'
    except xml.ParseError as error:
        outcome.failed.append(f'report cut off: {error}')
        return
    if not ended:
        outcome.failed.append('ended before its report')
    elif not (outcome.passed or outcome.failed or outcome.skipped):
        outcome.failed.append('ran no case')


def read_catch2_case(element, outcome):
    result = element.find('OverallResult')
    name = element.get('name')
    if result is not None and result.get('skips', '0') != '0':
        why = element.find('.//Skip')
        outcome.skipped.append((name, (why.text or '').strip() if why is not None else 'no reason'))
    elif result is not None and result.get('success') == 'true':
        outcome.passed.append(name)
    else:
        outcome.failed.append(name)


# ------------------------------------------------------------------------------------- running
def run(program):
    command = program.command + (['--reporter', 'xml'] if program.format == 'catch2' else [])
    outcome = Outcome()
    if not os.path.exists(command[0]) and shutil.which(command[0]) is None:
        outcome.failed.append(f'{command[0]} is not there: build it')
        return outcome
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                             errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env=os.environ | program.environment, start_new_session=True)
    hung = False
    try:
        outcome.output, _ = child.communicate(timeout=program.timeout_s)
    except subprocess.TimeoutExpired:
        hung = True
        os.killpg(child.pid, signal.SIGKILL)
        outcome.output, _ = child.communicate()
    (read_tap if program.format == 'tap' else read_catch2)(outcome.output, outcome)
    if hung:
        outcome.failed.append(f'still ran after {program.timeout_s} s')
    elif child.returncode != 0 and not outcome.failed:
        outcome.failed.append(f'ended with status {child.returncode}')
    return outcome


def report(program, outcome, seconds):
    mark = 'FAILED' if outcome.failed else 'ok'
    skipped = f', {len(outcome.skipped)} skipped' if outcome.skipped else ''
    print(f'{mark:6} {program.name:28} {len(outcome.passed):5} passed, '
          f'{len(outcome.failed)} failed{skipped}  ({seconds:.1f} s)', flush=True)
    for name in outcome.failed:
        print(f'       failed: {name}')
    if outcome.failed:
        lines = outcome.output.splitlines()
        print('\n'.join('       | ' + line for line in lines[-OUTPUT_LINES_MAX:]), flush=True)


def run_all(programs):
    """Two at a time, then one by one those that want the machine for themselves."""
    def timed(program):
        start = time.monotonic()
        outcome = run(program)
        report(program, outcome, time.monotonic() - start)
        return program, outcome

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(timed, [each for each in programs if not each.alone]))
    return results + [timed(each) for each in programs if each.alone]


def left_out(known):
    """What the quick part leaves to the whole."""
    names = [each.name for each in known if not each.quick and not each.asked]
    live = [name for name in names if name.startswith('live/')]
    others = [name for name in names if name not in live]
    return ', '.join([*others, f'{len(live)} of real clients and servers in tests/live'])


def main(arguments):
    quick = 'quick' in arguments
    names = [each for each in arguments if each != 'quick']
    known = [*scripts(ROOT), *registered(ROOT)]
    programs = list(chosen(known, quick, names))
    # The inner loop's part first, so that a mistake shows early.
    start = time.monotonic()
    results = run_all([each for each in programs if each.quick])
    if results and not names:
        print(f'the quick part took {time.monotonic() - start:.0f} s', flush=True)
    results += run_all([each for each in programs if not each.quick])
    for program, outcome in results:
        for name, why in outcome.skipped:
            print(f'skipped: {program.name}: {name}: {why}')
    if quick:
        print(f'not run, because together they take minutes: {left_out(known)}; scripts/test does')
    passed = sum(len(outcome.passed) for _, outcome in results)
    failed = sum(len(outcome.failed) for _, outcome in results)
    if not programs:
        print(f'no test program is called {" ".join(names) or "anything"}: nothing ran')
    elif not passed and not failed:
        print('all of it was skipped: nothing is proved')
    print(f'{passed} passed, {failed} failed')
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
