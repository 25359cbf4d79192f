"""Who has what, before and after, to the last unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from tileproof.domain.job import Address, Totals
from tileproof.domain.money import ZERO, Fri
from tileproof.localnet.fees import fees_by_account, fees_by_transaction
from tileproof.ports.ledger import LedgerReader

PLACES = 4
TABLE_WIDTH = 76
"""A narrower terminal wraps the lines of a table rather than losing their ends."""


@dataclass(frozen=True, slots=True)
class Purse:
    """All money of all accounts at one block."""

    block: int
    by_name: Mapping[str, Fri]
    """Wallet, withdrawable balance and bonds together."""
    totals: Totals

    @property
    def in_contract(self) -> Fri:
        """What the contract holds that belongs to no account: escrow and what is forfeited."""
        return self.totals.escrow + self.totals.forfeited

    @property
    def sum(self) -> Fri:
        return Fri(sum(amount.units for amount in self.by_name.values())) + self.in_contract


def look(ledger: LedgerReader, names: Mapping[Address, str]) -> Purse:
    """Everything at the head of the chain."""
    block = ledger.head().block
    owned = {}
    for address, name in names.items():
        held = ledger.balances(address)
        owned[name] = (
            held.wallet + held.withdrawable + held.worker_bonds + held.appeal_bonds + held.seat_bonds
        )
    return Purse(block, owned, ledger.totals())


def gas_between(rpc_url: str, before: Purse, after: Purse, names: Mapping[Address, str]) -> dict[str, Fri]:
    """Fees that each account paid in the blocks between two looks."""
    paid = fees_by_account(rpc_url, first_block=before.block + 1, last_block=after.block)
    return {name: paid.get(address, ZERO) for address, name in names.items()}


def show_gas(
    console: Console, rpc_url: str, before: Purse, after: Purse, calls: Mapping[str, Collection[int]]
) -> None:
    """What each of the contract's calls cost in gas, on average."""
    fees = fees_by_transaction(rpc_url, first_block=before.block + 1, last_block=after.block)
    means = []
    for call, hashes in calls.items():
        total = sum(fees[tx_hash].units for tx_hash in hashes)
        means.append(f"{call} {Fri(total // len(hashes)).strk(PLACES)}")
    console.print(f"  gas per call: {', '.join(means)} STRK", highlight=False)


def show(console: Console, before: Purse, after: Purse, gas: Mapping[str, Fri]) -> bool:
    """Prints the table; True when nothing was lost and nothing appeared."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for heading in ("", "before", "after", "change without gas", "gas"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, had in before.by_name.items():
        has, fee = after.by_name[name], gas[name]
        change = has.units + fee.units - had.units
        table.add_row(name, had.strk(PLACES), has.strk(PLACES), _signed(change), fee.strk(PLACES))
    for name, had, has in (
        ("in escrow", before.totals.escrow, after.totals.escrow),
        ("forfeited to nobody", before.totals.forfeited, after.totals.forfeited),
    ):
        change = has.units - had.units
        table.add_row(name, had.strk(PLACES), has.strk(PLACES), _signed(change), "", style="dim")
    Console(file=console.file, width=max(console.width, TABLE_WIDTH)).print(table)
    all_gas = sum(fee.units for fee in gas.values())
    difference = before.sum.units - after.sum.units - all_gas
    verdict = "adds up to the last unit" if difference == 0 else f"DIFFERS by {difference} fri"
    console.print(f"  before = after + gas ({Fri(all_gas).strk()} STRK): {verdict}", highlight=False)
    return difference == 0


def _signed(units: int) -> str:
    return f"{'-' if units < 0 else '+'}{Fri(abs(units)).strk(PLACES)}"
