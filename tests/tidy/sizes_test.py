"""Files stay under 500 lines, functions under 70, lines under 100 columns."""
import re
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

FILE_LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX = 500, 70, 100
CODE = ('.hpp', '.cpp', '.def', '.py', 'meson.build', 'meson.options')
SCOPE = re.compile(r'^\s*(?:template\s*<.*>\s*)?(?:inline\s+)?'
                   r'(?:namespace|class|struct|union|enum|extern)\b', re.S)


def code_files():
    return sorted(set(source.files(*CODE)) | set(source.files(under=('scripts', '.ci'))))


def functions(text):
    """(line, length) of each outermost brace block that is no type and no namespace."""
    lines = [re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|//.*', '', line)
             for line in text.splitlines()]
    opened = []  # (line, is a scope)
    for number, line in enumerate(lines, 1):
        for column, mark in enumerate(line):
            if mark == '{':
                # A declaration may have been broken over several lines before its brace.
                start = number
                while start > 1 and lines[start - 2].strip() and \
                        not re.search(r'[;{}:]\s*$', lines[start - 2]):
                    start -= 1
                head = '\n'.join(lines[start - 1:number - 1] + [line[:column]])
                opened.append((start, bool(SCOPE.match(head)) and '(' not in head.split('{')[-1]))
            elif mark == '}' and opened:
                start, scope = opened.pop()
                if not scope and all(outer for _, outer in opened):
                    yield start, number - start + 1


@tap.case(f'sizes: no file is longer than {FILE_LINES_MAX} lines')
def file_lengths():
    may = source.allowed('lines')
    long = [(path, count) for path in code_files()
            if (count := source.text(path).count('\n')) > FILE_LINES_MAX and path not in may]
    assert not long, long


@tap.case(f'sizes: no function is longer than {FUNCTION_LINES_MAX} lines')
def function_lengths():
    may = source.allowed('function')
    long = [f'{path}:{line}: {length} lines' for path in source.files('.hpp', '.cpp')
            if path not in may
            for line, length in functions(source.text(path)) if length > FUNCTION_LINES_MAX]
    assert not long, '\n'.join(long)


@tap.case(f'sizes: no line is wider than {COLUMNS_MAX} columns')
def columns():
    may = source.allowed('columns')
    wide = [f'{path}:{number}' for path in code_files() if path not in may
            for number, line in enumerate(source.text(path).splitlines(), 1)
            if len(line) > COLUMNS_MAX]
    assert not wide, '\n'.join(wide)


@tap.case('sizes: the check measures functions, not types and namespaces')
def self_test():
    body = '  f();\n' * 80
    sample = (f'namespace a {{\ntemplate <class T>\nstruct B {{\n{body}}};\n'
              f'int g(int x,\n      int y) {{\n{body}}}\n}}\n')
    assert [length for _, length in functions(sample)] == [83], list(functions(sample))
    sample = f'void g() {{\n  auto s = "}}";\n  if (x) {{\n{body}  }}\n}}\n'
    assert [length for _, length in functions(sample)] == [85], list(functions(sample))


tap.run()
