"""A guest that runs a suite by tests/kernel/init: its console as it comes, and TAP made of it."""
import re
import subprocess
import threading


def console(command, limit_s):
    """Line by line, until the guest has ended; it is ended when the limit is over."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace') as guest:
        limit = threading.Timer(limit_s, guest.kill)
        limit.start()
        try:
            yield from guest.stdout
        finally:
            limit.cancel()


def tell(lines, when_not_begun):
    """Prints what the suite says and answers its status; when the guest did not come as far as the
    suite, that is for `when_not_begun` to answer, which is given the last line."""
    last, begun = 'it printed nothing', False
    for line in lines:
        if match := re.match(r'guest ends with status (\d+)$', line):
            return int(match[1])
        if begun:
            print(line, end='', flush=True)
        begun = begun or re.search(r'guest \S+ begins$', line)
        last = line.strip() or last
    if not begun:
        return when_not_begun(last)
    print('Bail out! the guest did not come to its end')
    return 1


def skip(why):
    print(f'1..0 # skip {why}: kernel records were NOT tested')
    return 0
