"""A node's answer is whole, in time and of a bounded size, or there is none."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tileproof.adapters.starknet import transport
from tileproof.adapters.starknet.transport import NoAnswer, Transport

Answer = Callable[[BaseHTTPRequestHandler], None]
SECONDS = 0.5


@contextmanager
def node(answer: Answer) -> Iterator[str]:
    """A server on loopback; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/rpc"
        server.shutdown()


def packed(body: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = gzip.compress(body)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def trickles(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, as long as somebody reads."""
    request.end_headers()
    try:
        while True:
            request.wfile.write(b" ")
            request.wfile.flush()
            threading.Event().wait(SECONDS / 20)
    except OSError:
        pass


def asked(url: str, seconds: float = 60) -> bytes:
    connections = Transport(seconds)
    try:
        return asyncio.run(connections.post(url, b"{}")).body
    finally:
        connections.close()


@pytest.mark.parametrize("size", [0, 2, 3 << 20])
def test_an_answer_is_unpacked_whole(size: int) -> None:
    with node(packed(b"x" * size)) as url:
        assert asked(url) == b"x" * size


def test_an_answer_that_unpacks_to_more_than_any_node_has_to_say_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER_BYTES", 1 << 20)
    with node(packed(b"x" * (2 << 20))) as url, pytest.raises(NoAnswer, match="more than 1 MiB"):
        asked(url)


def test_a_node_that_trickles_keeps_neither_the_caller_nor_a_thread() -> None:
    before = set(threading.enumerate())
    with node(trickles) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            asked(url, SECONDS)
        deadline = began + 20 * SECONDS
        while any("run" in thread.name for thread in set(threading.enumerate()) - before):
            assert time.monotonic() < deadline, "the request's own thread goes on"
            threading.Event().wait(0.02)
