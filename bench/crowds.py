"""A crowd of kept connections around 64 that ask: what both scripts run of bench/crowd, and what
they make of it. `stay` is 64 that are always the same, `turn` is all in turn, 64 at once."""
from terms import CROWD_BAR

ALONE, CROWD = 64, 10_000
CONNECTIONS_MAX = CROWD * 5 // 4  # When a 16th is left, nginx ends idle ones.
WAYS = ((ALONE, 'stay'), (CROWD, 'stay'), (CROWD, 'turn'))
IDLE_S = 600  # longer than it takes to open them
SAID = {'stay': f'the same {ALONE} ask', 'turn': f'all ask in turn, {ALONE} at once'}


def name_of(scheme, count, way):
    return f'crowd-{scheme}-{count}-{way}'


def plan(requests, commands):
    """The runs of the emulated machine. `commands` has each server's, by scheme."""
    return [(name_of(scheme, count, way),
             f'crowd:{count}:{"tls" if scheme == "https" else "plain"}:{way}', requests,
             commands[scheme]) for scheme in commands for count, way in WAYS]


def ratios(kind, costs):
    """Of each server's cost to its own with 64 connections alone."""
    _, scheme, *_ = kind.split('-')
    alone = costs[name_of(scheme, *WAYS[0])]
    return {name: cost / alone[name] for name, cost in costs[kind].items()}


def verdict(kind, to_alone):
    """The bar is about connections that are idle, so about those that stay."""
    _, _, count, way = kind.split('-')
    if int(count) == ALONE:
        return f'{ALONE} connections, and no more'
    told = ', '.join(f'{name} {ratio:.3f}x' for name, ratio in to_alone.items())
    said = 'holds' if to_alone['ringfort'] <= CROWD_BAR else 'is missed'
    bar = f': the bar of {CROWD_BAR:.2f}x {said}' if way == 'stay' else ''
    return f'to {ALONE} alone, {count} of which {SAID[way]}: {told}{bar}'
