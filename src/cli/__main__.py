"""The command line ``tileproof``: its groups put together.

Group modules import what they need inside their commands, so that ``tileproof --help`` does
not wait for a Starknet library.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from . import completion, doctor, setup
from .console import ended_stdout, make_streams_usable, run, setup_logging
from .wiring import Globals

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""So many that importing libraries, whose objects stay, is not interrupted again and again."""
GROUPS = {
    "client": "Submit jobs, watch them, fetch what was paid for.",
    "worker": "Render for others, under a bond.",
    "verifier": "Audit what workers submit, from a bonded seat.",
    "account": "Money: balances, bonds, seats.",
    "localnet": "A whole network on this machine, with play money.",
    "contract": "Deploy the contract.",
}
"""A module each, whose ``app`` has the group's commands."""


def assembled(arguments: Sequence[str]) -> typer.Typer:
    """Returns the command line with those groups filled that the arguments name.

    To import and inspect the others takes as long as a short command itself. Shell completion passes no
    arguments and gets all.
    """
    app = typer.Typer(
        name="tileproof",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # help texts say [default: ...], which is no markup
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, what_for in GROUPS.items():
        is_meant = name in arguments or not arguments
        group = import_module(f".{name}", __package__).app if is_meant else typer.Typer()
        app.add_typer(group, name=name, help=what_for)
    app.command("setup")(setup.setup)
    app.command("doctor")(doctor.doctor)
    app.callback()(options)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tileproof {version('tileproof')}")
        raise typer.Exit


def options(
    context: typer.Context,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="localnet, the name of a file in networks/, or a network file.",
            autocompletion=completion.networks,
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A name in the accounts file, or a starkli account file.",
            autocompletion=completion.accounts,
        ),
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
      tileproof setup --localnet
      tileproof localnet up --detach
      tileproof --network localnet --account requester \\
          client submit FILE.blend --reward 1 --wait
      tileproof localnet down
    """
    setup_logging(logging.DEBUG if verbose else logging.WARNING)
    context.obj = Globals(network=network, account=account, home=home)


def command(arguments: Sequence[str]) -> object:
    return assembled(arguments)(args=list(arguments), prog_name="tileproof", standalone_mode=False)


def main() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    make_streams_usable()
    status = ended_stdout(run(command, sys.argv[1:]))
    gc.freeze()  # the process ends: nothing is left for a collector to find, and looking takes a fifth
    sys.exit(status)


if __name__ == "__main__":
    main()
