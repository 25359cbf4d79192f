"""Requests of a node over HTTP, for an event loop, by a library that is loaded in a moment.

aiohttp, which starknet-py brings, takes a quarter of a second of processor time to import. urllib3
blocks, so each request has a thread of its own; a thread whose answer nobody awaits any more ends
with the process.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3

from ..proxies import proxy_for

CONNECT_SECONDS = 5.0
_CONNECTIONS = 8
"""Kept open for each endpoint."""
LARGEST_ANSWER_BYTES = 64 << 20
"""Unpacked; a class, the largest thing that is asked for, has some megabytes."""
_PIECE_BYTES = 1 << 16
_HEADERS = {"content-type": "application/json", "accept-encoding": "gzip"}


class NoAnswer(Exception):
    """Nothing came back that HTTP knows; says why."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to the endpoints of one chain; an answer may take ``seconds`` in all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
        self._options = {"maxsize": _CONNECTIONS, "timeout": timeout, "retries": False}
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    async def post(self, url: str, body: bytes) -> HttpAnswer:
        """Returns the answer, redirects not followed.

        Raises NoAnswer; ConfigError ``proxy.unusable``.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await _in_thread(lambda: self._post(url, body))
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Returns the connections for this URL: through a proxy where the environment names one."""
        proxy = proxy_for(url)
        if proxy not in self._pools:
            options: dict[str, Any] = dict(self._options)
            if proxy is None:
                self._pools[proxy] = urllib3.PoolManager(**options)
            else:
                parts = urlsplit(proxy)
                user = _basic(parts.username, parts.password, of_proxy=True)
                self._pools[proxy] = urllib3.ProxyManager(proxy, proxy_headers=user, **options)
        return self._pools[proxy]

    def _post(self, url: str, body: bytes) -> HttpAnswer:
        parts = urlsplit(url)
        headers = {**_HEADERS, **_basic(parts.username, parts.password)}
        bare = url.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else url
        pool = self._pool(bare)
        ends = time.monotonic() + self._seconds
        try:
            answer = pool.request("POST", bare, body=body, headers=headers, preload_content=False)
            try:
                content = _whole(answer, ends)
            except BaseException:
                answer.close()  # what it still sends is nobody's answer
                raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why = str(error.__cause__ or error) or type(error).__name__
            if "WRONG_VERSION_NUMBER" in why or "record layer failure" in why:
                why = "it speaks no TLS; its URL may have to begin with http://"
            raise NoAnswer(why) from error
        return HttpAnswer(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, content
        )


def _whole(answer: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """Returns the answer's body. Raises NoAnswer for one that is too large, or not there by ``ends``.

    Without it a node that trickles bytes would keep the thread of each request for ever.
    """
    content = bytearray()
    while piece := answer.read1(_PIECE_BYTES, decode_content=True):
        content += piece
        if len(content) > LARGEST_ANSWER_BYTES:
            raise NoAnswer(f"its answer has more than {LARGEST_ANSWER_BYTES >> 20} MiB")
        if time.monotonic() > ends:
            raise NoAnswer("its answer does not end in time")
    answer.release_conn()
    return bytes(content)


def _basic(user: str | None, password: str | None, *, of_proxy: bool = False) -> dict[str, str]:
    """Returns the header for credentials that a URL carries, if it does."""
    if user is None and password is None:
        return {}
    pair = f"{unquote(user or '')}:{unquote(password or '')}"
    name = "proxy-authorization" if of_proxy else "authorization"
    return {name: "Basic " + base64.b64encode(pair.encode()).decode()}


async def _in_thread(call: Callable[[], HttpAnswer]) -> HttpAnswer:
    """Returns the call's answer, made in a thread that does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[HttpAnswer] = loop.create_future()

    def settle(answer: HttpAnswer | None, error: Exception | None) -> None:
        if future.done():
            return  # given up meanwhile
        if error is not None:
            future.set_exception(error)
        elif answer is not None:
            future.set_result(answer)

    def run() -> None:
        answer, failure = None, None
        try:
            answer = call()
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=run, daemon=True).start()
    return await future
