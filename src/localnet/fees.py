"""What each account paid the network in gas, read from the blocks themselves.

On one's own devnet every transaction can be looked at, so that a demo or a test can put
gas on a row of its own and have the rest of the money add up to the last unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2

from ..domain.errors import ServiceError
from ..domain.job import Address
from ..domain.money import ZERO, Fri


def fees_by_account(rpc_url: str, *, first_block: int, last_block: int) -> dict[Address, Fri]:
    """Fees of all transactions in these blocks, ends included, by sender.

    Reads one block per request: meant for a local devnet's few hundred blocks.

    Raises:
        ServiceError: ``ledger.unreachable`` when the node does not answer or lacks a block.
    """
    paid: dict[Address, Fri] = {}
    for entry in _transactions(rpc_url, first_block, last_block):
        sender = entry["transaction"].get("sender_address")
        if sender is None:
            continue
        account = Address(int(sender, 16))
        paid[account] = paid.get(account, ZERO) + _fee(entry)
    return paid


def fees_by_transaction(rpc_url: str, *, first_block: int, last_block: int) -> dict[int, Fri]:
    """The fee of each transaction in these blocks, ends included, by its hash.

    Raises as ``fees_by_account``.
    """
    return {
        int(entry["receipt"]["transaction_hash"], 16): _fee(entry)
        for entry in _transactions(rpc_url, first_block, last_block)
    }


def _transactions(rpc_url: str, first_block: int, last_block: int) -> Iterator[dict[str, Any]]:
    with httpx2.Client(timeout=30, trust_env=False) as http:
        for number in range(first_block, last_block + 1):
            yield from _block(http, rpc_url, number)["transactions"]


def _fee(entry: dict[str, Any]) -> Fri:
    return Fri(int(entry["receipt"]["actual_fee"]["amount"], 16))


def _block(http: httpx2.Client, rpc_url: str, number: int) -> dict[str, Any]:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "starknet_getBlockWithReceipts",
        "params": {"block_id": {"block_number": number}},
    }
    try:
        answer = http.post(rpc_url, json=request).json()
    except httpx2.HTTPError as error:
        raise ServiceError(
            "ledger.unreachable",
            f"the node at {rpc_url} did not answer",
            remedy="check that the local network is up: tileproof localnet status",
            retryable=True,
            rpc_url=rpc_url,
        ) from error
    if "result" not in answer:
        raise ServiceError(
            "ledger.unreachable",
            f"the node at {rpc_url} has no block {number}",
            remedy="ask for blocks up to its head only",
            rpc_url=rpc_url,
            block=number,
        )
    block: dict[str, Any] = answer["result"]
    return block
