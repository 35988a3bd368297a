"""Words and constructs that this house does without, and links and lists that must be true."""
import re
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

LIBRARY = r'^(include|engine|tls|http|net)/.*\.(hpp|cpp)$'
CODE = r'\.(hpp|cpp|py)$'
RULES = [  # name, where, pattern, why
    ('vague', r'^(?!tests/tidy/|scripts/tidy).*\.(hpp|cpp|py|md|build)$',
     r'(?i)\b(?!contextmanager)\w*(manager|helper)\w*\b|\butil(s|ities)?\b',
     'says nothing about what it is'),
    ('leftover', CODE, r'\b(TO' + r'DO|FIX' + r'ME|XX' + r'X)\b', 'do it or open an issue'),
    ('function', LIBRARY, r'\bstd::function\b', 'allocates behind the back'),
    ('shared', LIBRARY, r'\bstd::shared_ptr\b', 'hides who owns'),
    ('naked', r'^(engine|tls|http|net|cli)/.*\.(hpp|cpp)$',
     r'(?<![\w:])(new\s+[A-Za-z_:]+[\s(\[{]|delete\s+\w|delete\[\]|'
     r'malloc\(|calloc\(|free\()', 'an owner frees'),
    ('printing', LIBRARY, r'\b(printf|fprintf|std::cout|std::cerr)\b',
     'the library reports errors as values'),
    ('signals', LIBRARY, r'\b(sigaction|signal)\(', 'signals belong to the program'),
    ('throw', r'^(engine|tls|http)/', r'\bthrow\b|\btry\s*\{', 'no exceptions below the handler'),
    ('sleep', r'^tests/.*\.(cpp|hpp|py)$(?<!words_test.py)',
     r'\b(sleep_for|usleep|time\.sleep|nanosleep)\b', 'a test waits for an event, never for time'),
]


def found(rules, files):
    """'path:line: what' of each offence; files is (path, text) pairs."""
    for path, text in files:
        for name, where, pattern, why in rules:
            if not re.search(where, path) or path in source.allowed(name):
                continue
            for number, line in enumerate(text.splitlines(), 1):
                code = re.sub(r'//.*', '', line) if name not in ('vague', 'leftover') else line
                if name == 'naked' and 'unique_ptr<' in code:
                    continue  # A private constructor, owned at once.
                if match := re.search(pattern, code):
                    yield f'{path}:{number}: {match[0].strip()}: {why}'


for rule in RULES:
    @tap.case(f'words: none of the kind "{rule[0]}" ({rule[3]})')
    def clean(rule=rule):
        offences = list(found([rule], [(path, source.text(path)) for path in source.files()]))
        assert not offences, '\n'.join(offences)


@tap.case('words: each rule notices a sample')
def self_test():
    samples = [('net/a.cpp', 'class PoolManager;'), ('net/a.cpp', '// TO' + 'DO later'),
               ('net/a.hpp', 'std::function<void()> f;'), ('http/a.hpp', 'std::shared_ptr<int> p;'),
               ('net/a.cpp', '  auto* p = new Thing(1);'), ('tls/a.cpp', 'printf("x");'),
               ('net/a.cpp', 'sigaction(SIGINT, &a, nullptr);'), ('tls/a.cpp', 'throw 1;'),
               ('tests/live/a.py', 'time.' + 'sleep(1)')]
    for rule, sample in zip(RULES, samples, strict=True):
        assert list(found([rule], [sample])), rule[0]


@tap.case('words: each file opens by saying what it is for')
def openings():
    silent = [path for path in source.files('.cpp', '.hpp', '.py')
              if not (path.endswith('.cpp') and (source.ROOT / path).with_suffix('.hpp').exists())
              and not re.match(r'(#!.*\n)?(//|""")', source.text(path))]
    assert not silent, silent


@tap.case('words: each source is in its folder\'s meson.build')
def listed():
    missing = []
    for path in source.files('.cpp'):
        folder, name = path.rsplit('/', 1)
        build = folder
        while not (source.ROOT / build / 'meson.build').exists() and '/' in build:
            build = build.rsplit('/', 1)[0]
        inside = path[len(build) + 1:]
        stem = inside.removesuffix('.cpp')
        if f"'{inside}'" not in (text := source.text(f'{build}/meson.build')) and \
                f"'{stem}'" not in text:
            missing.append(path)
    assert not missing, missing


@tap.case('words: links of the documents lead somewhere')
def links():
    dead = []
    for path in source.files('.md'):
        folder = (source.ROOT / path).parent
        prose = re.sub(r'^```.*?^```$', '', source.text(path), flags=re.M | re.S)
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', prose):
            if '://' not in target and not (folder / target).exists():
                dead.append(f'{path}: {target}')
        for target in re.findall(r'`([\w./-]+/[\w.-]+\.(?:hpp|cpp|def|py|md|build))`', prose):
            if not (source.ROOT / target).exists() and not (folder / target).exists():
                dead.append(f'{path}: {target}')
    assert not dead, dead


tap.run()
