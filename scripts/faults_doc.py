#!/usr/bin/env python3
"""Writes docs/faults.md from include/ringfort/fault.def; --print writes it to standard output."""
import itertools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r'^X\((\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\d+),\s*"([^"]*)",\s*"([^"]*)"\)', re.M)
HEAD = """# Faults

Every failure that Ringfort reports is one row of `include/ringfort/fault.def`: this page is made
from that table (`scripts/faults_doc.py`). A log line names the row as `stage.name`; the metrics
count each row; `Error::code` is its enumerator `Code::stage_name`.

- Origin: `peer` the other end, `host` kernel, disk or memory, `limit` a bound of the configuration,
  `caller` the embedding program.
- Reaction: `answer` with the status, then close; `close` the connection; `back_off`, wait and try
  again; `tell_caller`, the error is a value in the caller's hand; `stop_shard`.
- Alias: the code that Node, OpenSSL, llhttp or errno use for the same thing, to search by.
"""


def document(table):
    lines = [HEAD]
    for stage, rows in itertools.groupby(ROW.findall(table), key=lambda row: row[0]):
        lines += [f'## {stage}\n', '| name | meaning | origin | reaction | status | alias |',
                  '|---|---|---|---|---|---|']
        for _, name, origin, reaction, status, text, alias in rows:
            shown = f'`{alias}`' if alias else ''
            said = status if status != '0' else ''
            lines.append(f'| `{name}` | {text} | {origin} | {reaction} | {said} | {shown} |')
        lines.append('')
    return '\n'.join(lines)


def main():
    table = (ROOT / 'include/ringfort/fault.def').read_text()
    rows = len(re.findall(r'^X\(', table, re.M))
    if rows != len(ROW.findall(table)):
        sys.exit('faults_doc: a row of fault.def has a shape that this script does not know')
    text = document(table)
    if '--print' in sys.argv[1:]:
        sys.stdout.write(text)
    else:
        (ROOT / 'docs').mkdir(exist_ok=True)
        (ROOT / 'docs/faults.md').write_text(text)


main()
