"""What became of each request, by the client's ledger and by the server's log: whether both agree.

The ledger is what tests/races/ledger.hpp says; the log has a line for each request that the server
saw, 'ID METHOD'. None may be lost (answered and never seen), doubled (seen twice, whatever was
told), answered with another's answer, left without an end, or fail but for a connection's end."""
import collections
import dataclasses

# How a request fails whose connection the server has ended meanwhile.
ENDED = ('upload.peer_closed', 'answer.none', 'answer.cut_short', 'tls_record.truncated')
EXAMPLES_MAX = 5


@dataclasses.dataclass
class Judgement:
    methods: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    answered: int = 0
    # By fault, and whether the connection was 'kept' or 'new'.
    failed: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    failed_and_seen: int = 0
    broken: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))


def judge(ledger, log, expected):
    """Both are lines; `expected` is how many requests there were to be."""
    seen = collections.Counter(line.rstrip('\n') for line in log)
    judgement = Judgement()
    for line in ledger:
        number, method, end, connection = line.split()
        times = seen.pop(f'{number} {method}', 0)
        judgement.methods[method] += 1
        if end == 'answered':
            judgement.answered += 1
        else:
            judgement.failed[end, connection] += 1
            judgement.failed_and_seen += times > 0
        if what := offence(end, times):
            judgement.broken[what].append(line.rstrip('\n'))
    if missing := expected - judgement.methods.total():
        judgement.broken['not in the ledger'].append(f'{missing} requests')
    if seen:
        judgement.broken['seen and never asked'] = list(seen)
    return judgement


def offence(end, times):
    """What is wrong with a request that ended so and was seen so often; empty: nothing."""
    if times > 1:
        return 'doubled'
    if end == 'answered':
        return '' if times == 1 else 'lost'
    if end in ('wrong', 'unended'):
        return end
    return '' if end in ENDED else 'failed for another reason'


def report(judgement, counts):
    """Lines for people; `counts` are the client's own."""
    failed, methods = judgement.failed, judgement.methods
    told = sum(count for (_, connection), count in failed.items() if connection == 'kept')
    yield (f'{methods.total():,} requests, {methods["POST"]:,} of them POST: '
           f'{judgement.answered:,} answered, {failed.total():,} failed')
    yield (f'connections: {counts["connections"]:,} made, {counts["handshakes_full"]:,} by a full '
           f'handshake, {counts["handshakes_resumed"]:,} by a resumed one; '
           f'{counts["reused"]:,} times one served again')
    yield (f'ended by the server: {counts["retired"]:,} before another request took them; of the '
           f'requests that took such a one {counts["retried"]:,} were sent again, {told:,} failed')
    for (fault, connection), count in sorted(failed.items()):
        yield f'failed on a {connection} connection: {count:,} {fault}'
    yield f'failed, and seen by the server all the same: {judgement.failed_and_seen:,}'
    for what, lines in judgement.broken.items():
        yield f'BROKEN: {len(lines):,} {what}: {"; ".join(lines[:EXAMPLES_MAX])}'
    if not judgement.broken:
        yield 'lost, doubled, wrong, without an end: none'
