"""The literate cases of tests/wire, as README.md there describes them."""
import re

CASE = re.compile(r'^## (?P<claim>.+?)$(?P<rest>.*?)(?=^## |\Z)', re.M | re.S)
BLOCK = re.compile(r'^```(?P<kind>request|response|events|answer)(?P<words>[^\n]*)\n'
                   r'(?P<text>.*?)^```$', re.M | re.S)
JOIN = re.compile(r'(?<!\\)((?:\\\\)*)\\\n')  # A line that ends in one backslash goes on.
ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|\{.*?\*\d+\}|.)', re.S)


def unescape(match):
    what = match[1]
    if what[0] == 'x':
        return chr(int(what[1:], 16))
    if what[0] == '{':
        text, _, count = what[1:-1].rpartition('*')
        return ESCAPE.sub(unescape, text) * int(count)
    return {'r': '\r', 'n': '\n', 't': '\t', '0': '\0'}.get(what, what)


def bytes_of(text):
    lines = JOIN.sub('\\1\x00JOIN\x00', text).replace('\n', '\r\n')
    return ESCAPE.sub(unescape, lines.replace('\x00JOIN\x00', '')).encode('latin-1')


def cases(folder):
    """(file, claim, blocks) of each case; a block is (kind, words, text)."""
    for path in sorted(folder.glob('*.md')):
        if path.name == 'README.md':
            continue
        for match in CASE.finditer(path.read_text()):
            yield path.name, match['claim'], [
                (block['kind'], dict(re.findall(r'(\w+)=(\w+)', block['words'])), block['text'])
                for block in BLOCK.finditer(match['rest'])]
