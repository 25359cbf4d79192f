"""The command line ``tileproof``: its groups put together.

Group modules import what they need inside their commands, so that ``tileproof --help`` does
not wait for a Starknet library.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from . import account, client, contract, doctor, localnet, verifier, worker
from .console import run, say, setup_logging
from .wiring import Globals

app = typer.Typer(
    name="tileproof",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help texts say [default: ...], which is no markup
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(client.app, name="client", help="Submit jobs, watch them, fetch what was paid for.")
app.add_typer(worker.app, name="worker", help="Render for others, under a bond.")
app.add_typer(verifier.app, name="verifier", help="Audit what workers submit, from a bonded seat.")
app.add_typer(account.app, name="account", help="Money: balances, bonds, seats.")
app.add_typer(localnet.app, name="localnet", help="A whole network on this machine, with play money.")
app.add_typer(contract.app, name="contract", help="Deploy the contract.")
app.command("doctor")(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"tileproof {version('tileproof')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    network: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="localnet, a name in HOME/networks, or a network file."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A name in the accounts file, or a starkli account file."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where Tileproof keeps its state.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what adapters do.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A decentralised render network whose results are proved.

    Try it on this machine, with play money:

    \b
      tileproof doctor
      tileproof localnet up --detach
      tileproof --network localnet --account requester \\
          client submit FILE.blend --reward 1 --wait
      tileproof localnet down
    """
    setup_logging(logging.DEBUG if verbose else logging.WARNING)
    context.obj = Globals(network=network, account=account, home=home)


def command(arguments: Sequence[str]) -> object:
    return app(args=list(arguments), prog_name="tileproof", standalone_mode=False)


def main() -> None:
    sys.exit(run(command, sys.argv[1:]))


if __name__ == "__main__":
    main()
