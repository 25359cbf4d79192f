"""One Starknet node, spoken to synchronously: an event loop of its own in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
from marshmallow import ValidationError
from starknet_py.net.client_errors import ClientError
from starknet_py.net.full_node_client import FullNodeClient
from starknet_py.net.http_client import IncompatibleRPCVersionWarning, ServerError

from ...domain.errors import ConfigError, LedgerRejected, ServiceError, TileproofError
from .codec import malformed

T = TypeVar("T")
SPEC = "0.10"
"""The RPC specification that starknet-py 0.30 and devnet 0.10 speak."""
REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 5.0

_REASON = re.compile(r"\('([A-Za-z0-9_][A-Za-z0-9_ :.\-]*)'\)")
_FELT = re.compile(r"\b0x((?:[0-9a-f]{2}){3,31})\b")
_NAME = re.compile(rb"[A-Z][A-Z0-9_]{2,30}")
_NOISE = frozenset({"ENTRYPOINT_FAILED", "ENTRYPOINT_NOT_FOUND", "argent/multicall-failed"})
_WALLET = ("u256_sub Overflow", "insufficient balance", "ERC20: insufficient", "exceeds balance")


class Node:
    """Opened by ``open_node``; ``close`` ends the thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._session: aiohttp.ClientSession = self._wait(self._make_session())
        self.client = FullNodeClient(node_url=url, session=self._session)

    async def _make_session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        return aiohttp.ClientSession(timeout=timeout)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The call's result, with the library's errors as Tileproof's."""
        try:
            return self._wait(call)
        except TileproofError:
            raise
        except ClientError as error:
            raise translated(error, self.url) from error
        except (ServerError, ValidationError, KeyError) as error:
            raise malformed(f"{type(error).__name__} {str(error)[:200]}") from error
        except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError) as error:
            raise unreachable(self.url, error) from error

    def distrust(self) -> None:
        """What it said cannot be: another endpoint, if there is one, is asked next."""

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._wait(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


def open_node(url: str, *, expected_chain_id: int | None = None) -> tuple[Node, int]:
    """A node that answers, speaks our RPC specification and serves the expected chain, and
    that chain's id.

    Raises:
        ServiceError: ``ledger.unreachable``.
        ConfigError: ``ledger.wrong_spec``, ``ledger.wrong_chain``, ``ledger.bad_url``.
    """
    if not re.match(r"https?://", url):
        raise ConfigError(
            "ledger.bad_url",
            f"{url!r} is not the URL of a Starknet node",
            remedy="set STARKNET_RPC to a URL such as http://127.0.0.1:5050/rpc",
            url=url,
        )
    warnings.simplefilter("ignore", IncompatibleRPCVersionWarning)  # the check below says it better
    node = Node(url)
    try:
        spec = str(node.run(node.client.spec_version()))
        if not spec.startswith(SPEC + "."):
            raise ConfigError(
                "ledger.wrong_spec",
                f"the node at {url} speaks RPC {spec}; this Tileproof needs {SPEC}",
                remedy=f"use the node's {SPEC} endpoint (its URL often ends in /rpc/v0_10), or another node",
                url=url,
                found=spec,
            )
        chain_id = _felt(str(node.run(node.client.get_chain_id())))
        if expected_chain_id is not None and chain_id != expected_chain_id:
            raise ConfigError(
                "ledger.wrong_chain",
                f"the node at {url} serves chain {chain_id:#x}, not {expected_chain_id:#x}",
                remedy="set STARKNET_RPC to a node of the right network",
                url=url,
                found=hex(chain_id),
            )
        return node, chain_id
    except BaseException:
        node.close()
        raise


def _felt(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise malformed(f"{text[:80]!r} is no number") from None


def unreachable(url: str, error: Exception) -> ServiceError:
    return ServiceError(
        "ledger.unreachable",
        f"the Starknet node at {url} does not answer: {str(error)[:200] or type(error).__name__}",
        remedy="check STARKNET_RPC, and that the node is up",
        retryable=True,
        url=url,
    )


def translated(error: ClientError, url: str) -> TileproofError:
    """What a refusal of the node means to us."""
    # json, not str: repr would escape the quotes around a short string
    text = f"{error.message} {json.dumps(error.data, default=str)}"
    reason = revert_reason(text)
    if reason is not None:
        return LedgerRejected(reason, _in_words(reason), remedy=_remedy(reason))
    if any(word in text for word in ("nsufficient", "exceed balance", "exceeds balance", "esource bounds")):
        return _wallet_too_low()
    if str(error.code) in ("429", "500", "502", "503", "504"):
        return ServiceError(
            "ledger.unreachable",
            f"the Starknet node at {url} cannot serve now: {text[:200]}",
            remedy="wait, or use another node",
            retryable=True,
        )
    return ServiceError(
        "ledger.refused",
        f"the Starknet node at {url} refused: {text[:400]}",
        remedy="look at the node's log",
        rpc_code=str(error.code),
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
