"""``tileproof account``: money, bonds and seats of the chosen account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..domain.block_time import from_now
from .console import facts, note, say, show_json
from .options import AsJson, DryRun
from .show import many
from .wiring import Ports, settings_of

if TYPE_CHECKING:
    from ..client.account import AccountView
    from ..domain.errors import ConfigError

app = typer.Typer(no_args_is_help=True)

_NOTHING_SENT = "dry run: nothing was sent"


@app.command("show")
def show_account(context: typer.Context, as_json: AsJson = False) -> None:
    """Wallet, withdrawable balance, bonds, seats."""
    from ..client.account import read_account

    with Ports(settings_of(context), role="account") as ports:
        view = read_account(ports.address, ledger=ports.reader)
        missing = not_deployed(ports)
        if as_json:
            show_json({**_json(ports.address, view), "deployed": missing is None})
        else:
            _show(ports.address, view, ports.settings.block_seconds)
            if missing is not None:
                note(f"{missing.message}\n  → {missing.remedy}")


@app.command()
def bond(
    context: typer.Context,
    amount: Annotated[str | None, typer.Argument(metavar="STRK", help="Deposited for bonds.")] = None,
    seat: Annotated[bool, typer.Option("--seat", help="Take a verifier's seat.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Deposit STRK for bonds, or take a seat.

    Claims lock bonds out of what was deposited; --seat deposits what is missing of a
    verifier's bond and takes a seat.
    """
    from ..client.account import check_amount, deposit, missing_for_seat, take_seat
    from ..domain.errors import InputError
    from ..domain.money import ZERO, parse_strk

    if (amount is None) == (not seat):
        raise InputError(
            "bond.what", "say how much to deposit, or --seat", remedy="such as `tileproof account bond 20`"
        )
    with Ports(settings_of(context), role="account") as ports:
        ledger = ports.ledger
        moved = missing_for_seat(ledger) if seat else parse_strk(amount or "")
        slot = None
        if not seat:
            check_amount(moved, ledger.balances(ledger.account()).wallet, "wallet")
        if not dry_run and seat:
            slot = take_seat(ledger)
        elif not dry_run:
            deposit(moved, ledger=ledger)
        if as_json:
            show_json({"deposited_fri": str(moved.units), "slot": slot, "sent": not dry_run})
            return
        if moved != ZERO:
            say(f"{moved} from the wallet into the contract")
        if seat:
            where = "a seat" if slot is None else f"seat {slot}"
            say(f"{where} under a bond of {ledger.bounds().seat_bond}; drawn for claims made from now on")
        if dry_run:
            say(_NOTHING_SENT)


@app.command("exit")
def leave(context: typer.Context, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Leave every seat.

    Collects the bonds of those left long enough ago; run it again for the others.
    """
    from ..client.account import leave_seats, plan_exit, read_account

    with Ports(settings_of(context), role="account") as ports:
        ledger = ports.ledger
        view = read_account(ports.address, ledger=ledger)
        plan = plan_exit(view)
        if not dry_run:
            leave_seats(plan, ledger=ledger)
        if as_json:
            show_json(
                {
                    "leaves": list(plan.leave),
                    "collects": list(plan.collect),
                    "later": [{"slot": slot, "block": block} for slot, block in plan.later],
                    "sent": not dry_run,
                }
            )
            return
        for slot in plan.collect:
            say(f"seat {slot}: its bond is collected (`tileproof account withdraw`)")
        for slot, block in plan.later:
            left = from_now(block, view.block, ports.settings.block_seconds)
            say(f"seat {slot}: leaving; run exit again from block {block} on ({left})")
        if not plan.collect and not plan.later:
            say("this account has no seat")
        if dry_run:
            say(_NOTHING_SENT)


@app.command()
def withdraw(
    context: typer.Context,
    amount: Annotated[str | None, typer.Argument(metavar="STRK", help="[default: all]")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Move the withdrawable balance, or part of it, to the wallet."""
    from ..client.account import check_amount
    from ..client.account import withdraw as send
    from ..domain.money import parse_strk

    wanted = None if amount is None else parse_strk(amount)
    with Ports(settings_of(context), role="account") as ports:
        ledger = ports.ledger
        held = ledger.balances(ledger.account()).withdrawable
        moved = held if wanted is None else wanted
        check_amount(moved, held, "withdrawable balance")
        if not dry_run:
            send(moved, ledger=ledger)
        if as_json:
            show_json({"withdrawn_fri": str(moved.units), "sent": not dry_run})
        else:
            say(f"{moved} to the wallet" + (f" ({_NOTHING_SENT})" if dry_run else ""))


@app.command()
def faucet(
    context: typer.Context,
    amount: Annotated[str, typer.Argument(metavar="STRK")] = "100",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Play money, where the network is a devnet."""
    from ..domain.money import parse_strk

    wanted = parse_strk(amount)
    with Ports(settings_of(context), role="account") as ports:
        ports.mint(wanted, dry_run=dry_run)
        if as_json:
            show_json({"minted_fri": str(wanted.units), "sent": not dry_run})
        else:
            say(f"{wanted} of play money to {ports.address}" + (f" ({_NOTHING_SENT})" if dry_run else ""))


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the accounts file.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and an account's address.

    Saves both in the accounts file, in sncast's form, where only you can read them. Costs nothing and
    sends nothing; `tileproof account deploy` does.
    """
    with Ports(settings_of(context), role="account") as ports:
        address, path, network = ports.create_account(name, dry_run=dry_run)
        if as_json:
            show_json({"address": str(address), "file": str(path), "network": network, "saved": not dry_run})
            return
        if dry_run:
            say(f"would save the account {name!r} on {network} in {path}; nothing was saved")
            return
        facts({"account": name, "address": address, "network": network, "file": path})
        note(f"next: send it STRK, then tileproof --account {name} account deploy")


@app.command()
def deploy(context: typer.Context, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Deploy the chosen account.

    Shows what that may cost at most and, where its wallet holds too little, where money comes from.
    """
    with Ports(settings_of(context), role="account") as ports:
        plan, sent = ports.deploy_account(dry_run=dry_run)
        if as_json:
            show_json(
                {
                    "address": str(plan.address),
                    "at_most_fri": str(plan.most.units),
                    "wallet_fri": str(plan.wallet.units),
                    "transaction": None if sent is None else hex(sent),
                    "sent": sent is not None,
                }
            )
            return
        facts({"account": plan.address, "costs at most": plan.most, "wallet": plan.wallet})
        if sent is None:
            if plan.wallet < plan.most:
                note(f"its wallet holds too little: {plan.funding}")
            say(_NOTHING_SENT)
        else:
            say(f"deployed by transaction {sent:#x}")


def not_deployed(ports: Ports) -> ConfigError | None:
    """Returns what is wrong with an account that the chain does not have; None for one that it has."""
    from ..domain.errors import ConfigError

    try:
        ports.check_account(with_key=False)
    except ConfigError as error:
        if error.code != "account.not_deployed":
            raise
        return error
    return None


def _json(address: object, view: AccountView) -> dict[str, object]:
    balances = view.balances
    return {
        "address": str(address),
        "wallet_fri": str(balances.wallet.units),
        "withdrawable_fri": str(balances.withdrawable.units),
        "worker_bonds_fri": str(balances.worker_bonds.units),
        "appeal_bonds_fri": str(balances.appeal_bonds.units),
        "seat_bonds_fri": str(balances.seat_bonds.units),
        "block": view.block,
        "seats": [
            {
                "slot": seat.slot,
                "bond_fri": str(seat.bond.units),
                "since_block": seat.since_block,
                "leaving_block": seat.leaving_block,
                "collectable_at_block": view.collectable_at(seat),
            }
            for seat in view.seats
        ],
    }


def _show(address: object, view: AccountView, block_seconds: float) -> None:
    balances = view.balances
    facts(
        {
            "account": address,
            "wallet": balances.wallet,
            "withdrawable": f"{balances.withdrawable} (in the contract, bound to nothing)",
            "worker bonds": f"{balances.worker_bonds} (in live claims)",
            "appeal bonds": f"{balances.appeal_bonds} (until the appeals are settled)",
            "seat bonds": f"{balances.seat_bonds} in {many(len(view.seats), 'seat')}",
        }
    )
    for seat in view.seats:
        due = view.collectable_at(seat)
        if due is None:
            state = f"active since block {seat.since_block}"
        elif due <= view.block:
            state = "left; `tileproof account exit` collects it"
        else:
            left = from_now(due, view.block, block_seconds)
            state = f"leaving; can be collected from block {due} ({left})"
        say(f"  seat {seat.slot}  {seat.bond}  {state}")
