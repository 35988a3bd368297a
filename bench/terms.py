"""The terms on which servers are compared: one answer, one suite, the same settings, the bars."""
SUITE = 'TLS_AES_128_GCM_SHA256'
TEXT = 'Hello, world!'
BARS = {'https': 0.70, 'http': 0.80, 'handshake': 0.75}  # of nginx's instructions, at most

WRK_TLS = """
openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = policy
[policy]
MinProtocol = TLSv1.3
Ciphersuites = {suite}
"""


def verdict(kind, ratio):
    said = 'holds' if ratio <= BARS[kind] else 'is missed'
    return f'the bar of {BARS[kind]:.2f}x nginx {said}'
