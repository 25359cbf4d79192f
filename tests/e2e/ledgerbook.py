"""Exact money for tests: what each account owns, gas on a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.localnet.fees import fees_by_account
from tileproof.localnet.network import LocalNetwork


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All amounts in fri at one block; an account's are wallet, withdrawable and bonds together."""

    block: int
    owned: Mapping[str, int]
    escrow: int
    forfeited: int


def snapshot(network: LocalNetwork, ledger: StarknetLedger) -> Snapshot:
    owned = {}
    for name, signer in network.signers.items():
        held = ledger.balances(signer.address)
        parts = (held.wallet, held.withdrawable, held.worker_bonds, held.seat_bonds)
        owned[name] = sum(part.units for part in parts)
    totals = ledger.totals()
    return Snapshot(ledger.head().block, owned, totals.escrow.units, totals.forfeited.units)


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
