"""Bonds and seats of one account, for whichever role it plays."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.errors import InputError
from ..domain.job import Address, Balances, Seat
from ..domain.money import ZERO, Fri
from ..ports.ledger import Ledger, LedgerReader


@dataclass(frozen=True, slots=True)
class AccountView:
    balances: Balances
    seats: tuple[Seat, ...]
    block: int
    seat_exit_blocks: int

    def collectable_at(self, seat: Seat) -> int | None:
        """The block from which a leaving seat's bond can be collected; None while it sits."""
        return None if seat.leaving_block is None else seat.leaving_block + self.seat_exit_blocks


def read_account(account: Address, *, ledger: LedgerReader) -> AccountView:
    return AccountView(
        balances=ledger.balances(account),
        seats=tuple(seat for seat in ledger.seats_of(account) if not seat.collected),
        block=ledger.head().block,
        seat_exit_blocks=ledger.bounds().seat_exit_blocks,
    )


def deposit(amount: Fri, *, ledger: Ledger) -> None:
    """Wallet to withdrawable balance, where bonds are locked from.

    Raises InputError ``money.zero``, ``money.balance_too_small``.
    """
    check_amount(amount, ledger.balances(ledger.account()).wallet, "wallet")
    ledger.deposit(amount)


def withdraw(amount: Fri | None, *, ledger: Ledger) -> Fri:
    """Withdrawable balance to wallet; None means all of it. Returns what was moved."""
    withdrawable = ledger.balances(ledger.account()).withdrawable
    wanted = withdrawable if amount is None else amount
    check_amount(wanted, withdrawable, "withdrawable balance")
    ledger.withdraw(wanted)
    return wanted


def missing_of(bond: Fri, ledger: Ledger) -> Fri:
    """What must be deposited before ``bond`` can be locked.

    Raises InputError ``money.balance_too_small`` when the wallet does not hold it.
    """
    balances = ledger.balances(ledger.account())
    missing = bond - balances.withdrawable if bond > balances.withdrawable else ZERO
    if missing > balances.wallet:
        check_amount(missing, balances.wallet, "wallet")
    return missing


def missing_for_seat(ledger: Ledger) -> Fri:
    """What must be deposited before a seat can be taken. Raises as ``missing_of``."""
    return missing_of(ledger.bounds().seat_bond, ledger)


def take_seat(ledger: Ledger) -> int:
    """Deposits what is missing of a seat's bond and takes a seat; returns its slot."""
    missing = missing_for_seat(ledger)
    if missing.units:
        ledger.deposit(missing)
    return ledger.take_seat()[0]


@dataclass(frozen=True, slots=True)
class Exit:
    """What an exit does now, and what is left for later."""

    leave: tuple[int, ...]
    collect: tuple[int, ...]
    later: tuple[tuple[int, int], ...]  # (slot, block from which it can be collected)


def plan_exit(view: AccountView) -> Exit:
    leave, collect, later = [], [], []
    for seat in view.seats:
        due = view.collectable_at(seat)
        if due is None:
            leave.append(seat.slot)
            later.append((seat.slot, view.block + view.seat_exit_blocks))
        elif due <= view.block:
            collect.append(seat.slot)
        else:
            later.append((seat.slot, due))
    return Exit(tuple(leave), tuple(collect), tuple(later))


def leave_seats(plan: Exit, *, ledger: Ledger) -> None:
    for slot in plan.leave:
        ledger.leave_seat(slot)
    for slot in plan.collect:
        ledger.collect_seat(slot)


def check_amount(amount: Fri, available: Fri, where: str) -> None:
    """Raises InputError ``money.zero`` or ``money.balance_too_small``."""
    if not amount.units:
        raise InputError(
            "money.zero",
            f"there is nothing to move: the {where} holds {available}",
            remedy="`tileproof account show` tells where this account's money is",
        )
    if amount > available:
        raise InputError(
            "money.balance_too_small",
            f"{amount} is more than the {where} holds: {available}",
            remedy="ask for less, or fund the account",
            amount=amount,
            available=available,
        )
