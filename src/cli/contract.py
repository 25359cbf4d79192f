"""``tileproof contract``: deploy the contract."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from .console import facts, note, say, show_json
from .options import AsJson
from .show import transaction_url
from .wiring import Ports, settings_of

if TYPE_CHECKING:
    from ..domain.job import Bounds

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Deploy the contract."""


@app.command()
def deploy(
    context: typer.Context,
    bounds: Annotated[
        str,
        typer.Option(metavar="NAME", help="public: for a real network; local: short windows, small bonds."),
    ] = "public",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deployed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Declare and deploy a registry.

    Nobody can change its rules later.
    """
    from ..adapters.starknet.deploy import LOCAL_BOUNDS, PUBLIC_BOUNDS
    from ..domain.errors import InputError

    known = {"public": PUBLIC_BOUNDS, "local": LOCAL_BOUNDS}
    if bounds not in known:
        raise InputError(
            "contract.unknown_bounds", f"there are no bounds {bounds!r}", remedy="give public or local"
        )
    chosen = known[bounds]
    if dry_run:
        values = _values(chosen)
        if as_json:
            del values["seat_bond"]
            values["seat_bond_fri"] = str(chosen.seat_bond.units)
            show_json({"bounds": values, "sent": False})
        else:
            say("would deploy a registry with these bounds, fixed for good:")
            facts({name.replace("_", " "): value for name, value in values.items()})
        return
    with Ports(settings_of(context)) as ports:
        note("declaring and deploying (a few blocks)")
        deployed = ports.deploy_registry(chosen)
        url = transaction_url(ports.settings.explorer_url, deployed.tx_hash)
    if as_json:
        document = {"contract": str(deployed.address), "deployment_block": deployed.block}
        show_json({**document, "tx_hash": hex(deployed.tx_hash), "url": url, "sent": True})
    else:
        say(f"deployed {deployed.address}")
        note("transaction ", link=(f"{deployed.tx_hash:#x}", url))
        say(f"use it with: export JOB_REGISTRY_ADDRESS={deployed.address}")
        say(f'or in a network file: contract = "{deployed.address}" and deployment_block = {deployed.block}')


def _values(bounds: Bounds) -> dict[str, object]:
    return {field.name: getattr(bounds, field.name) for field in fields(bounds)}
