"""The checkout's files as the tidy checks see them: tracked and new ones, never build products."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ('include', 'engine', 'tls', 'http', 'net')


def files(*suffixes, under=()):
    """Paths relative to the root, sorted; all of them when no suffix is given."""
    listed = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=ROOT, check=True,
        capture_output=True, text=True).stdout.split('\n')
    return sorted(path for path in listed
                  if path and (ROOT / path).is_file()
                  and (not suffixes or path.endswith(suffixes))
                  and (not under or path.split('/')[0] in under))


def text(path):
    return (ROOT / path).read_text(encoding='utf-8', errors='replace')


def allowed(check):
    """Path -> reason, from scripts/tidy.allow: lines 'check  path  reason'."""
    rows = [line.split(maxsplit=2) for line in text('scripts/tidy.allow').splitlines()
            if line.strip() and not line.startswith('#')]
    return {path: reason for name, path, reason in rows if name == check}
