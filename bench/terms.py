"""The terms on which servers are compared: one answer, one suite, the same settings, the bars."""
import os

SUITE = 'TLS_AES_128_GCM_SHA256'
TEXT = 'Hello, world!'
STORM_BAR = 1.00  # of nginx's p99 of live requests in a storm of handshakes, at most
SLOW_BAR = 2.00  # of the quiet p99 of good clients while slow ones attack, at most
IDLE_BAR_BYTES, IDLE_AIM_BYTES = 2048, 1024  # per idle connection over TLS
HANDSHAKE_BAR, HANDSHAKE_AIM = 0.75, 0.50  # of nginx's instructions per handshake
CROWD_BAR = 1.20  # of a request's cost over 64 connections, at most, with 10,000 open
PROXY_BAR = 0.70  # of the better peer's instructions per request
# Of nginx's instructions per request, or handshake and request, at most.
BARS = {'https': 0.62, 'http': 0.75, 'handshake': HANDSHAKE_BAR}

CLIENT_TLS = """
openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = policy
[policy]
MinProtocol = TLSv1.3
Ciphersuites = {suite}
"""


def policy_environment(folder):
    """Has OpenSSL's clients ask for SUITE alone: not every server can be told its suites."""
    path = folder / 'client.cnf'
    path.write_text(CLIENT_TLS.format(suite=SUITE))
    return {**os.environ, 'OPENSSL_CONF': str(path)}


def verdict(kind, ratio):
    said = 'holds' if ratio <= BARS[kind] else 'is missed'
    return f'the bar of {BARS[kind]:.2f}x nginx {said}'


def proxy_verdict(ratios):
    """To the better one of the others."""
    ratio = ratios['ringfort'] / min(ratios['nginx'], ratios['haproxy'])
    said = 'holds' if ratio <= PROXY_BAR else 'is missed'
    return f'{ratio:.3f}x the better one: the bar of {PROXY_BAR:.2f}x {said}'


def client_verdict(to_ringfort):
    """Ringfort's client is ahead of all but a bare load generator, or it is not."""
    ahead = [name for name, ratio in to_ringfort.items() if ratio < 1 and name != 'wrk']
    return f'the bar is missed: {", ".join(ahead)} ahead' if ahead else 'the bar holds'
