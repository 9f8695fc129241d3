"""A git host on the loopback for tests: git's own http-backend behind a server that counts what it is asked."""

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Host:
    """What the host asks of visitors, where it is, and what it was asked so far (`GET refs`, `POST pack`)."""

    root: Path
    url: str = ""
    password: str = ""
    redirect: str = ""
    asked: list[str] = field(default_factory=list)
    connections: int = 0

    def welcomes(self, header: str | None) -> bool:
        if not self.password:
            return True
        expected = base64.b64encode(f"git:{self.password}".encode()).decode()
        return header == f"Basic {expected}"


def _answer(host: Host, request: BaseHTTPRequestHandler) -> None:
    path, _, query = request.path.partition("?")
    if host.redirect and path.endswith("/info/refs"):
        request.send_response(302)
        request.send_header("Location", host.redirect + request.path)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    if not host.welcomes(request.headers.get("Authorization")):
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="git"')
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    host.asked.append(f"{request.command} {'refs' if path.endswith('/info/refs') else 'pack'}")
    body = _body(request)
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(host.root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_USER": "git",
    }
    said = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True).stdout
    head, _, content = said.partition(b"\r\n\r\n")
    headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
    request.send_response(next((int(value.split()[0]) for name, value in headers if name == "Status"), 200))
    for name, value in headers:
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


@contextmanager
def serving(root: Path, certificate: Path | None = None) -> Iterator[Host]:
    """Serve every repository below a folder, over https where a certificate (with its key) is given."""
    host = Host(root)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def setup(self) -> None:
            host.connections += 1
            super().setup()

        def do_GET(self) -> None:
            _answer(host, self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a visitor that does not trust the certificate hangs up

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        host.url = f"{'https' if certificate else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield host
        server.shutdown()
        thread.join()


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost with its key, in one file."""
    made = folder / "localhost.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *kind, *name, *files], check=True, capture_output=True)
    made.write_bytes(key.read_bytes() + certificate.read_bytes())
    return made
