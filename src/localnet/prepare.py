"""Making a devnet ready for play: the contract, bonds and seats, and the files that roles go by.

Who runs the devnet does not matter: ``localnet up`` does, or a container does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..adapters.starknet.account_deploy import address_of, deploy_accounts
from ..adapters.starknet.accounts import Signer, mint, write_sncast
from ..adapters.starknet.curve import EC_ORDER
from ..adapters.starknet.deploy import LOCAL_BOUNDS, STRK, DeployedContract, deploy_registry
from ..adapters.starknet.ledger import connect
from ..domain.errors import ConfigError
from ..domain.job import Address, Bounds
from ..domain.money import Fri, parse_strk

REQUESTER = "requester"
WORKERS = ("worker-a", "worker-b")
VERIFIERS = ("verifier-a", "verifier-b", "verifier-c", "verifier-d")
DEPLOYER = "deployer"
NAMES = (REQUESTER, *WORKERS, *VERIFIERS, DEPLOYER)
PREDEPLOYED = 0
"""Accounts that the devnet starts with. Each costs it 30 MiB; one that is deployed later costs nothing."""
PLAY_MONEY = parse_strk("1000")
ACCOUNTS_NETWORK = "tileproof-localnet"
WORKER_DEPOSIT = parse_strk("20")
SEATS_EACH = 4
"""Of every verifier: a claim asks for 3n + 1 seats beside the claimant's, so that one verifier will
do for committees of one, four will for committees of three, and a slashed seat, which leaves,
stops neither."""
NETWORK_FILE = "network.toml"
STATE = "state"

_TERMS = """[terms]
# Blocks come every second while a task waits for one, so windows are short: an appeal's leaves a worker
# time to look again.
committee_size = 1
audit_fee = "0.3"
lease_seconds = 600
commit_blocks = 120
reveal_blocks = 60
appeal_blocks = 20
deadline_hours = 12
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A contract, and the accounts that know it, by name."""

    contract: Address
    signers: Mapping[str, Signer]


def prepare(
    folder: Path,
    *,
    rpc_url: str,
    ipfs_api: str,
    workers: Sequence[str] = WORKERS,
    verifiers: Sequence[str] = VERIFIERS,
    bounds: Bounds = LOCAL_BOUNDS,
    tables: Mapping[str, Mapping[str, object]] | None = None,
) -> Prepared:
    """A new contract on this devnet, workers with deposits, verifiers with four seats each, and in ``folder``
    the network file and the accounts file that it names.

    ``tables`` are more tables of the network file. What roles knew of an earlier chain is
    removed first; the network file comes last, so that where it is, the rest is true.

    Raises ServiceError ``ledger.unreachable``, ``faucet.not_a_devnet``; as ``deploy_registry``.
    """
    (folder / NETWORK_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder / STATE, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    signers = _accounts(rpc_url)
    deployed = deploy_registry(rpc_url, signers[DEPLOYER], bounds=bounds)
    contract = deployed.address
    _fund(rpc_url, contract, signers, workers, verifiers, bounds.seat_bond)
    write_sncast(folder / "accounts.json", ACCOUNTS_NETWORK, signers)
    text = _network_toml(rpc_url, deployed, ipfs_api, tables or {})
    new = folder / f"{NETWORK_FILE}.new"
    new.write_text(text, encoding="utf-8")
    os.replace(new, folder / NETWORK_FILE)
    return Prepared(contract, signers)


def _accounts(rpc_url: str) -> dict[str, Signer]:
    """Returns the accounts of a local network, given play money and deployed.

    Each key follows from its account's name, so that every local network has the same accounts.
    """
    signers = {}
    for name in NAMES:
        digest = hashlib.sha256(f"{ACCOUNTS_NETWORK} {name}".encode()).digest()
        key = int.from_bytes(digest, "big") % (EC_ORDER - 1) + 1
        signers[name] = Signer(address_of(key), key)
    for signer in signers.values():
        mint(rpc_url, signer.address, PLAY_MONEY)
    others = [signer for name, signer in signers.items() if name != DEPLOYER]
    deploy_accounts(rpc_url, signers[DEPLOYER], others)
    return signers


def named_contract(folder: Path) -> Address | None:
    """Returns the contract that the folder's network file names, if there is such a file."""
    try:
        return Address(int(tomllib.loads((folder / NETWORK_FILE).read_text())["contract"], 16))
    except (OSError, ValueError, KeyError):
        return None


def prepared_contract(folder: Path, rpc_url: str) -> Address | None:
    """The contract that the folder's network file names, if this chain has it."""
    contract = named_contract(folder)
    if contract is None:
        return None
    try:
        with connect(rpc_url, contract, None):
            return contract
    except ConfigError as error:
        if error.code != "ledger.no_contract":
            raise
        return None


def _fund(
    rpc_url: str,
    contract: Address,
    signers: Mapping[str, Signer],
    workers: Sequence[str],
    verifiers: Sequence[str],
    seat_bond: Fri,
) -> None:
    """All at once: each waits for blocks."""

    def deposit(name: str, amount: Fri, seats: int) -> None:
        with connect(rpc_url, contract, signers[name]) as ledger:
            ledger.deposit(amount)
            for _ in range(seats):
                ledger.take_seat()

    with ThreadPoolExecutor(max_workers=8) as pool:
        jobs = [pool.submit(deposit, name, seat_bond * SEATS_EACH, SEATS_EACH) for name in verifiers]
        jobs += [pool.submit(deposit, name, WORKER_DEPOSIT, 0) for name in workers]
        for job in jobs:
            job.result()


def _network_toml(
    rpc_url: str, deployed: DeployedContract, ipfs_api: str, tables: Mapping[str, Mapping[str, object]]
) -> str:
    lines = [
        "# Written for one chain of play money; gone with it.",
        f'rpc_url = "{rpc_url}"',
        f'contract = "{deployed.address}"',
        f"deployment_block = {deployed.block}",
        f'token = "{STRK}"',
        f'ipfs_api = "{ipfs_api}"',
        "block_seconds = 1  # while a task waits for blocks",
        "",
        "[accounts]",
        'file = "accounts.json"',
        f'network = "{ACCOUNTS_NETWORK}"',
        "",
        _TERMS,
    ]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
