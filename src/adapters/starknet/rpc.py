"""The node's reading calls, answers checked, without starknet-py, whose import takes a second.

Integers go out and come back as the RPC specification writes them; what is not as specified is
``ledger.malformed_answer``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from Crypto.Hash import keccak

from .codec import malformed

_FELT = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,62})")
_LARGEST_FELT = 2**252
_ACCEPTED = frozenset({"ACCEPTED_ON_L2", "ACCEPTED_ON_L1"})
BlockId = int | str
"""A block's number, or ``latest``."""
Keys = Sequence[Sequence[int]]


class RpcError(Exception):
    """A node's refusal, as JSON-RPC carries it."""

    def __init__(self, code: Any, message: str, data: Any = None) -> None:
        super().__init__(f"code {code}: {message}")
        self.code, self.as_given, self.text, self.data = str(code), code, message, data


class Caller(Protocol):
    """Something that makes requests of a node: ``Endpoints``."""

    def call(self, method_name: str, params: dict[str, Any] | None = None) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class Block:
    """An accepted block: its number, seconds of its time, prices in fri, its transactions' hashes."""

    block_number: int
    timestamp: int
    block_hash: int
    parent_hash: int
    new_root: int
    l2_gas_fri: int
    l1_data_gas_fri: int
    transactions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmittedEvent:
    """An event of the contract; ``block_number`` is None while no accepted block has it."""

    block_number: int | None
    transaction_hash: int
    keys: tuple[int, ...]
    data: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EventsChunk:
    """One page of events, and the token of the next one."""

    events: tuple[EmittedEvent, ...]
    continuation_token: str | None


@cache
def selector_of(name: str) -> int:
    """Returns the selector of a function, or the first key of an event, of this name."""
    digest = keccak.new(data=name.encode("ascii"), digest_bits=256).digest()
    return int.from_bytes(digest, "big") & (2**250 - 1)


async def read_block(node: Caller, block: BlockId) -> Block:
    """Returns an accepted block. Raises as ``Endpoints.call``."""
    answer = await node.call("getBlockWithTxHashes", {"block_id": _block_id(block)})
    try:
        if answer["status"] not in _ACCEPTED:
            raise ValueError(f"a block that is {answer['status']}")
        return Block(
            block_number=_number(answer["block_number"]),
            timestamp=_number(answer["timestamp"]),
            block_hash=_felt(answer["block_hash"]),
            parent_hash=_felt(answer["parent_hash"]),
            new_root=_felt(answer["new_root"]),
            l2_gas_fri=_felt(answer["l2_gas_price"]["price_in_fri"]),
            l1_data_gas_fri=_felt(answer["l1_data_gas_price"]["price_in_fri"]),
            transactions=_felts(answer["transactions"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise malformed(f"a block: {_in_short(error)}") from error


async def call_contract(
    node: Caller, contract: int, function: str, calldata: Sequence[int], block: BlockId
) -> tuple[int, ...]:
    """Returns what a view answers at a block. Raises as ``Endpoints.call``."""
    request = {
        "contract_address": hex(contract),
        "entry_point_selector": hex(selector_of(function)),
        "calldata": [hex(felt) for felt in calldata],
    }
    answer = await node.call("call", {"request": request, "block_id": _block_id(block)})
    try:
        return _felts(answer)
    except (TypeError, ValueError) as error:
        raise malformed(f"a call: {_in_short(error)}") from error


async def class_hash_at(node: Caller, contract: int) -> int:
    """Returns the hash of the class of the contract there. Raises as ``Endpoints.call``."""
    answer = await node.call("getClassHashAt", {"block_id": "latest", "contract_address": hex(contract)})
    try:
        return _felt(answer)
    except ValueError as error:
        raise malformed(f"a class hash: {_in_short(error)}") from error


async def read_events(
    node: Caller, contract: int, keys: Keys, first: int, last: int, token: str | None, size: int
) -> EventsChunk:
    """Returns at most ``size`` events of blocks first..last. Raises as ``Endpoints.call``."""
    wanted: dict[str, Any] = {
        "from_block": _block_id(first),
        "to_block": _block_id(last),
        "address": hex(contract),
        "keys": [[hex(key) for key in alternatives] for alternatives in keys],
        "chunk_size": size,
    }
    if token is not None:
        wanted["continuation_token"] = token
    answer = await node.call("getEvents", {"filter": wanted})
    try:
        following = answer.get("continuation_token")
        if following is not None and not isinstance(following, str):
            raise ValueError("a token that is no text")
        return EventsChunk(tuple(_event(each) for each in answer["events"]), following)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise malformed(f"events: {_in_short(error)}") from error


def _event(raw: Mapping[str, Any]) -> EmittedEvent:
    # An event of a pre-confirmed block names that block's number, too, but no hash.
    block = raw.get("block_number") if raw.get("block_hash") is not None else None
    return EmittedEvent(
        block_number=None if block is None else _number(block),
        transaction_hash=_felt(raw["transaction_hash"]),
        keys=_felts(raw["keys"]),
        data=_felts(raw["data"]),
    )


def _block_id(block: BlockId) -> Any:
    return block if isinstance(block, str) else {"block_number": block}


def _felts(raw: object) -> tuple[int, ...]:
    if not isinstance(raw, list):
        raise ValueError("no list of felts")
    return tuple(_felt(each) for each in raw)


def _felt(raw: object) -> int:
    if not isinstance(raw, str) or not _FELT.fullmatch(raw):
        raise ValueError(f"{str(raw)[:70]!r} is no felt")
    felt = int(raw, 16)
    if felt >= _LARGEST_FELT:
        raise ValueError(f"{raw} is no felt")
    return felt


def _number(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise ValueError(f"{str(raw)[:70]!r} is no number")
    return raw


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__} {str(error)[:200]}"
