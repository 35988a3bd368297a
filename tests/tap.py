"""TAP for test scripts: `@case("a claim")` above a function, `run()` at the end of the file."""
import sys
import traceback

cases = []


class Skip(Exception):
    """Raised by a case that cannot hold here, with why."""


def case(claim):
    def keep(function):
        cases.append((claim, function))
        return function
    return keep


def run():
    only = sys.argv[1:]
    chosen = [each for each in cases if not only or any(part in each[0] for part in only)]
    print(f'1..{len(chosen)}', flush=True)
    failed = 0
    for number, (claim, function) in enumerate(chosen, 1):
        try:
            function()
            print(f'ok {number} - {claim}', flush=True)
        except Skip as why:
            print(f'ok {number} - {claim} # SKIP {why}', flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {number} - {claim}', flush=True)
    sys.exit(1 if failed else 0)
