"""Wallets, balances and totals; and tokens that do what no token should."""

from __future__ import annotations

from tileproof.domain.job import Address, Balances, Totals
from tileproof.domain.money import Fri

from .books import Token
from .call import Call
from .checks import require
from .settlement import per_task

HOLDINGS_LIMIT = 2**122
"""The contract never holds more in all."""


class Money(Call):
    def deposit(self, amount: Fri) -> None:
        require(amount.units != 0, "AMOUNT_ZERO")
        self.check_room(amount.units)
        self.credit(self.caller, amount.units)
        self.transfer(self.caller, self.chain.contract, amount.units)

    def withdraw(self, amount: Fri) -> None:
        require(amount.units != 0, "AMOUNT_ZERO")
        self.debit(self.caller, amount.units)
        self.transfer(self.chain.contract, self.caller, amount.units)

    def balances(self, account: Address) -> Balances:
        books = self.books
        return Balances(
            wallet=Fri(books.wallets.get(account, 0)),
            withdrawable=Fri(books.withdrawable.get(account, 0)),
            worker_bonds=Fri(books.worker_bonds.get(account, 0)),
            seat_bonds=Fri(sum(seat.bond.units for seat in books.seats if seat.owner == account)),
            appeal_bonds=Fri(books.appeal_bonds.get(account, 0)),
        )

    def totals(self) -> Totals:
        """Escrow is what the tasks that are neither paid nor refunded hold, so that it cannot
        drift from them."""
        books = self.books
        live = ((job.task_count - job.paid - job.refunded) * per_task(job.terms) for job in books.jobs)
        locked = sum(books.worker_bonds.values()) + sum(books.appeal_bonds.values())
        return Totals(
            escrow=Fri(sum(live)),
            bonds=Fri(locked + sum(seat.bond.units for seat in books.seats)),
            withdrawable=Fri(sum(books.withdrawable.values())),
            forfeited=Fri(books.forfeited),
        )

    # --- what the phases need ---

    def check_room(self, amount: int) -> None:
        totals = self.totals()
        held = (totals.escrow, totals.bonds, totals.withdrawable, totals.forfeited)
        require(sum(part.units for part in held) + amount < HOLDINGS_LIMIT, "HOLDS_TOO_MUCH")

    def credit(self, account: Address, amount: int) -> None:
        add(self.books.withdrawable, account, amount)

    def debit(self, account: Address, amount: int) -> None:
        require(self.books.withdrawable.get(account, 0) >= amount, "BALANCE_TOO_LOW")
        add(self.books.withdrawable, account, -amount)

    def transfer(self, giver: Address, taker: Address, amount: int) -> None:
        """The token's own doing, and what the contract says to it afterwards."""
        token = self.books.token
        require(token is not Token.REFUSES, "TOKEN_REFUSED")
        require(token is not Token.REENTERS, "REENTERED")
        require(self.books.wallets.get(giver, 0) >= amount, "WALLET_TOO_LOW")
        require(token is not Token.TAKES_A_FEE, "TOKEN_MISCOUNTED")
        add(self.books.wallets, giver, -amount)
        add(self.books.wallets, taker, amount)


def add(book: dict[Address, int], account: Address, amount: int) -> None:
    book[account] = book.get(account, 0) + amount
    assert book[account] >= 0, f"{account} owes {-book[account]} fri"
