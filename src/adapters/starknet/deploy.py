"""Declares and deploys the registry from the artifacts that ship with the package."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from ...domain.errors import LedgerRejected, ServiceError
from ...domain.job import Address, Bounds
from ...domain.money import parse_strk
from .accounts import Signer
from .codec import write_bounds
from .library import Account, Contract, Deployer
from .node import Node, open_node
from .signing import account_of

STRK = Address(0x04718F5A0FC34CC1AF16A1CDEE98FFB20C31F5CD61D6AB07201858F4287C938D)
"""The STRK token, at one address on every Starknet network and on devnet."""

PUBLIC_BOUNDS = Bounds(
    max_tasks=10_000,
    max_committee_size=7,
    min_audit_rate_bps=1_000,  # below a tenth, the bond that deters would outgrow any reward
    min_lease_seconds=60,
    max_lease_seconds=7 * 24 * 3600,
    min_window_blocks=30,
    max_window_blocks=2_000,
    max_deadline_seconds=90 * 24 * 3600,
    seat_bond=parse_strk("1000"),
    seat_exit_blocks=60_000,
    lapse_share_bps=500,
)
LOCAL_BOUNDS = Bounds(
    max_tasks=10_000,
    max_committee_size=7,
    min_audit_rate_bps=1_000,
    min_lease_seconds=5,  # so that a test can wait for a lapse
    max_lease_seconds=24 * 3600,
    min_window_blocks=1,  # blocks come every second
    max_window_blocks=2_000,
    max_deadline_seconds=30 * 24 * 3600,
    seat_bond=parse_strk("100"),
    seat_exit_blocks=60_000,
    lapse_share_bps=500,
)
POLL_SECONDS = 0.2
_SIERRA, _FACTS = ".contract_class.json.gz", ".json"


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """A new contract and the block whose receipt has its deployment."""

    address: Address
    block: int
    tx_hash: int


def deploy_registry(
    rpc_url: str, signer: Signer, *, token: Address = STRK, bounds: Bounds
) -> DeployedContract:
    """Deploys a new registry. Raises as ``deploy_class``."""
    artifacts = resources.files("tileproof.contract_artifacts")
    return _deployed(rpc_url, signer, artifacts, "registry", [token.felt, *write_bounds(bounds)], salt=None)


def deploy_class(
    rpc_url: str,
    signer: Signer,
    artifacts: Traversable,
    stem: str,
    constructor: list[int],
    *,
    salt: int | None = None,
) -> Address:
    """The address of a new contract of the class that ``contracts/build.py`` wrote into
    ``artifacts`` as ``stem``. A class that the network knows already is not declared again. The
    address follows from class, arguments, signer and ``salt``, which is random where none is given.

    Raises ServiceError ``ledger.unreachable``, ``ledger.refused``; ConfigError as
    ``open_node``; LedgerRejected with the constructor's reason.
    """
    return _deployed(rpc_url, signer, artifacts, stem, constructor, salt=salt).address


def _deployed(
    rpc_url: str,
    signer: Signer,
    artifacts: Traversable,
    stem: str,
    constructor: list[int],
    *,
    salt: int | None,
) -> DeployedContract:
    # Both hashes come from what CI compares with the source: computing them anew takes seconds. That of
    # the compiled class is the BLAKE2s one of Starknet 0.14.1 and later; an older network refuses it.
    facts = json.loads(_text(artifacts, f"{stem}{_FACTS}"))
    class_hash, compiled = (int(facts[name], 16) for name in ("class_hash", "compiled_class_hash"))
    node, chain_id = open_node(rpc_url)
    try:
        account = account_of(node, chain_id, signer, class_hash=class_hash)
        try:
            return node.run(_deploy(account, class_hash, constructor, salt))
        except (ServiceError, LedgerRejected):
            # To ask for the class first would bring all of it, although most networks know it already.
            if _is_declared(node, class_hash):
                raise
        node.run(_declare(account, _text(artifacts, f"{stem}{_SIERRA}"), compiled))
        return node.run(_deploy(account, class_hash, constructor, salt))
    finally:
        node.close()


def _text(artifacts: Traversable, name: str) -> str:
    content = artifacts.joinpath(name).read_bytes()
    return (gzip.decompress(content) if name.endswith(".gz") else content).decode()


def _is_declared(node: Node, class_hash: int) -> bool:
    try:
        node.run(node.client.get_class_by_hash(class_hash, block_number="latest"))
    except ServiceError as error:
        if error.code != "ledger.refused":
            raise
        return False
    return True


async def _declare(account: Account, sierra: str, compiled_class_hash: int) -> None:
    declared = await Contract.declare_v3(
        account, sierra, compiled_class_hash=compiled_class_hash, auto_estimate=True
    )
    await declared.wait_for_acceptance(check_interval=POLL_SECONDS)


async def _deploy(
    account: Account, class_hash: int, constructor: list[int], salt: int | None
) -> DeployedContract:
    deployment = Deployer(account_address=account.address).create_contract_deployment_raw(
        class_hash=class_hash, salt=salt, raw_calldata=constructor
    )
    sent = await account.execute_v3(deployment.call, auto_estimate=True)
    receipt = await account.client.wait_for_tx(sent.transaction_hash, check_interval=POLL_SECONDS)
    # 0 is what a reader takes for an unknown block: it costs time, and no event.
    return DeployedContract(
        Address(int(deployment.address)), receipt.block_number or 0, sent.transaction_hash
    )
