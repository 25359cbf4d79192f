"""A whole network on this machine: a chain, two IPFS nodes, a contract, funded accounts, roles.

Every role is an operating-system process of its own, started through the same command line
that users have. The requester and the verifiers use one IPFS node, the workers the other, so
that content really travels. It is a stage, not a store: each start makes a new chain.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..adapters.starknet.accounts import Signer
from ..adapters.starknet.deploy import LOCAL_BOUNDS
from ..domain.job import Address, Bounds
from ..provision.locate import locate
from ..provision.table import DEVNET, KUBO
from .child import Child
from .devnet import OwnDevnet, running_devnet
from .kubo import KuboNode, make_swarm_key, running_kubo
from .mining import IDLE_BLOCK_SECONDS, mining
from .prepare import NETWORK_FILE, PREDEPLOYED, VERIFIERS, WORKERS, prepare

OF_ANOTHER_NETWORK = (
    "STARKNET_RPC",
    "STARKNET_ACCOUNT",
    "STARKNET_KEYSTORE",
    "STARKNET_KEYSTORE_PASSWORD",
    "STARKNET_KEYSTORE_PASSWORD_FILE",
    "STARKNET_PRIVATE_KEY",
    "STARKNET_PRIVATE_KEY_FILE",
    "JOB_REGISTRY_ADDRESS",
    "TILEPROOF_ACCOUNTS_FILE",
    "TILEPROOF_NETWORK",
)
"""Variables that would lead a role away from this network, with keys that are worth something."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a local network consists of."""

    workers: Sequence[str] = WORKERS
    verifiers: Sequence[str] = VERIFIERS
    threads: int = 1
    """Blender's threads, for each role."""
    idle_block_seconds: float = IDLE_BLOCK_SECONDS
    """Between blocks while no task waits for one; 1 makes a block every second."""
    poll_seconds: float = 1.0
    stagger_seconds: float = 2.0
    """Shorter than the roles' own default: here a block comes every second while a task waits for it."""
    rpc_port: int | None = None
    seed: int = 0
    """The accounts that the chain begins with."""
    bounds: Bounds = LOCAL_BOUNDS
    start_roles: bool = True
    """Whether the accounts' processes are started, or only funded and seated."""


@dataclass
class LocalNetwork:
    """A running local network; made by ``running_network``."""

    folder: Path
    shape: Shape
    devnet: OwnDevnet
    nodes: tuple[KuboNode, KuboNode]
    contract: Address
    signers: Mapping[str, Signer]
    roles: dict[str, Child] = field(default_factory=dict)

    @property
    def network_file(self) -> Path:
        return self.folder / NETWORK_FILE

    @property
    def rpc_url(self) -> str:
        return self.devnet.rpc_url

    def address(self, name: str) -> Address:
        return self.signers[name].address

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def command(self, account: str, *arguments: str) -> list[str]:
        """The command line a user of this network would type."""
        program = [sys.executable, "-m", "tileproof.cli"]
        return [*program, "--network", str(self.network_file), "--account", account, *arguments]

    def environment(self, account: str) -> dict[str, str]:
        """What a role of this network is told; what the user has set for another one is blanked."""
        node = self.nodes[1] if account.startswith("worker") else self.nodes[0]
        return {
            **dict.fromkeys(OF_ANOTHER_NETWORK, ""),
            "IPFS_API": node.api,
            "TILEPROOF_THREADS": str(self.shape.threads),
            "TILEPROOF_POLL_SECONDS": str(self.shape.poll_seconds),
            "TILEPROOF_STAGGER_SECONDS": str(self.shape.stagger_seconds),
        }

    def start_role(self, account: str, command: Sequence[str] | None = None) -> Child:
        """Starts, or starts again, the role of this account; ``command`` replaces the usual
        ``worker run`` or ``verifier run``."""
        usual = self.command(account, account.split("-")[0], "run")
        child = Child(account, command or usual, log=self.log(account), env=self.environment(account))
        self.roles[account] = child
        return child

    def stop_roles(self) -> None:
        for child in self.roles.values():
            child.ask_to_stop()
        for child in self.roles.values():
            child.stop()


@contextmanager
def running_network(folder: Path, cache: Path, shape: Shape | None = None) -> Iterator[LocalNetwork]:
    """The network, up and funded, its roles running; everything is stopped when the context ends.

    ``folder`` keeps the network file, logs, journals and the nodes' repos. Call it from the
    main thread.

    Raises ServiceError ``localnet.not_ready``; MachineError when a program is missing.
    """
    shape = shape or Shape()
    programs = {tool.name: locate(tool, cache) for tool in (DEVNET, KUBO)}
    shutil.rmtree(folder / "logs", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        key = make_swarm_key(folder / "swarm.key")
        devnet = stack.enter_context(
            running_devnet(
                programs[DEVNET.name],
                log=folder / "logs" / "devnet.log",
                block_seconds=None,
                accounts=PREDEPLOYED,
                port=shape.rpc_port,
                seed=shape.seed,
            )
        )
        a, b = (
            stack.enter_context(
                running_kubo(
                    programs[KUBO.name],
                    repo=folder / name,
                    log=folder / "logs" / f"{name}.log",
                    swarm_key=key,
                )
            )
            for name in ("kubo-a", "kubo-b")
        )
        b.connect(a)
        pids = {"devnet": devnet.child.pid, "kubo-a": a.child.pid, "kubo-b": b.child.pid}
        ready = prepare(
            folder,
            rpc_url=devnet.rpc_url,
            ipfs_api=a.api,
            workers=shape.workers,
            verifiers=shape.verifiers,
            bounds=shape.bounds,
            tables={"nodes": {"a": a.api, "b": b.api}, "pids": pids},
        )
        network = LocalNetwork(folder, shape, devnet, (a, b), ready.contract, ready.signers)
        stack.callback(network.network_file.unlink, missing_ok=True)
        stack.enter_context(
            mining(devnet, devnet.rpc_url, ready.contract, idle_seconds=shape.idle_block_seconds)
        )
        stack.callback(network.stop_roles)
        for name in (*shape.workers, *shape.verifiers) if shape.start_roles else ():
            network.start_role(name)
        yield network
