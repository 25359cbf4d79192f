"""``tileproof localnet``: a whole network on this machine, with play money."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import facts, note, say, show_json, table
from .options import AsJson
from .wiring import settings_of

if TYPE_CHECKING:
    from ..config import Settings
    from ..localnet.supervision import NetworkStatus

app = typer.Typer(no_args_is_help=True)

Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="The chain's RPC port; a free one if not given.")
]


@app.callback()
def group() -> None:
    """A whole network on this machine, with play money."""


@app.command()
def up(
    context: typer.Context,
    workers: Annotated[int, typer.Option(min=0, max=2, help="Workers to start.")] = 2,
    verifiers: Annotated[int, typer.Option(min=0, max=4, help="Verifiers to start.")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="Blender's threads, for each role.")] = 1,
    port: Port = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is up.")] = False,
) -> None:
    """Start a chain, two IPFS nodes, the contract, workers and verifiers; Ctrl-C stops them all."""
    from ..localnet.network import VERIFIERS, WORKERS, Shape
    from ..localnet.supervision import run_until_stopped, start_detached

    settings = settings_of(context)
    shape = Shape(workers=WORKERS[:workers], verifiers=VERIFIERS[:verifiers], threads=threads, rpc_port=port)
    if detach:
        note("starting the local network (about 20 s)")
        status = start_detached(_folder(settings), settings.home, _flags(workers, verifiers, threads, port))
        _show(status)
        return
    note("starting the local network (about 20 s)")
    run_until_stopped(_folder(settings), settings.cache, shape, on_up=_show)
    note("network down; nothing is left running")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """What runs, where it answers, and where its logs are."""
    from ..localnet.supervision import read_status

    found = read_status(_folder(settings_of(context)))
    if as_json:
        show_json(
            {
                "up": found.is_up,
                "rpc_url": found.rpc_url,
                "contract": found.contract,
                "ipfs_api": found.ipfs_api,
                "processes": {name: {"pid": pid, "running": on} for name, pid, on in found.processes},
                "folder": str(found.folder),
            }
        )
        return
    _show(found)


@app.command()
def down(context: typer.Context) -> None:
    """Stop the local network, whoever started it."""
    from ..localnet.supervision import stop

    say(
        "network down; nothing is left running"
        if stop(_folder(settings_of(context)))
        else "nothing was running"
    )


@app.command()
def reset(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Stop it and remove its folder: logs, journals, IPFS repos."""
    from ..localnet.supervision import remove

    folder = _folder(settings_of(context))
    if dry_run:
        say(f"would remove {folder}")
        return
    remove(folder)
    say(f"removed {folder}")


def _folder(settings: Settings) -> Path:
    return settings.home / "localnet"


def _flags(workers: int, verifiers: int, threads: int, port: int | None) -> list[str]:
    flags = ["--workers", str(workers), "--verifiers", str(verifiers), "--threads", str(threads)]
    return flags if port is None else [*flags, "--port", str(port)]


def _show(found: NetworkStatus) -> None:
    if not found.is_up:
        say("the local network is down; start it with `tileproof localnet up`")
        return
    facts(
        {
            "chain": found.rpc_url,
            "contract": found.contract,
            "IPFS": found.ipfs_api,
            "logs": found.folder / "logs",
        }
    )
    table(
        ("process", "pid", "running"),
        [(name, pid, "yes" if on else "no") for name, pid, on in found.processes],
    )
    say("use it with: tileproof --network localnet --account requester client submit FILE")
