"""A wire between an adapter and a real node, on which a test can pull."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2


class Fault(Enum):
    UNAVAILABLE = "503 instead of an answer; the node hears nothing"
    BUSY = "429 and a second's patience asked for; the node hears nothing"
    CUT = "the connection closes; the node hears nothing"
    RESET = "the connection is reset; the node hears nothing"
    ANSWER_LOST = "the node hears and acts, and its answer is lost"
    TRUNCATED = "the node hears and acts, and half of its answer arrives"


_UNHEARD = (Fault.UNAVAILABLE, Fault.BUSY, Fault.CUT, Fault.RESET)
Answer = Fault | dict[str, Any] | bytes | None
"""A fault; a JSON-RPC answer (``result`` or ``error``) or a whole body in the node's stead; or
None, to let the request pass."""
Rule = Callable[[str, Any], Answer]
UNKNOWN_HASH: dict[str, Any] = {"error": {"code": 29, "message": "Transaction hash not found"}}
NO_BLOCK: dict[str, Any] = {"error": {"code": 24, "message": "Block not found"}}
RETRY_AFTER_SECONDS = 1


class Proxy:
    """``rule`` is asked about each request by its method and parameters, in turn; ``after`` is
    told the method when the node has acted and the caller does not know it yet; ``calls`` has
    the methods that came.

    ``stale_at`` is a block at which the node seems to have stopped; ``latency`` seconds pass
    before each answer, unless the proxy closes first.
    """

    def __init__(self, node_url: str) -> None:
        self.node_url = node_url
        self.rule: Rule = lambda method, params: None
        self.after: Callable[[str], None] = lambda method: None
        self.stale_at: int | None = None
        self.latency = 0.0
        self.calls: list[str] = []
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/rpc"

    def count(self, method: str) -> int:
        return self.calls.count(method)

    def answer(self, body: bytes) -> tuple[bytes, Fault | None]:
        """The body to send, and what is to go wrong with it."""
        request = json.loads(body)
        method, params = request["method"], request.get("params")
        with self._turn:
            self.calls.append(method)
            ruled = self.rule(method, params)
        self._closing.wait(self.latency)
        if isinstance(ruled, Fault) and ruled in _UNHEARD:
            return b"busy", ruled
        if isinstance(ruled, bytes):
            return ruled, None
        if ruled is None and self.stale_at is not None:
            ruled = _as_of(self.stale_at, request)
        if isinstance(ruled, dict):
            return json.dumps({"jsonrpc": "2.0", "id": request.get("id", 0), **ruled}).encode(), None
        reply = httpx2.post(self.node_url, json=request, timeout=60, verify=False).content
        self.after(method)
        if self.stale_at is not None and _block_in(reply) > self.stale_at:
            return json.dumps({"jsonrpc": "2.0", "id": request.get("id", 0), **UNKNOWN_HASH}).encode(), None
        return reply, ruled

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._closing.set()
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


# --- rules ---


def first(count: int, method: str, answer: Answer) -> Rule:
    """The first ``count`` requests of this method are answered so."""
    seen: list[str] = []

    def rule(name: str, params: Any) -> Answer:
        if name == method and len(seen) < count:
            seen.append(name)
            return answer
        return None

    return rule


def every(count: int, answer: Answer) -> Rule:
    """Each ``count``-th request, of whatever method, is answered so."""
    asked: list[str] = []

    def rule(name: str, params: Any) -> Answer:
        asked.append(name)
        return answer if len(asked) % count == 0 else None

    return rule


def outage(requests: int, fault: Fault = Fault.RESET) -> Rule:
    """Nobody gets through until as many requests were turned away."""
    left = [fault] * requests

    def rule(name: str, params: Any) -> Answer:
        return left.pop() if left else None

    return rule


def on_chain(chain_id: int) -> Rule:
    """The URL leads to a node of another, longer chain: there is no contract of ours on it."""
    says: dict[str, Answer] = {
        "starknet_chainId": {"result": hex(chain_id)},
        "starknet_blockNumber": {"result": 5_000_000},
        "starknet_getEvents": {"result": {"events": []}},
        "starknet_specVersion": None,
    }

    def rule(name: str, params: Any) -> Answer:
        return says.get(name, {"error": {"code": 20, "message": "Contract not found"}})

    return rule


# --- a node that stopped at a block ---


def _as_of(block: int, request: dict[str, Any]) -> dict[str, Any] | None:
    """What such a node says; None when the real one, asked as of that block, says the same. The
    request is changed so that it is."""
    if request["method"] == "starknet_blockNumber":
        return {"result": block}
    params = request.get("params")
    if not isinstance(params, dict):
        return None
    asked = params.get("block_id")
    if asked == "latest":
        params["block_id"] = {"block_number": block}
    elif isinstance(asked, dict) and asked.get("block_number", 0) > block:
        return NO_BLOCK
    if "filter" in params:
        params["filter"]["to_block"] = {"block_number": block}
        if params["filter"]["from_block"]["block_number"] > block:
            return {"result": {"events": []}}
    return None


def _block_in(reply: bytes) -> int:
    """The block of a receipt."""
    result = json.loads(reply).get("result")
    return int(result.get("block_number") or 0) if isinstance(result, dict) else 0


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body, fault = proxy.answer(self.rfile.read(int(self.headers["content-length"])))
            if fault in (Fault.CUT, Fault.ANSWER_LOST, Fault.RESET):
                self.close_connection = True
                if fault is Fault.RESET:  # closed at once with nothing lingering: RST, not FIN
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    os.close(self.connection.detach())
                return
            self.send_response({Fault.UNAVAILABLE: 503, Fault.BUSY: 429}.get(fault, 200) if fault else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if fault is Fault.BUSY:
                self.send_header("retry-after", str(RETRY_AFTER_SECONDS))
            if fault is Fault.TRUNCATED:
                self.close_connection = True
                body = body[: len(body) // 2]
            with suppress(ConnectionError):  # a caller that was killed
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler
