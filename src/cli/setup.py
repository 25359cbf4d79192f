"""``tileproof setup``: the programs that Tileproof needs, and the user's ``config.toml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import ask, can_ask, confirm, facts, note, say, show_json, stderr
from .options import AsJson
from .wiring import settings_of

if TYPE_CHECKING:
    from ..config import Settings
    from ..provision.download import GivenSource
    from ..provision.table import Tool

_GOES_ON = "run `tileproof setup` again: it goes on where this one stopped"
LOCALNET_ACCOUNT = "requester"


def setup(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these: devnet, kubo, bpy, cairo or cairo-test."),
    ] = None,
    localnet: Annotated[bool, typer.Option("--localnet", help="Also what a local network needs.")] = False,
    network: Annotated[str | None, typer.Option(metavar="NAME", help="Written to config.toml.")] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Written to config.toml.")] = None,
    rpc: Annotated[str | None, typer.Option(metavar="URL", help="A Starknet node; written.")] = None,
    contract: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The registry; written.")] = None,
    ipfs: Annotated[str | None, typer.Option(metavar="ADDRESS", help="An IPFS node's API; written.")] = None,
    accounts_file: Annotated[str | None, typer.Option(metavar="FILE", help="As sncast's; written.")] = None,
    reward: Annotated[
        str | None, typer.Option(metavar="STRK", help="What client submit offers per task; written.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace config.toml unasked.")] = False,
    build: Annotated[bool, typer.Option("--build", help="Build from source; download no release.")] = False,
    taken_from: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="NAME=PLACE", help="A file or an address to take a program from."),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIGEST", help="What that must be: sha256:… or sha512:…"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be fetched and written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch Blender and Kubo, and choose network and account.

    Each program is found, else downloaded and checked, else built; run it again to resume. A
    terminal is asked once for network and account. Elsewhere nothing is asked: options say it.
    """
    from .console import if_interrupted

    settings = settings_of(context, needs_network=False)
    sources = read_sources(taken_from or (), digest or ())
    tools = choose_tools(
        names or (), sources, localnet=localnet, has_blender=settings.blender_path is not None
    )
    given = {
        "network": network,
        "account": account,
        "rpc_url": rpc,
        "contract": contract,
        "ipfs_api": ipfs,
        "accounts.file": accounts_file,
        "terms.reward": reward,
    }
    table = {key: _from_here(key, value) for key, value in given.items() if value is not None}
    if not table and not names and not sources and not dry_run and not as_json:
        table = {key: _from_here(key, value) for key, value in _asked(settings, localnet=localnet).items()}
    writes = _may_write(settings, table, overwrite=overwrite or dry_run, as_json=as_json)
    with if_interrupted(_GOES_ON):
        places = _provide(tools, settings, sources, build=build, dry_run=dry_run, quiet=as_json)
    if writes and not dry_run:
        from ..config import write_user_file

        write_user_file(table, settings.user_file)
    if as_json:
        config = {"path": str(settings.user_file), "values": table, "written": writes and not dry_run}
        show_json({"programs": places, "config": config, "dry_run": dry_run})
        return
    facts({name: place or "missing: would be fetched" for name, place in places.items()})
    if table:
        verb = "would hold" if dry_run else "holds" if writes else "is kept, without"
        say(f"{settings.user_file} {verb} {', '.join(f'{key} {value}' for key, value in table.items())}")
    if not dry_run:
        local = localnet and "tileproof localnet up --detach, then "
        note(f"next: {local or ''}tileproof doctor, then tileproof client submit FILE.blend")


def read_sources(places: Sequence[str], digests: Sequence[str]) -> dict[str, GivenSource]:
    """Returns by tool what ``--from`` and ``--digest`` name together.

    Raises InputError ``provision.bad_source``, ``provision.digest_missing``, ``provision.bad_digest``.
    """
    from ..domain.errors import InputError
    from ..provision.download import GivenSource, for_this_machine, parse_digest
    from ..provision.table import TOOLS

    by_name = {tool.name: tool for tool in TOOLS if tool.on_path}
    named, expected = _pairs(places, "--from"), _pairs(digests, "--digest")
    for name in (*named, *expected):
        if name not in by_name:
            raise InputError(
                "provision.bad_source",
                f"no program {name!r} is taken from elsewhere",
                remedy=f"--from and --digest know {' and '.join(by_name)}; BLENDER_PATH names a Blender",
            )
    sources = {}
    for name in dict.fromkeys((*named, *expected)):
        place = named.get(name)
        release = for_this_machine(by_name[name])
        if place is None:
            raise InputError(
                "provision.bad_source", f"there is a digest of {name} and no place", remedy="add --from"
            )
        if name not in expected and release is None:
            raise InputError(
                "provision.digest_missing",
                f"no digest of {name} {by_name[name].version} is known for this machine",
                remedy=f"name the one that its publisher gives: --digest {name}=sha256:…",
            )
        digest = parse_digest(expected[name]) if name in expected else release.digest if release else ""
        sources[name] = GivenSource(place, digest)
    return sources


def choose_tools(
    names: Sequence[str], sources: Mapping[str, object], *, localnet: bool, has_blender: bool
) -> list[Tool]:
    """Returns what is to be fetched, each once. Raises InputError ``provision.unknown_tool``."""
    from ..domain.errors import InputError
    from ..provision.table import BPY, DEVNET, KUBO, TOOLS

    by_name = {tool.name: tool for tool in TOOLS}
    for name in names:
        if name not in by_name:
            raise InputError(
                "provision.unknown_tool",
                f"there is no tool {name!r}",
                remedy=f"there are {', '.join(by_name)}",
            )
    usual = [*([] if has_blender else [BPY]), KUBO, *([DEVNET] if localnet else [])]
    chosen = [by_name[name] for name in names] if names else usual
    return list(dict.fromkeys((*chosen, *(by_name[name] for name in sources))))


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    from ..domain.errors import InputError

    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(
                "provision.bad_source", f"{option} {text!r} has no value", remedy=f"give {option} NAME=VALUE"
            )
        found[name] = value
    return found


def _asked(settings: Settings, *, localnet: bool) -> dict[str, str]:
    """Returns what a person answers; nothing where there is a file already, or nobody to ask."""
    if not can_ask() or settings.user_file.exists():
        return {}
    answers = {
        "network": ask(
            "network (localnet, a name, a network file; empty for none):", "localnet" if localnet else ""
        )
    }
    usual = LOCALNET_ACCOUNT if answers["network"] == "localnet" else ""
    answers["account"] = ask("account (a name in the accounts file; empty for none):", usual)
    return {key: value for key, value in answers.items() if value}


def _from_here(key: str, value: str) -> str:
    """Returns a path that is meant from the present folder as an absolute one: the file lies elsewhere."""
    is_path = key == "accounts.file" or (key == "network" and ("/" in value or value.endswith(".toml")))
    return str(Path(value).expanduser().absolute()) if is_path else value


def _may_write(settings: Settings, table: Mapping[str, object], *, overwrite: bool, as_json: bool) -> bool:
    """Returns True if the table is to be written. Raises InputError ``setup.config_exists``."""
    from ..config import LOCALNET, check_user_file, find_network_file
    from ..domain.errors import InputError

    if not table:
        return False
    check_user_file(table, settings.user_file)
    network = table.get("network")
    if network is not None and network != LOCALNET:  # which may still have to be started
        find_network_file(str(network), settings.home, settings.user_file.parent)
    if overwrite or not settings.user_file.exists():
        return True
    if can_ask() and not as_json:
        return confirm(f"replace {settings.user_file}?")
    raise InputError(
        "setup.config_exists",
        f"{settings.user_file} exists and would be replaced",
        remedy="edit it, or give --overwrite",
        path=settings.user_file,
    )


def _provide(
    tools: Sequence[Tool],
    settings: Settings,
    sources: Mapping[str, GivenSource],
    *,
    build: bool,
    dry_run: bool,
    quiet: bool,
) -> dict[str, str | None]:
    """Returns the place of each program after it is there; None for one that a dry run misses."""
    from ..provision.install import clear_shared, provide
    from ..provision.locate import find
    from ..provision.progress import Progress

    console = stderr()
    console.quiet = quiet
    progress = Progress(console)
    places: dict[str, str | None] = {}
    for tool in tools:
        if dry_run:
            found = find(tool, settings.cache)
        else:
            given = sources.get(tool.name)
            found = provide(tool, settings.cache, progress, may_download=not build, given=given).program
        places[tool.name] = None if found is None else str(found)
    if not dry_run:
        clear_shared(settings.cache)
    return places
