"""TLS 1.3 over memory by OpenSSL itself, for what Python's ssl leaves out: KeyUpdate. It is used as
an ssl.SSLObject is, and raises what that raises."""
import ctypes
import ssl

LIBSSL, LIBCRYPTO = ctypes.CDLL('libssl.so.3'), ctypes.CDLL('libcrypto.so.3')
P, INT, LONG, SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t
ON_MESSAGE = ctypes.CFUNCTYPE(None, INT, INT, INT, P, SIZE, P, P)  # SSL_set_msg_callback(3)


def declared(library, name, answers, *takes):
    function = getattr(library, name)
    function.restype, function.argtypes = answers, takes
    return function


TLS_client_method = declared(LIBSSL, 'TLS_client_method', P)
SSL_CTX_new = declared(LIBSSL, 'SSL_CTX_new', P, P)
SSL_CTX_free = declared(LIBSSL, 'SSL_CTX_free', None, P)
SSL_CTX_ctrl = declared(LIBSSL, 'SSL_CTX_ctrl', LONG, P, INT, LONG, P)
SSL_new = declared(LIBSSL, 'SSL_new', P, P)
SSL_free = declared(LIBSSL, 'SSL_free', None, P)
SSL_set_bio = declared(LIBSSL, 'SSL_set_bio', None, P, P, P)
SSL_set_connect_state = declared(LIBSSL, 'SSL_set_connect_state', None, P)
SSL_set_msg_callback = declared(LIBSSL, 'SSL_set_msg_callback', None, P, ON_MESSAGE)
SSL_do_handshake = declared(LIBSSL, 'SSL_do_handshake', INT, P)
SSL_read = declared(LIBSSL, 'SSL_read', INT, P, P, INT)
SSL_write = declared(LIBSSL, 'SSL_write', INT, P, P, INT)
SSL_key_update = declared(LIBSSL, 'SSL_key_update', INT, P, INT)
SSL_shutdown = declared(LIBSSL, 'SSL_shutdown', INT, P)
SSL_get_error = declared(LIBSSL, 'SSL_get_error', INT, P, INT)
BIO_s_mem = declared(LIBCRYPTO, 'BIO_s_mem', P)
BIO_new = declared(LIBCRYPTO, 'BIO_new', P, P)
BIO_ctrl = declared(LIBCRYPTO, 'BIO_ctrl', LONG, P, INT, LONG, P)
BIO_read = declared(LIBCRYPTO, 'BIO_read', INT, P, P, INT)
BIO_write = declared(LIBCRYPTO, 'BIO_write', INT, P, P, INT)
ERR_get_error = declared(LIBCRYPTO, 'ERR_get_error', ctypes.c_ulong)
ERR_reason_error_string = declared(LIBCRYPTO, 'ERR_reason_error_string', ctypes.c_char_p,
                                   ctypes.c_ulong)

# Of openssl/ssl.h, bio.h and tls1.h.
WANT_READ, ZERO_RETURN = 2, 6
SET_MIN_PROTO_VERSION, SET_MEM_EOF_RETURN, TLS_1_3 = 123, 130, 0x304
HANDSHAKE, KEY_UPDATE = 22, 24


class MemoryBIO:
    """What ssl.MemoryBIO is; the connection frees it."""

    def __init__(self):
        self.bio = BIO_new(BIO_s_mem())
        BIO_ctrl(self.bio, SET_MEM_EOF_RETURN, -1, None)  # Empty is no end.

    def write(self, data):
        assert BIO_write(self.bio, data, len(data)) == len(data)

    def write_eof(self):
        BIO_ctrl(self.bio, SET_MEM_EOF_RETURN, 0, None)

    def read(self):
        pieces, room = [], ctypes.create_string_buffer(65536)
        while (count := BIO_read(self.bio, room, len(room))) > 0:
            pieces.append(room.raw[:count])
        return b''.join(pieces)


class Connection:
    def __init__(self):
        self.incoming, self.outgoing = MemoryBIO(), MemoryBIO()
        self.key_updates_received = 0
        context = SSL_CTX_new(TLS_client_method())
        SSL_CTX_ctrl(context, SET_MIN_PROTO_VERSION, TLS_1_3, None)
        self.ssl = SSL_new(context)
        SSL_CTX_free(context)  # The connection keeps it.
        SSL_set_bio(self.ssl, self.incoming.bio, self.outgoing.bio)
        SSL_set_connect_state(self.ssl)
        self._on_message = ON_MESSAGE(self._count)
        SSL_set_msg_callback(self.ssl, self._on_message)

    def free(self):
        SSL_free(self.ssl)
        self.ssl = None

    def _count(self, sent, version, content_type, message, size, *_):
        if content_type == HANDSHAKE and not sent and ctypes.string_at(message, 1)[0] == KEY_UPDATE:
            self.key_updates_received += 1

    def _check(self, result):
        if result > 0:
            return result
        error = SSL_get_error(self.ssl, result)
        if error == WANT_READ:
            raise ssl.SSLWantReadError
        if error == ZERO_RETURN:
            raise ssl.SSLZeroReturnError
        raise ssl.SSLError((ERR_reason_error_string(ERR_get_error()) or b'no reason').decode())

    def do_handshake(self):
        self._check(SSL_do_handshake(self.ssl))

    def read(self, bytes_max):
        room = ctypes.create_string_buffer(bytes_max)
        count = self._check(SSL_read(self.ssl, room, bytes_max))
        return room.raw[:count]

    def write(self, data):
        assert self._check(SSL_write(self.ssl, data, len(data))) == len(data)

    def update_keys(self, asking):
        """A KeyUpdate now, which asks for the server's, too, or does not."""
        self._check(SSL_key_update(self.ssl, int(asking)))
        self._check(SSL_do_handshake(self.ssl))

    def close(self):
        """Our close_notify."""
        SSL_shutdown(self.ssl)
