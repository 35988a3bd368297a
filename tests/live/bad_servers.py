"""Servers that are wrong or slow, each in one way: for https:// and `ringfort fetch`. Each function
is a server, and says in an Asked how it is to be asked."""
import contextlib
import random
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field

import origin
from authority import Authority, chained
from origin import CERT, FOLDER, OK, TRUST, Origin, context_of, saying

SOON = '300ms'
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@dataclass
class Asked:
    """How a server is asked."""
    url: str
    flags: tuple = ()
    trust: object = field(default_factory=lambda: TRUST.pem)


# ------------------------------------------------------------------- who it is
@contextlib.contextmanager
def certified(pem, *flags, version=None, host='localhost', trust=TRUST.pem):
    """Would answer, but nobody should ask it."""
    with Origin(saying(OK), context_of(pem, version), host) as scripted:
        yield Asked(scripted.url, flags, trust)
    assert scripted.heads == [], scripted.heads


def expired():
    return certified(TRUST.server('expired', dates=('20200101000000Z', '20210101000000Z')))


def not_yet_valid():
    return certified(TRUST.server('early', dates=('21000101000000Z', '21010101000000Z')))


def of_another_name():
    return certified(TRUST.server('other', 'DNS:other.example'))


def of_a_name_and_not_the_address():
    return certified(TRUST.server('named', 'DNS:localhost,DNS:127.0.0.1'), host='127.0.0.1')


def named_by_common_name_alone():
    return certified(TRUST.issue('localhost-cn', 'DNS:other.example',
                                 ('-extensions', 'server', '-subj', '/CN=localhost')))


def self_signed():
    alone = Authority(FOLDER / 'alone', 'localhost')
    both = alone.folder / 'both.pem'
    both.write_text(alone.pem.read_text() + (alone.folder / 'ca.key').read_text())
    return certified(both)


def with_a_root_of_its_own():
    stranger = Authority(FOLDER / 'stranger', 'stranger')
    return certified(chained(stranger.server(), stranger))


def without_the_certificate_between():
    return certified(Authority(FOLDER / 'between', 'between', TRUST).server())


def of_nobody_in_this_machines_store():
    return certified(CERT, trust=None)


def revoking(folder):
    """An authority, and a flag with its list, on which `bad` is."""
    issuer = Authority(FOLDER / folder, folder)
    pem = issuer.server('bad')
    issuer.revoke('bad')
    lists = issuer.folder / 'lists.pem'
    issuer.write_list(lists)
    return issuer, pem, ('--crl', lists)


def revoked():
    issuer, pem, flags = revoking('revoking')
    return certified(pem, *flags, trust=issuer.pem)


def not_on_any_revocation_list():
    return certified(CERT, *revoking('elsewhere')[2])


def with_a_short_key():
    return certified(TRUST.server('short', key=('-newkey', 'rsa:1024', '-nodes')), version=TLS_1_3)


def signed_over_sha1():
    pem = TRUST.issue('sha1', 'DNS:localhost', ('-extensions', 'server', '-md', 'sha1'))
    return certified(pem, version=TLS_1_3)


def with_a_clients_certificate():
    return certified(TRUST.issue('client-only', 'DNS:localhost'))


def without_the_pinned_key():
    return certified(CERT, '--pin', 'A' * 43 + '=')


# ------------------------------------------------------------------- how it shakes hands
def hello_then(end):
    def script(connection):
        connection.recv(65536)
        end(connection)
    return script


def of_tls_1_1_alone():
    return certified(CERT, version=ssl.TLSVersion.TLSv1_1)


@contextlib.contextmanager
def instead_of_tls(script):
    with Origin(lambda connection, _: script(connection)) as scripted:
        yield Asked(scripted.url.replace('http:', 'https:'))


def answering_hello(answer):
    def end(connection):
        connection.sendall(answer)
        origin.until_it_leaves(connection)
    return instead_of_tls(hello_then(end))


def answering_with_tls_1_1():
    body = b'\x03\x02' + bytes(32) + b'\0' + b'\xc0\x13' + b'\0'
    message = b'\x02' + struct.pack('>I', len(body))[1:] + body
    return answering_hello(b'\x16\x03\x02' + struct.pack('>H', len(message)) + message)


@contextlib.contextmanager
def without_a_common_suite():
    context = context_of(version=TLS_1_2)
    context.set_ciphers('ECDHE-ECDSA-AES256-GCM-SHA384')
    with Origin(saying(OK), context) as scripted:
        yield Asked(scripted.url, ('--suites', 'ECDHE-ECDSA-AES128-GCM-SHA256'))


@contextlib.contextmanager
def wanting_a_certificate(version):
    context = context_of(version=version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(TRUST.pem)
    with Origin(saying(OK), context) as scripted:
        yield Asked(scripted.url)


def wanting_a_certificate_in_tls_1_2():
    return wanting_a_certificate(TLS_1_2)


def wanting_a_certificate_in_tls_1_3():
    return wanting_a_certificate(TLS_1_3)


def speaking_http():
    return answering_hello(b'HTTP/1.1 400 Bad Request\r\n\r\n')


def speaking_ssh():
    def greet(connection):
        connection.sendall(b'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')
        origin.until_it_leaves(connection)
    return instead_of_tls(greet)


def speaking_garbage():
    return answering_hello(random.Random(1).randbytes(300))


def leaving_before_the_hello():
    return instead_of_tls(origin.close_at_once)


def leaving_after_the_hello():
    return instead_of_tls(hello_then(origin.close_at_once))


def resetting_before_the_hello():
    return instead_of_tls(origin.reset)


def resetting_after_the_hello():
    return instead_of_tls(hello_then(origin.reset))


# ------------------------------------------------------------------- whether it can be reached
@contextlib.contextmanager
def named_by(answer, *flags):
    """Behind a name server, which makes a datagram of a question, or none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(('127.0.0.1', 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    question, client = asked.recvfrom(512)
                    if reply := answer(question):
                        asked.sendto(reply, client)
        threading.Thread(target=serve, daemon=True).start()
        place = f'127.0.0.1:{asked.getsockname()[1]}'
        yield Asked('https://nowhere.example/', ('--name-servers', place, *flags))


def answering_question(rcode):
    """The question back, with this response code (RFC 1035 section 4.1.1)."""
    def answer(question):
        return question[:2] + struct.pack('>H', 0x8180 | rcode) + question[4:]
    return answer


def of_no_known_name():
    return named_by(answering_question(3))


def refused_by_its_name_server():
    return named_by(answering_question(5))


@contextlib.contextmanager
def where_nobody_listens():
    yield Asked(f'https://127.0.0.1:{origin.free_port()}/')


# ------------------------------------------------------------------- how it answers
HALF = b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'


@contextlib.contextmanager
def answering(script, *flags):
    with Origin(script, context_of()) as scripted:
        yield Asked(scripted.url, flags)


def ending_a_body_without_close_notify():
    return answering(saying(HALF, then=origin.close_at_once))


def ending_a_body_in_order():
    return answering(saying(HALF, then=origin.close_in_order))


# ------------------------------------------------------------------- how long it takes
def never_resolved():
    return named_by(lambda _: None, '--resolve-timeout', SOON)


@contextlib.contextmanager
def never_connected():
    with socket.create_server(('127.0.0.1', 0), backlog=0) as listener:
        with contextlib.ExitStack() as held:
            for _ in range(4):  # More than its queue has room for: SYNs are dropped from here on.
                one = held.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield Asked(f'https://127.0.0.1:{listener.getsockname()[1]}/',
                        ('--connect-timeout', SOON))


@contextlib.contextmanager
def silent_in_the_handshake():
    with instead_of_tls(origin.until_it_leaves) as asked:
        yield Asked(asked.url, ('--handshake-timeout', SOON))


@contextlib.contextmanager
def taking_nothing_of_the_body():
    over = threading.Event()
    with answering(origin.head_then(lambda _: over.wait(60)), '--write-timeout', SOON, '--data',
                   f'@{origin.big_file()}') as asked:
        yield asked
        over.set()


def silent_after_the_request():
    return answering(origin.head_then(origin.until_it_leaves), '--answer-timeout', SOON)


def silent_until_the_call_has_to_end():
    return answering(origin.head_then(origin.until_it_leaves), '--timeout', SOON)


def silent_in_the_body():
    return answering(saying(HALF, then=origin.until_it_leaves), '--body-idle-timeout', SOON)
