"""``tileproof localnet``: a whole network on this machine, with play money."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import facts, note, say, show_json, table
from .options import AsJson
from .wiring import check_isolation, rpc_url_of, settings_of

if TYPE_CHECKING:
    from ..config import Settings
    from ..localnet.supervision import NetworkStatus

app = typer.Typer(no_args_is_help=True)

Workers = Annotated[int, typer.Option(min=0, max=2, metavar="N", help="How many workers.")]
Verifiers = Annotated[
    int, typer.Option(min=0, max=4, metavar="N", help="How many verifiers, four seats each.")
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, metavar="N", help="The chain's RPC port; a free one if not given."),
]


@app.callback()
def group() -> None:
    """A whole network on this machine, with play money."""


@app.command()
def up(
    context: typer.Context,
    workers: Workers = 2,
    verifiers: Verifiers = 4,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="Blender's threads, for each role.")] = 1,
    port: Port = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is up.")] = False,
) -> None:
    """Start it: chain, IPFS, contract, roles.

    A devnet, two IPFS nodes, the contract, workers and verifiers, each a process of its own.
    Ctrl-C stops them all.
    """
    check_isolation("a local network")  # before modules are imported that take it for granted
    from ..localnet.network import Shape
    from ..localnet.prepare import VERIFIERS, WORKERS
    from ..localnet.supervision import check_can_start, run_until_stopped, start_detached

    settings = settings_of(context, needs_network=False)
    shape = Shape(workers=WORKERS[:workers], verifiers=VERIFIERS[:verifiers], threads=threads, rpc_port=port)
    check_can_start(_folder(settings), port)
    note("starting the local network (about 20 s)")
    if detach:
        flags = _flags(workers, verifiers, threads, port)
        _show(start_detached(_folder(settings), _home_given(settings), flags, rpc_port=port))
        note("stop it with: tileproof localnet down")
        return
    run_until_stopped(_folder(settings), settings.cache, shape, on_up=_show)
    note("network down; nothing is left running")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """What runs, where it answers, and where its logs are."""
    from ..localnet.supervision import read_status

    found = read_status(_folder(settings_of(context, needs_network=False)))
    if as_json:
        show_json(
            {
                "up": found.is_up,
                "starting": found.is_starting,
                "ended": found.ended or None,
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
        if stop(_folder(settings_of(context, needs_network=False)))
        else "nothing was running"
    )


@app.command()
def reset(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Stop it and remove its folder: logs, journals, IPFS repos."""
    from ..localnet.supervision import remove

    folder = _folder(settings_of(context, needs_network=False))
    if dry_run:
        say(f"would remove {folder}")
        return
    remove(folder)
    say(f"removed {folder}")


@app.command()
def prepare(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the network file goes.")],
    workers: Workers = 2,
    verifiers: Verifiers = 4,
    as_json: AsJson = False,
) -> None:
    """Deploy and fund on a devnet that runs already.

    Writes FOLDER/network.toml. The chain is STARKNET_RPC, the IPFS node that the file names
    IPFS_API. Where the chain has the contract that the file names, nothing is done again.
    """
    from ..localnet.prepare import NETWORK_FILE, VERIFIERS, WORKERS, prepared_contract
    from ..localnet.prepare import prepare as make_ready

    settings = settings_of(context, needs_network=False)
    rpc_url = rpc_url_of(settings)
    contract = prepared_contract(folder, rpc_url)
    if contract is None:
        note("deploying, depositing, taking seats (some blocks)")
        contract = make_ready(
            folder,
            rpc_url=rpc_url,
            ipfs_api=settings.ipfs_api,
            workers=WORKERS[:workers],
            verifiers=VERIFIERS[:verifiers],
        ).contract
    if as_json:
        show_json({"contract": str(contract), "network": str(folder / NETWORK_FILE)})
    else:
        say(f"{folder / NETWORK_FILE} names contract {contract}")


@app.command()
def devnet(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address it listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5050,
    prepared: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            metavar="FOLDER",
            help="Where `localnet prepare` names the contract: a block a second only while its tasks wait.",
        ),
    ] = None,
) -> None:
    """Only the chain, in the foreground; a block every second."""
    from ..localnet.parts import become_devnet, run_devnet
    from ..provision.locate import locate
    from ..provision.table import DEVNET

    program = locate(DEVNET, settings_of(context, needs_network=False).cache)
    if prepared is None:
        become_devnet(program, host=host, port=port)
    raise typer.Exit(run_devnet(program, host=host, port=port, prepared=prepared))


@app.command()
def kubo(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The host name under which its peers reach it.")],
    repo: Annotated[Path, typer.Option(file_okay=False, help="Where its blocks are kept.")],
    swarm: Annotated[Path, typer.Option(file_okay=False, help="A folder that all nodes of one swarm share.")],
) -> None:
    """Only one IPFS node of a private swarm, in the foreground.

    Its admin port, 5001, listens on every interface of this machine or container: publish it nowhere.
    """
    from ..localnet.parts import become_kubo
    from ..provision.locate import locate
    from ..provision.table import KUBO

    become_kubo(
        locate(KUBO, settings_of(context, needs_network=False).cache), name=name, repo=repo, swarm=swarm
    )


def _folder(settings: Settings) -> Path:
    return settings.home / "localnet"


def _home_given(settings: Settings) -> Path | None:
    """Returns the folder that holds everything; None where configuration and state lie apart."""
    return settings.home if settings.user_file.parent == settings.home else None


def _flags(workers: int, verifiers: int, threads: int, port: int | None) -> list[str]:
    flags = ["--workers", str(workers), "--verifiers", str(verifiers), "--threads", str(threads)]
    return flags if port is None else [*flags, "--port", str(port)]


def _show(found: NetworkStatus) -> None:
    if found.is_starting:
        say("the local network is starting; `tileproof localnet down` stops it")
        return
    if not found.is_up:
        if found.ended:
            say(f"the local network ended by itself: {found.ended}")
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
