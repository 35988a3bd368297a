"""Each folder includes only what lies below it, and only its own foreign library."""
import re
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import source  # noqa: E402
import tap  # noqa: E402

ISLANDS = ('engine', 'tls', 'http')
FOREIGN = {  # what marks a foreign library's header, and the only folders that may include it
    r'liburing': ('engine',),
    r'linux/io_uring': ('engine',),
    r'openssl/': ('tls',),
    r'llhttp': ('http',),
    r'ares': ('net',),
    r'jemalloc/': ('cli', 'bench'),
    r'CLI/': ('cli',),
    r'nlohmann/': ('cli',),
    r'toml\+\+/': ('cli',),
    r'benchmark/': ('bench',),
    r'catch2/': ('tests',),
}
PROGRAMS = ('cli', 'examples')
BELOW = {'include': (), 'engine': ('engine',), 'tls': ('tls',), 'http': ('http',),
         'net': ('net', *ISLANDS), 'cli': ('cli',), 'examples': ('examples',)}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def faults(path, text):
    """What is wrong with one file's includes."""
    room = path.split('/')[0]
    for bracket, name in INCLUDE.findall(text):
        for mark, rooms in FOREIGN.items():
            # Tests hold each library against the code under test, and the floor is a raw ring.
            may = (*rooms, 'tests', 'bench')
            if re.match(mark, name) and room not in may:
                yield f'{path} includes <{name}>, which belongs in {" and ".join(rooms)}'
        if bracket == '"' and room in BELOW and name.split('/')[0] not in BELOW[room]:
            yield f'{path} includes "{name}": {room} may not see {name.split("/")[0]}'
        if bracket == '<' and room in ISLANDS and name == 'thread':
            yield f'{path} includes <thread>: threads belong to net/'


@tap.case('floors: each include points down the house')
def house():
    may = source.allowed('floors')
    found = [fault for path in source.files('.hpp', '.cpp', '.def') if path not in may
             for fault in faults(path, source.text(path))]
    assert not found, '\n'.join(found)


@tap.case('floors: the check notices each kind of trespass')
def self_test():
    for path, line in (('net/a.cpp', '#include <openssl/ssl.h>'),
                       ('http/a.cpp', '#include "engine/ring.hpp"'),
                       ('engine/a.hpp', '#include "net/stream.hpp"'),
                       ('cli/a.cpp', '#include "net/stream.hpp"'),
                       ('include/ringfort/a.hpp', '#include <llhttp.h>'),
                       ('engine/a.cpp', '#include <ares.h>'),
                       ('tls/a.cpp', '#include <thread>')):
        assert list(faults(path, f'// text\n{line}\n')), line
    assert not list(faults('net/a.cpp', '#include "tls/session.hpp"\n#include <thread>\n'))


tap.run()
