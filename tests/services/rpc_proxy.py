"""A wire between an adapter and a real node, on which a test can pull."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Fault(Enum):
    UNAVAILABLE = "503 instead of an answer; the node hears nothing"
    CUT = "the connection closes; the node hears nothing"
    ANSWER_LOST = "the node hears and acts, and its answer is lost"


Answer = Fault | dict[str, Any] | bytes | None
"""A fault; a JSON-RPC answer (``result`` or ``error``) or a whole body in the node's stead; or
None, to let the request pass."""
UNKNOWN_HASH: dict[str, Any] = {"error": {"code": 29, "message": "Transaction hash not found"}}


class Proxy:
    """``rule`` is asked about each request by its method and parameters, in turn; ``after`` is
    told the method when the node has acted and the caller does not know it yet; ``calls`` has
    the methods that came."""

    def __init__(self, node_url: str) -> None:
        self.node_url = node_url
        self.rule: Callable[[str, Any], Answer] = lambda method, params: None
        self.after: Callable[[str], None] = lambda method: None
        self.calls: list[str] = []
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/rpc"

    def count(self, method: str) -> int:
        return self.calls.count(method)

    def answer(self, body: bytes) -> bytes | Fault:
        request = json.loads(body)
        with self._turn:
            self.calls.append(request["method"])
            ruled = self.rule(request["method"], request.get("params"))
        if isinstance(ruled, bytes) or (isinstance(ruled, Fault) and ruled is not Fault.ANSWER_LOST):
            return ruled
        if isinstance(ruled, dict):
            return json.dumps({"jsonrpc": "2.0", "id": request.get("id", 0), **ruled}).encode()
        reply = httpx.post(
            self.node_url, content=body, headers={"content-type": "application/json"}, timeout=60
        )
        self.after(request["method"])
        return Fault.ANSWER_LOST if ruled is Fault.ANSWER_LOST else reply.content

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def proxied(node_url: str) -> Iterator[Proxy]:
    proxy = Proxy(node_url)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def first(count: int, method: str, answer: Answer) -> Callable[[str, Any], Answer]:
    """A rule: the first ``count`` requests of this method are answered so."""
    seen: list[str] = []

    def rule(name: str, params: Any) -> Answer:
        if name == method and len(seen) < count:
            seen.append(name)
            return answer
        return None

    return rule


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = proxy.answer(self.rfile.read(int(self.headers["content-length"])))
            if isinstance(answer, Fault) and answer is not Fault.UNAVAILABLE:
                self.close_connection = True
                return
            body = b"busy" if isinstance(answer, Fault) else answer
            self.send_response(503 if isinstance(answer, Fault) else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            with suppress(ConnectionError):  # a caller that was killed
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler
