"""A Starknet chain spoken to synchronously: an event loop of its own in a thread of its own.

What is called a node here may be several endpoints; ``endpoints`` decides whom to ask.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Coroutine, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ...domain.errors import ConfigError, LedgerRejected, ServiceError, TileproofError
from ...domain.felt_text import pasted
from ...domain.job import Address
from ...domain.redaction import masked_url, redacted
from .codec import malformed
from .endpoints import Endpoints, unreachable
from .rpc import (
    Block,
    BlockId,
    EventsChunk,
    Keys,
    RpcError,
    call_contract,
    class_hash_at,
    read_block,
    read_events,
)
from .transport import Transport

if TYPE_CHECKING:
    from .library import FullNodeClient

T = TypeVar("T")
CONTRACT_NOT_FOUND = "20"
REQUEST_SECONDS, REQUEST_SECONDS_OF_SEVERAL = 30.0, 8.0
"""How long an answer is waited for: less where another endpoint can be asked."""

_REASON = re.compile(r"\('([A-Za-z0-9_][A-Za-z0-9_ :.\-]*)'\)")
_FELT = re.compile(r"\b0x((?:[0-9a-f]{2}){3,31})\b")
_STRANGE_ANSWERS = frozenset({"ServerError", "ValidationError"})
"""By their names: starknet-py, which raises them, is not loaded for reads."""
_NAME = re.compile(rb"[A-Z][A-Z0-9_]{2,30}")
_NOISE = frozenset({"ENTRYPOINT_FAILED", "ENTRYPOINT_NOT_FOUND", "argent/multicall-failed"})
_WALLET = ("u256_sub Overflow", "insufficient balance", "ERC20: insufficient", "exceeds balance")


class Node:
    """Opened by ``open_node``; ``close`` ends the thread."""

    def __init__(self, urls: Sequence[str], chain_id: int | None) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        seconds = REQUEST_SECONDS if len(urls) == 1 else REQUEST_SECONDS_OF_SEVERAL
        self._transport = Transport(seconds)
        self._endpoints = Endpoints(urls, self._transport, chain_id)

    @cached_property
    def client(self) -> FullNodeClient:
        """starknet-py's client of the same endpoints, for what is written. Loading it takes a second."""
        from .library import client_over

        return client_over(self.url, self._endpoints)

    @property
    def url(self) -> str:
        """The endpoint that answered last."""
        return self._endpoints.serving_url

    def examine(self) -> int:
        """The chain's id, once every endpoint that answers was seen to be what it should be."""
        self.run(self._endpoints.examine_all())
        assert self._endpoints.chain_id is not None
        return self._endpoints.chain_id

    def expect_contract(self, contract: Address) -> None:
        """Believes only endpoints that have this contract, of one class. Raises ServiceError
        ``ledger.refused`` where there is none, ConfigError ``ledger.wrong_contract``."""
        self.run(self._endpoints.expect_contract(contract))

    def has_contract(self, address: Address) -> bool:
        """Returns True where the chain has a contract at this address. Raises as ``run``."""
        try:
            self.run(class_hash_at(self._endpoints, address.felt))
        except ServiceError as error:
            if error.code == "ledger.refused" and error.data.get("rpc_code") == CONTRACT_NOT_FOUND:
                return False
            raise
        return True

    def distrust(self) -> None:
        """What it said cannot be: another endpoint, if there is one, is asked next."""
        self._loop.call_soon_threadsafe(self._endpoints.distrust)

    def block(self, block: BlockId) -> Block:
        """Returns the block of this number, or the ``latest``. Raises as ``run``."""
        return self.run(read_block(self._endpoints, block))

    def call(
        self, contract: Address, function: str, calldata: Sequence[int], block: BlockId
    ) -> tuple[int, ...]:
        """Returns what a view answers at a block. Raises as ``run``."""
        return self.run(call_contract(self._endpoints, contract.felt, function, calldata, block))

    def events(
        self, contract: Address, keys: Keys, first: int, last: int, token: str | None, size: int
    ) -> EventsChunk:
        """Returns one page of the events of blocks first..last. Raises as ``run``."""
        return self.run(read_events(self._endpoints, contract.felt, keys, first, last, token, size))

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Returns the call's result. Raises a node's or starknet-py's error as Tileproof's own."""
        try:
            return self._wait(call)
        except TileproofError:
            raise
        except RpcError as error:
            raise translated(error, self.url) from error
        except (TimeoutError, OSError, json.JSONDecodeError) as error:
            raise unreachable(self.url, error) from error
        except Exception as error:
            refusal = _refusal_below(error)
            if refusal is not None:
                raise translated(refusal, self.url) from error
            if isinstance(error, KeyError) or type(error).__name__ in _STRANGE_ANSWERS:
                raise malformed(f"{type(error).__name__} {str(error)[:200]}") from error
            raise

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._transport.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


def _refusal_below(error: BaseException | None) -> RpcError | None:
    """Returns the node's refusal that starknet-py raised this error for, if it did."""
    while error is not None and not isinstance(error, RpcError):
        error = error.__cause__
    return error


def open_node(rpc_url: str, *, expected_chain_id: int | None = None) -> tuple[Node, int]:
    """A node that answers, speaks our RPC specification and serves the expected chain, and
    that chain's id. ``rpc_url`` may name several endpoints, with commas between them.

    Raises:
        ServiceError: ``ledger.unreachable``, ``ledger.not_a_node``.
        ConfigError: ``ledger.wrong_spec``, ``ledger.wrong_chain``, ``ledger.bad_url``.
    """
    node = Node(endpoints_of(rpc_url), expected_chain_id)
    try:
        return node, node.examine()
    except BaseException:
        node.close()
        raise


def endpoints_of(rpc_url: str) -> tuple[str, ...]:
    """The endpoints that a setting names, each once. Raises ConfigError ``ledger.bad_url``."""
    named = (pasted(url) for url in re.split(r"[,;\s]+", pasted(rpc_url)))
    urls = tuple(dict.fromkeys(_endpoint(url) for url in named if url))
    if not urls:
        raise _bad_url(rpc_url, "it is empty")
    return urls


def _endpoint(url: str) -> str:
    """Returns the URL with its scheme in lower case, http where this machine's own has none."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        if not re.match(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/|$)", url, re.I):
            raise _bad_url(url, "its scheme is missing: write http:// or https:// in front of it")
        scheme, rest = "http", url
    scheme = scheme.lower()
    if scheme in ("ws", "wss"):
        other = "http" if scheme == "ws" else "https"
        raise _bad_url(url, f"Tileproof asks over HTTP: write the node's {other}:// address, often with /rpc")
    if scheme not in ("http", "https"):
        raise _bad_url(url, "its scheme is neither http nor https")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError:
        raise _bad_url(url, "its host or port cannot be read") from None
    if not parts.hostname or port == 0 or not url.isprintable():
        raise _bad_url(url, "its host or port cannot be read")
    return f"{scheme}://{rest}"


def _bad_url(url: str, why: str) -> ConfigError:
    return ConfigError(
        "ledger.bad_url",
        f"{masked_url(url)!r} is not the URL of a Starknet node: {why}",
        remedy="set STARKNET_RPC to a URL such as http://127.0.0.1:5050/rpc, or to several, "
        "with commas between them",
        url=masked_url(url),
    )


def translated(error: RpcError, url: str) -> TileproofError:
    """What a refusal of the node means to us."""
    # json, not str: repr would escape the quotes around a short string
    text = error.text if error.data is None else f"{error.text} {json.dumps(error.data, default=str)}"
    reason = revert_reason(text)
    if reason is not None:
        return LedgerRejected(reason, _in_words(reason), remedy=_remedy(reason))
    if any(word in text for word in ("nsufficient", "exceed balance", "exceeds balance", "esource bounds")):
        return _wallet_too_low()
    if error.code in ("429", "500", "502", "503", "504"):
        return ServiceError(
            "ledger.unreachable",
            f"the Starknet node at {masked_url(url)} cannot serve now: {redacted(text)[:200]}",
            remedy="wait, or use another node",
            retryable=True,
        )
    return ServiceError(
        "ledger.refused",
        f"the Starknet node at {masked_url(url)} refused: {redacted(text)[:400]}",
        remedy="look at the node's log",
        rpc_code=error.code,
    )


def revert_reason(text: str) -> str | None:
    """The contract's own short string in a revert, without the frames around it."""
    if any(word in text for word in _WALLET):
        return "WALLET_TOO_LOW"
    for reason in _REASON.findall(text):
        if reason not in _NOISE:
            return str(reason)
    for felt in _FELT.findall(text):  # a call's refusal names no short string beside its felt
        name = bytes.fromhex(felt)
        if _NAME.fullmatch(name) and name.decode() not in _NOISE:
            return name.decode()
    return None


def rejected(text: str) -> LedgerRejected:
    """A reverted transaction as an error, whatever it said."""
    reason = revert_reason(text) or "REVERTED"
    return LedgerRejected(reason, _in_words(reason, text), remedy=_remedy(reason))


def _in_words(reason: str, text: str = "") -> str:
    if reason == "WALLET_TOO_LOW":
        return "the account's wallet does not hold enough of the token"
    if reason == "REVERTED":
        return f"the transaction reverted: {text[:300]}"
    return f"the contract refused: {reason}"


def _remedy(reason: str) -> str:
    if reason == "WALLET_TOO_LOW":
        return "fund the account; `tileproof account show` tells what it holds"
    return ""


def _wallet_too_low() -> LedgerRejected:
    return LedgerRejected("WALLET_TOO_LOW", _in_words("WALLET_TOO_LOW"), remedy=_remedy("WALLET_TOO_LOW"))
