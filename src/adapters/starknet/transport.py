"""Requests of a node over HTTP, for an event loop, by a library that is loaded in a moment.

aiohttp, which starknet-py brings, takes a quarter of a second of processor time to import. urllib3
blocks, so each request has a thread of its own; a thread whose answer nobody awaits any more ends
with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3

CONNECT_SECONDS = 5.0
_CONNECTIONS = 8
"""Kept open for each endpoint."""
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
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=timeout, retries=False)

    async def post(self, url: str, body: bytes) -> HttpAnswer:
        """Returns the answer, redirects not followed. Raises NoAnswer."""
        try:
            async with asyncio.timeout(self._seconds):
                return await _in_thread(lambda: self._post(url, body))
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        self._pool.clear()

    def _post(self, url: str, body: bytes) -> HttpAnswer:
        try:
            answer = self._pool.request("POST", url, body=body, headers=_HEADERS)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise NoAnswer(str(error.__cause__ or error) or type(error).__name__) from error
        return HttpAnswer(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data
        )


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
