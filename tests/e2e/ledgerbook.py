"""Exact money for tests: what each account owns, gas on a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
from starknet_py.hash.selector import get_selector_from_name
from tileproof.adapters.starknet.codec import Felts, read_balances, read_totals
from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.domain.job import Address
from tileproof.localnet.fees import fees_by_account
from tileproof.localnet.network import LocalNetwork


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All amounts in fri at one block; an account's are wallet, withdrawable and bonds together."""

    block: int
    owned: Mapping[str, int]
    escrow: int
    forfeited: int


NO_STATE = "No state at block"
"""How starknet-devnet 0.10 refuses a block whose state it has dropped."""
ATTEMPTS = 10
"""A snapshot takes some 0.1 s and blocks are a second apart: one in ten is read again."""


class BlockReplacedError(Exception):
    """A newer block came between two reads: this devnet keeps the state of the newest block alone."""


@dataclass(frozen=True, slots=True)
class _Books:
    """The chain's state at one block."""

    http: httpx2.Client
    rpc_url: str
    block: int

    def read(self, contract: Address, function: str, *calldata: int) -> Felts:
        """Returns a view's answer at the block. Raises BlockReplacedError once a newer block is there."""
        call = {
            "contract_address": hex(contract.felt),
            "entry_point_selector": hex(get_selector_from_name(function)),
            "calldata": [hex(felt) for felt in calldata],
        }
        params = {"request": call, "block_id": {"block_number": self.block}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "starknet_call", "params": params}
        answer = self.http.post(self.rpc_url, json=request).json()
        if "error" in answer and NO_STATE in str(answer["error"]):
            raise BlockReplacedError(f"{function} at block {self.block}: {answer['error']}")
        assert "result" in answer, f"{function} at block {self.block}: {answer}"
        return Felts([int(felt, 16) for felt in answer["result"]])


def snapshot(network: LocalNetwork, ledger: StarknetLedger) -> Snapshot:
    """Returns everybody's money at the newest block.

    Reads again from the start where a block came in between. Raises BlockReplacedError after ``ATTEMPTS``.
    """
    token = ledger.token()
    with httpx2.Client(timeout=30) as http:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _snapshot(network, token, _Books(http, network.rpc_url, ledger.head().block))
            except BlockReplacedError:
                if attempt == ATTEMPTS:
                    raise
    raise AssertionError("the last attempt returns or raises")


def _snapshot(network: LocalNetwork, token: Address, books: _Books) -> Snapshot:
    owned = {}
    for name, signer in network.signers.items():
        wallet = books.read(token, "balance_of", signer.address.felt).u256()
        held = read_balances(books.read(network.contract, "get_balances", signer.address.felt))
        parts = (held.withdrawable, held.worker_bonds, held.appeal_bonds, held.seat_bonds)
        owned[name] = wallet + sum(part.units for part in parts)
    totals = read_totals(books.read(network.contract, "get_totals"))
    return Snapshot(books.block, owned, totals.escrow.units, totals.forfeited.units)


def changes(network: LocalNetwork, before: Snapshot, after: Snapshot) -> dict[str, int]:
    """What changed hands between two snapshots, gas left out: only names that gained or lost.

    Fails when money appeared or vanished: what all lost together must be exactly the gas that
    the blocks between say was paid.
    """
    paid = fees_by_account(network.rpc_url, first_block=before.block + 1, last_block=after.block)
    gas = {name: paid[s.address].units for name, s in network.signers.items() if s.address in paid}
    moved = {name: after.owned[name] + gas.get(name, 0) - before.owned[name] for name in before.owned}
    moved["escrow"] = after.escrow - before.escrow
    moved["forfeited"] = after.forfeited - before.forfeited
    assert sum(moved.values()) == 0, f"money appeared or vanished: {moved}"
    return {name: change for name, change in moved.items() if change}
