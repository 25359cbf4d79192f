"""Values that a shell completes, from files of this machine alone: no node is asked.

What cannot be read completes to nothing, since a shell has no place for an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..domain.errors import TileproofError

if TYPE_CHECKING:
    from ..config import Settings

_FETCHED = "job-*"
_JOURNALS = "client/*/journal.sqlite"
"""One for each account, below a network's state."""


def networks(context: typer.Context, incomplete: str) -> list[str]:
    """Returns ``localnet`` where one was started, and the names of the files of networks."""
    settings = _settings(context)
    if settings is None:
        return []
    found = [path.stem for path in (settings.home / "networks").glob("*.toml")]
    if (settings.home / "localnet" / "network.toml").is_file():
        found.append("localnet")
    return _beginning(incomplete, found)


def accounts(context: typer.Context, incomplete: str) -> list[str]:
    """Returns the names in the accounts file of the chosen network."""
    settings = _settings(context)
    if settings is None or settings.accounts.file is None:
        return []
    try:
        whole = json.loads(settings.accounts.file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(whole, dict):
        return []
    wanted = settings.accounts.network
    sections = [names for network, names in whole.items() if wanted in (None, network)]
    return _beginning(incomplete, [name for each in sections if isinstance(each, dict) for name in each])


def jobs(context: typer.Context, incomplete: str) -> list[str]:
    """Returns the jobs that were submitted from this machine, or fetched into this folder."""
    from ..adapters.store.journal import peek
    from ..client.submit import KIND

    settings = _settings(context)
    numbers = {path.name.removeprefix("job-") for path in Path().glob(_FETCHED)}
    if settings is not None:
        for journal in settings.state.glob(_JOURNALS):
            numbers |= {str(record.get("job_id", "")) for record in peek(journal, KIND)}
    return _beginning(incomplete, (number for number in numbers if number.isdecimal()))


def _settings(context: typer.Context) -> Settings | None:
    from ..config import load

    given = context.find_root().params
    flags = {name: given.get(name) for name in ("network", "account", "home")}
    try:
        return load({name: value or None for name, value in flags.items()})
    except TileproofError:
        return None


def _beginning(incomplete: str, values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value.startswith(incomplete)})
