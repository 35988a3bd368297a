"""Servers that `ringfort fetch` is tried on: scripts of what they say, clear or over TLS."""
import contextlib
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

import authority
import server

KEEP = tempfile.TemporaryDirectory(prefix='ringfort-origin-')
FOLDER = pathlib.Path(KEEP.name)
TRUST = authority.Authority(FOLDER / 'trust', 'trust')
CERT = TRUST.server()
OK = b'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'


def context_of(pem=CERT, version=None):
    """A server's; of any strength, so that what is too weak can be shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version is not None:
        context.set_ciphers('DEFAULT@SECLEVEL=0')
        context.minimum_version = context.maximum_version = version
    context.load_cert_chain(pem)
    return context


def read_head(connection):
    """A head, and what came behind it; empty when the client has ended."""
    read = b''
    while b'\r\n\r\n' not in read:
        piece = connection.recv(65536)
        if not piece:
            return '', b''
        read += piece
    head, _, rest = read.partition(b'\r\n\r\n')
    return head.decode(), rest


def read_body(connection, head, rest):
    """By its length or its chunks, without the framing."""
    stream = connection.makefile('rb')

    def take(count):
        nonlocal rest
        taken, rest = rest[:count], rest[count:]
        return taken + stream.read(count - len(taken))

    def line():
        read = b''
        while not read.endswith(b'\r\n'):
            read += take(1)
        return read[:-2]

    if length := re.search(r'(?im)^content-length: (\d+)$', head.replace('\r', '')):
        return take(int(length[1]))
    body = b''
    while size := int(line(), 16):
        body += take(size)
        take(2)
    while line():
        pass
    return body


def reset(connection):
    """Ends it with RST (socket(7), SO_LINGER)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def until_it_leaves(connection):
    """Says nothing until the client has gone."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


class Origin:
    """Each connection is given to `script(connection, origin)`, in a thread of its own. With a
    context TLS comes first; who fails there never comes to the script."""

    def __init__(self, script, context=None, host='localhost'):
        self.script, self.context = script, context
        self.accepted, self.heads, self.bodies, self.names, self.resumed = 0, [], [], [], []
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://{host}:{self.port}/"
        if context:
            context.sni_callback = lambda _, name, __: self.names.append(name)
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.threads.append(threading.Thread(target=self._serve, args=(connection,),
                                                 daemon=True))
            self.threads[-1].start()

    def _serve(self, raw):
        raw.settimeout(server.PATIENCE_S)
        connection = raw
        with contextlib.suppress(OSError, ValueError):
            if self.context:
                connection = self.context.wrap_socket(raw, server_side=True)
                self.resumed.append(connection.session_reused)
            self.script(connection, self)
        connection.close()

    def read(self, connection):
        """One request, kept in `heads` and `bodies`; false when there is none any more."""
        head, rest = read_head(connection)
        if head:
            has_body = re.search(r'(?im)^(content-length|transfer-encoding):', head)
            self.heads.append(head)
            self.bodies.append(read_body(connection, head, rest) if has_body else b'')
        return bool(head)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(server.PATIENCE_S)


def saying(*answers, then=None):
    """A script: an answer to each request, the last one to all that follow; then `then`, or the end
    of the connection in order where there is one."""
    def script(connection, origin):
        number = 0
        while origin.read(connection):
            connection.sendall(answers[min(number, len(answers) - 1)])
            number += 1
            if then:
                return then(connection)
    return script


def head_then(end):
    """A script: reads a request's head, and does that."""
    def script(connection, origin):
        origin.heads.append(read_head(connection)[0])
        end(connection)
    return script


def close_in_order(connection):
    """close_notify first, over TLS."""
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()


def close_at_once(connection):
    """FIN, and over TLS no close_notify before it."""
    connection.shutdown(socket.SHUT_RDWR)


def big_file():
    """More than sockets take by themselves."""
    path = FOLDER / 'big'
    with path.open('wb') as file:
        file.truncate(64 * 1024 * 1024)
    return path


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        return taken.getsockname()[1]


# ------------------------------------------------------------------- the program
def fetch(*arguments, status=0, data=None, environment=None, trust=TRUST.pem):
    """Its body and what it says on standard error, after the exit status that was expected."""
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith(('NODE_', 'RINGFORT_', 'SSL_'))
                 and not name.lower().endswith('_proxy')}
    believed = ('--cacert', trust) if trust else ()
    done = subprocess.run([server.PROGRAM, 'fetch', *map(str, (*believed, *arguments))], input=data,
                          stdin=subprocess.DEVNULL if data is None else None, capture_output=True,
                          timeout=server.PATIENCE_S, env=inherited | (environment or {}))
    said = done.stderr.decode()
    assert done.returncode == status, f'exit {done.returncode}, not {status}: {said}'
    return done.stdout, said


def facts(*arguments, **options):
    """The objects of --json."""
    return [json.loads(line) for line in fetch('--json', *arguments, **options)[0].splitlines()]


def require_failure(status, code, phase, *arguments, **options):
    """One line that names code and phase, and nothing on standard output. Answers the line."""
    body, said = fetch(*arguments, status=status, **options)
    lines = [line for line in said.splitlines() if line.startswith('ringfort: fetch failed: ')]
    assert len(lines) == 1, said
    for part in (f' code={code} ', f' phase={phase} ', ' origin=http', ' reused='):
        assert part in lines[0], (part, lines)
    return lines[0]
