"""Our client and a real nginx that ends idle connections at any moment: nothing is lost or doubled;
and that the judgement of it can fail."""
import sys

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0],
                __file__.rsplit('/', 2)[0] + '/races']
import campaign  # noqa: E402
import judgement  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402

REQUESTS = 20_000
LEDGER = ('1 GET answered new', '2 POST answered kept', '3 POST answer.none kept',
          '4 POST answer.none kept')
LOG = ('1 GET', '2 POST', '3 POST')  # Of 3 the answer was lost.


@tap.case('AG-15: of 20,000 requests that race the end of idle connections none is lost or doubled')
def races():
    judged, counts = campaign.run(server.ROOT / 'build/release/tests/races/load',
                                  server.certificates(), REQUESTS, seed=1)
    told = '\n'.join(judgement.report(judged, counts))
    print('\n'.join(f'# {line}' for line in told.splitlines()))
    assert not judged.broken, told
    # It was a race: the server won some, and some of these were sent again.
    assert judged.failed and counts['retried'] and counts['retired'], told


@tap.case('races: the judgement finds nothing wrong where ledger and log agree')
def agreement():
    judged = judgement.judge(LEDGER, LOG, len(LEDGER))
    assert not judged.broken, judged
    assert (judged.answered, judged.failed_and_seen) == (2, 1), judged


@tap.case('races: the judgement notices each way to break the claim')
def doctored():
    other = {'wrong': '2 POST wrong kept', 'unended': '2 POST unended kept',
             'failed for another reason': '2 POST call.timed_out kept'}
    ways = [('lost', LEDGER, LOG[1:]), ('lost', LEDGER, ('1 POST', *LOG[1:])),
            ('doubled', LEDGER, LOG + LOG[1:2]), ('doubled', LEDGER, LOG + LOG[2:]),
            ('seen and never asked', LEDGER, (*LOG, '5 POST')),
            ('not in the ledger', LEDGER[:3], LOG),
            *((what, (LEDGER[0], line, *LEDGER[2:]), LOG) for what, line in other.items())]
    for what, ledger, log in ways:
        judged = judgement.judge(ledger, log, len(LEDGER))
        assert what in judged.broken, (what, judged)


tap.run()
