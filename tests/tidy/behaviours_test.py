"""docs/node-behaviours.md names the tests of each row, and each row that a test names."""
import re
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

AREAS = '(?:SC|SNI|TE|SR|HP|LM|KA|RF|EX|UP|RQ|ID|CE|AG|CS|RS|AB|PE|IN)'
ID = re.compile(rf'\b{AREAS}-\d\d\b')
ROW = re.compile(rf'^\| ({AREAS}-\d\d) \| [^|]+ \| ([^|]+) \|$', re.M)
CASE = re.compile(r'^## (.+)$', re.M)  # of the wire cases
CLAIM = re.compile(r'''(?:TEST_CASE\(|tap\.case\()\s*f?(?:"([^"]*)"|'([^']*))''')


def named(path, text):
    """The ids in the names of the tests of a file."""
    claims = CASE.findall(text) if path.endswith('.md') else map(''.join, CLAIM.findall(text))
    return {row for claim in claims for row in ID.findall(claim)}


def missing(page, tests):
    """What the page says and tests do not, and the reverse; tests maps a path to its text."""
    told = {(row, path) for row, paths in ROW.findall(page) for path in paths.split(', ')}
    held = {(row, path) for path, text in tests.items() for row in named(path, text)}
    return sorted(told - held), sorted(held - told)


@tap.case('behaviours: each row has the tests that the page names, and no other')
def true():
    tests = {path: source.text(path) for path in source.files()
             if re.match(r'tests/.*_test\.(py|cpp)$|tests/wire/.*\.md$', path)
             and path != 'tests/tidy/behaviours_test.py'}
    page = source.text('docs/node-behaviours.md')
    assert len(ROW.findall(page)) > 90
    assert missing(page, tests) == ([], []), missing(page, tests)


@tap.case('behaviours: a row without its test, and a test without its row, are noticed')
def self_test():
    page = ('| SR-01 | words | a_test.cpp |\n| TE-02 | words | b_test.py |\n'
            '| HP-01 | words | c.md |\n')
    tests = {'a_test.cpp': 'TEST_CASE("SR-01: a")', 'b_test.py': "@tap.case('TE-03: b')",
             'c.md': '## HP-01, KA-02: c\n\nHP-03\n'}
    assert missing(page, tests) == ([('TE-02', 'b_test.py')],
                                    [('KA-02', 'c.md'), ('TE-03', 'b_test.py')])


tap.run()
