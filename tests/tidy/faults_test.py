"""Each row of fault.def is named in a test, and docs/faults.md says what the table says."""
import re
import subprocess
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

ROW = re.compile(r'^X\((\w+),\s*(\w+),', re.M)


def rows():
    return ROW.findall(source.text('include/ringfort/fault.def'))


def unnamed(stage, name, texts):
    pattern = re.compile(rf'\b{stage}(\.|_){name}\b')
    return not any(pattern.search(text) for text in texts)


TEXTS = [source.text(path) for path in source.files('.cpp', '.hpp', '.py', '.md', under=('tests',))
         if not path.startswith('tests/tidy/')]

for stage, name in rows():
    @tap.case(f'faults: {stage}.{name} is named in a test')
    def named(stage=stage, name=name):
        assert not unnamed(stage, name, TEXTS), 'no test produces it'


@tap.case('faults: each code that the sources name is a row, and each row is used')
def used():
    known = {f'{stage}_{name}' for stage, name in rows()}
    library = [source.text(path) for path in source.files('.cpp', '.hpp', under=source.LIBRARY)]
    used = {code for text in library for code in re.findall(r'\bCode::(\w+)', text)}
    assert not used - known, f'not in the table: {used - known}'
    assert not known - used, f'never produced: {known - used}'


@tap.case('faults: docs/faults.md is what scripts/faults_doc.py makes of the table')
def documented():
    made = subprocess.run([sys.executable, 'scripts/faults_doc.py', '--print'], cwd=source.ROOT,
                          capture_output=True, text=True, check=True).stdout
    assert made == source.text('docs/faults.md'), 'run scripts/faults_doc.py'


@tap.case('faults: a row that no test names is noticed')
def self_test():
    assert unnamed('tls_record', 'nonsense', ['tls_record.bad_mac'])
    assert not unnamed('tls_record', 'bad_mac', ['see Code::tls_record_bad_mac,'])


tap.run()
