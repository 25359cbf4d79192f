"""``tileproof doctor``: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import typer

from ..domain.errors import InputError, TileproofError
from ..domain.redaction import masked_url
from ..domain.user_paths import named_os_error
from .console import say, show_json, table
from .options import AsJson
from .wiring import Ports, settings_of

if TYPE_CHECKING:
    from ..config import Settings

FAILED = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``state`` is ok, absent (not needed by every role) or wrong."""

    what: str
    state: str
    found: str
    remedy: str = ""


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """What this machine has, and what it lacks.

    Looks at every dependency: version, reachability, balance, sandbox. Changes nothing. Ends
    with status 4 when something that is set does not work.
    """
    settings = settings_of(context)
    findings = examine(settings)
    if as_json:
        show_json(
            {"ok": all(f.state != "wrong" for f in findings), "findings": [asdict(f) for f in findings]}
        )
    else:
        marks = {"ok": "ok", "absent": "--", "wrong": "!!"}
        table(("", "what", "found"), [(marks[f.state], f.what, f.found) for f in findings])
        for finding in findings:
            if finding.remedy and finding.state != "ok":
                say(f"{finding.what}: {finding.remedy}")
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(FAILED)


def examine(settings: Settings) -> list[Finding]:
    """Each check on its own: one that fails does not stop the next."""
    from ..provision.locate import find
    from ..provision.table import DEVNET, KUBO

    findings = []
    with Ports(settings, role="doctor") as ports:  # no client, so that a missing sandbox is told
        findings.append(_check("Blender", lambda: ports.blender.build))
        findings.append(_graphics(ports))
        findings.append(_check("sandbox", lambda: ports.sandbox.name))
        for tool in (DEVNET, KUBO):
            path = find(tool, settings.cache)
            findings.append(
                Finding(tool.name, "ok", f"{tool.version} at {path}")
                if path is not None
                else Finding(
                    tool.name,
                    "absent",
                    f"needed for `localnet` only ({tool.what_for})",
                    f"run `tileproof setup {tool.name}`",
                )
            )
        findings += [*folder_findings(settings), *_proxies()]
        findings.append(_ipfs(settings, ports))
        findings.append(_chain(settings, ports))
        findings.append(_account(settings, ports))
    return findings


def folder_findings(settings: Settings) -> list[Finding]:
    """Returns what is wrong with the folders that every role writes to."""
    import tempfile

    from .outputs import out_folder

    places = {
        "state folder": (settings.state, "make it writable, or set TILEPROOF_HOME to another folder"),
        "cache folder": (settings.cache, "make it writable, or set TILEPROOF_CACHE to another folder"),
    }
    found = [_check("temporary files", tempfile.gettempdir)]
    for what, (path, remedy) in places.items():
        finding = _check(what, lambda path=path: str(out_folder(path)))  # type: ignore[misc]
        found.append(replace(finding, remedy=remedy) if "--out" in finding.remedy else finding)
    return [finding for finding in found if finding.state != "ok"]


def _proxies() -> list[Finding]:
    """Returns a finding for a proxy that the environment names and nothing can use."""
    from ..adapters.proxies import proxy_for

    for scheme in ("http", "https"):
        found = _check("proxy", lambda scheme=scheme: str(proxy_for(f"{scheme}://a.service")))  # type: ignore[misc]
        if found.state != "ok":
            return [Finding("proxy", "absent", found.found, found.remedy)]
    return []


def _graphics(ports: Ports) -> Finding:
    try:
        found = ports.blender.graphics
    except TileproofError:  # which Blender's own line tells
        found = None
    if found is not None:
        return Finding("OpenGL", "ok", found)
    remedy = "install Mesa's EGL and software driver (Debian: libegl-mesa0 libgl1-mesa-dri)"
    return Finding("OpenGL", "absent", "needed for EEVEE scenes only", remedy)


def _ipfs(settings: Settings, ports: Ports) -> Finding:
    found = _check("IPFS node", lambda: f"{ports.store.version()} at {masked_url(settings.ipfs_api)}")
    unset = settings.rpc_url is None and settings.ipfs_api == type(settings).model_fields["ipfs_api"].default
    if found.state == "wrong" and unset:
        return Finding("IPFS node", "absent", f"none at {masked_url(settings.ipfs_api)}", found.remedy)
    return found


def _chain(settings: Settings, ports: Ports) -> Finding:
    if settings.rpc_url is None:
        return Finding("Starknet", "absent", "no node is set", "set STARKNET_RPC, or give --network localnet")

    def look() -> str:
        head = ports.reader.head()
        seats = ports.reader.active_seats()
        return f"block {head.block} of chain {ports.reader.chain_id():#x}, contract with {seats} active seats"

    return _check("Starknet", look)


def _account(settings: Settings, ports: Ports) -> Finding:
    if settings.account is None:
        return Finding("account", "absent", "none is chosen", "give --account NAME, or set STARKNET_ACCOUNT")

    def look() -> str:
        ports.check_signer()
        address = ports.address
        if settings.rpc_url is None:
            return str(address)
        ports.check_account(with_key=True)
        held = ports.reader.balances(address)
        if not held.wallet.units:
            raise InputError(
                "account.empty",
                f"{address} has nothing in its wallet, so that it cannot pay for a transaction",
                remedy="send it STRK; on a devnet `tileproof account faucet` gives play money",
            )
        return f"{address.short()} with {held.wallet} in its wallet, {held.withdrawable} withdrawable"

    return _check("account", look)


def _check(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "ok", look())
    except TileproofError as error:
        return Finding(what, "wrong", error.message, error.remedy)
    except OSError as error:
        named = named_os_error(error)
        if named is None:
            raise
        return Finding(what, "wrong", named.message, named.remedy)
