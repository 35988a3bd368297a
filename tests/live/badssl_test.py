"""What badssl.com is for browsers: a server for each way to be wrong or slow, and in one table what
`ringfort fetch` makes of it."""
import sys
from dataclasses import dataclass
from typing import Callable

sys.path[:0] = [__file__.rsplit('/', 2)[0], __file__.rsplit('/', 1)[0]]
import bad_servers as server  # noqa: E402
import tap  # noqa: E402
from origin import require_failure  # noqa: E402


@dataclass
class Row:
    server: Callable
    status: int  # of the program
    phase: str
    code: str
    alias: str  # Node's name for it
    says: str  # what is wrong, or what to do


UNBELIEVED = (
    Row(server.expired, 60, 'tls', 'tls_handshake.server_certificate_expired',
        'CERT_HAS_EXPIRED', 'it has to be renewed there'),
    Row(server.not_yet_valid, 60, 'tls', 'tls_handshake.server_certificate_not_yet_valid',
        'CERT_NOT_YET_VALID', 'most likely this clock is slow'),
    Row(server.of_another_name, 60, 'tls', 'tls_handshake.server_certificate_wrong_name',
        'ERR_TLS_CERT_ALTNAME_INVALID', 'check the name'),
    Row(server.of_a_name_and_not_the_address, 60, 'tls',
        'tls_handshake.server_certificate_wrong_name', 'ERR_TLS_CERT_ALTNAME_INVALID',
        'check the name'),
    Row(server.named_by_common_name_alone, 60, 'tls',
        'tls_handshake.server_certificate_wrong_name', 'ERR_TLS_CERT_ALTNAME_INVALID',
        'check the name'),
    Row(server.self_signed, 60, 'tls', 'tls_handshake.server_certificate_self_signed',
        'DEPTH_ZERO_SELF_SIGNED_CERT', 'give it as an authority'),
    Row(server.with_a_root_of_its_own, 60, 'tls',
        'tls_handshake.server_certificate_untrusted_root', 'SELF_SIGNED_CERT_IN_CHAIN',
        'an authority that is not believed here'),
    Row(server.without_the_certificate_between, 60, 'tls',
        'tls_handshake.server_certificate_unknown_issuer', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'let the server send the certificates between'),
    Row(server.of_nobody_in_this_machines_store, 60, 'tls',
        'tls_handshake.server_certificate_unknown_issuer', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'or give its authority'),
    Row(server.revoked, 60, 'tls', 'tls_handshake.server_certificate_revoked',
        'CERT_REVOKED', 'has been revoked'),
    Row(server.not_on_any_revocation_list, 60, 'tls', 'tls_handshake.server_revocation_unknown',
        'UNABLE_TO_GET_CRL', 'renew the lists'),
    Row(server.with_a_short_key, 60, 'tls', 'tls_handshake.server_certificate_too_weak',
        'EE_KEY_TOO_SMALL', 'has to be issued anew'),
    Row(server.signed_over_sha1, 60, 'tls', 'tls_handshake.server_signature_too_weak',
        'CA_MD_TOO_WEAK', 'has to be issued anew'),
    Row(server.with_a_clients_certificate, 60, 'tls', 'tls_handshake.server_certificate_refused',
        'INVALID_PURPOSE', 'because it is a client\'s'),
    Row(server.without_the_pinned_key, 60, 'tls', 'tls_handshake.server_key_not_pinned',
        '', 'among the pins'),
)
UNREACHED = (
    Row(server.of_no_known_name, 6, 'resolve', 'resolve.name_unknown',
        'ENOTFOUND', 'check how it is spelled'),
    Row(server.refused_by_its_name_server, 6, 'resolve', 'resolve.failed',
        'EAI_AGAIN', 'look at /etc/resolv.conf'),
    Row(server.where_nobody_listens, 7, 'connect', 'connect.refused',
        'ECONNREFUSED', 'check host and port'),
)
UNSHAKEN = (
    Row(server.of_tls_1_1_alone, 35, 'tls', 'tls_handshake.server_version_refused',
        'ERR_SSL_UNSUPPORTED_PROTOCOL', 'no TLS version that is allowed here'),
    Row(server.answering_with_tls_1_1, 35, 'tls', 'tls_handshake.server_version_refused',
        'ERR_SSL_UNSUPPORTED_PROTOCOL', 'no TLS version that is allowed here'),
    Row(server.without_a_common_suite, 35, 'tls', 'tls_handshake.server_no_shared_suite',
        'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'or allow more'),
    Row(server.wanting_a_certificate_in_tls_1_2, 35, 'tls',
        'tls_handshake.server_wants_certificate', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
        'give one, with its key'),
    # There the client's handshake is over when it is refused.
    Row(server.wanting_a_certificate_in_tls_1_3, 35, 'wait',
        'tls_handshake.server_wants_certificate', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
        'give one, with its key'),
    Row(server.speaking_http, 35, 'tls', 'tls_handshake.server_not_tls',
        'ERR_SSL_WRONG_VERSION_NUMBER', 'use http://'),
    Row(server.speaking_ssh, 35, 'tls', 'tls_handshake.server_not_tls',
        'ERR_SSL_WRONG_VERSION_NUMBER', 'use http://'),
    Row(server.speaking_garbage, 35, 'tls', 'tls_handshake.server_not_tls',
        'ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'),
    Row(server.leaving_before_the_hello, 35, 'tls', 'tls_handshake.peer_closed',
        'ECONNRESET', 'before the handshake did'),
    Row(server.leaving_after_the_hello, 35, 'tls', 'tls_handshake.peer_closed',
        'ECONNRESET', 'before the handshake did'),
    Row(server.resetting_before_the_hello, 35, 'tls', 'tls_handshake.peer_closed',
        'ECONNRESET', 'before the handshake did'),
    Row(server.resetting_after_the_hello, 35, 'tls', 'tls_handshake.peer_closed',
        'ECONNRESET', 'before the handshake did'),
)
CUT = (
    Row(server.ending_a_body_without_close_notify, 56, 'response', 'tls_record.truncated',
        'ECONNRESET', 'without close_notify'),
    Row(server.ending_a_body_in_order, 56, 'response', 'answer.cut_short',
        'ECONNRESET', 'inside the answer'),
)
SLOW = (
    Row(server.never_resolved, 6, 'resolve', 'resolve.timed_out',
        'ETIMEOUT', 'resolve_timeout passed'),
    Row(server.never_connected, 7, 'connect', 'connect.timed_out',
        'ETIMEDOUT', 'connect_timeout passed'),
    Row(server.silent_in_the_handshake, 35, 'tls', 'tls_handshake.timed_out',
        'ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake_timeout passed'),
    Row(server.taking_nothing_of_the_body, 55, 'upload', 'upload.stalled',
        'ETIMEDOUT', 'for write_timeout'),
    Row(server.silent_after_the_request, 52, 'wait', 'answer.head_timed_out',
        'ETIMEDOUT', 'answer_timeout passed'),
    Row(server.silent_until_the_call_has_to_end, 52, 'wait', 'call.timed_out',
        'ETIMEDOUT', 'call_timeout passed'),
    Row(server.silent_in_the_body, 56, 'response', 'answer.body_timed_out',
        'ETIMEDOUT', 'for body_idle_timeout'),
)


def hold(rows):
    for row in rows:
        print(f'# {row.server.__name__}', flush=True)
        with row.server() as asked:
            line = require_failure(row.status, row.code, row.phase, *asked.flags, asked.url,
                                   trust=asked.trust)
        alias = f' alias={row.alias} ' if row.alias else f' code={row.code} servername='
        assert alias in line and row.says in line, (row, line)


@tap.case('ID-03, ID-04, ID-05, ID-06, ID-07, ID-11: who is not believed gets no request')
def unbelieved():
    hold(UNBELIEVED)


@tap.case('CE-01, CE-02: who cannot be found, or takes no connection, is told by phase')
def unreached():
    hold(UNREACHED)


@tap.case('CE-03, CE-04, CE-05, CE-06: each way to be no TLS server of ours has its row')
def unshaken():
    hold(UNSHAKEN)


@tap.case('RS-01, RS-03, differs: a body that is cut is told from one that a stranger may have cut')
def cut():
    hold(CUT)


@tap.case('CE-01, CE-02, CE-07, CE-09, AB-05, AB-06: silence ends in each phase, by its own row')
def slow():
    hold(SLOW)


tap.run()
