"""A real Starknet chain, and the contract deployed on it, as fixtures.

The chain makes a block for each transaction and when a test asks for one, never by itself, so
that a test decides which block comes next.

Every process that runs tests has accounts of its own, so that none waits for another's turn to send:
they follow from a seed that is drawn for the run and told in its head. ``DEVNET_SEED`` sets it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from tileproof.adapters.starknet.accounts import Signer, predeployed
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.adapters.starknet.deploy import deploy_registry
from tileproof.adapters.starknet.ledger import DEFAULT_CAPS, StarknetLedger, connect
from tileproof.domain.errors import MachineError
from tileproof.domain.job import Address, Bounds
from tileproof.localnet.devnet import Devnet, running_devnet
from tileproof.ports.journal import Journal
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET

from tests.fakes.ledger import BOUNDS
from tests.services.blender import CACHE, unavailable


@dataclass
class Deployment:
    """One contract on the chain, and accounts that were funded when the chain began."""

    devnet: Devnet
    contract: Address
    signers: tuple[Signer, ...]
    connections: ExitStack = field(default_factory=ExitStack)

    @property
    def rpc_url(self) -> str:
        return self.devnet.rpc_url

    def connect(
        self, account: int, *, journal: Journal | None = None, caps: FeeCaps = DEFAULT_CAPS, url: str = ""
    ) -> StarknetLedger:
        """The contract for one of the accounts; closed when the deployment goes."""
        signer = self.signers[account]
        ledger = connect(url or self.rpc_url, self.contract, signer, journal=journal, caps=caps)
        return self.connections.enter_context(ledger)


Deploy = Callable[..., Deployment]
SEED, PROCESS = "DEVNET_SEED", "PYTEST_XDIST_WORKER"
FIRST_SEED, LAST_SEED = 1_000, 1_000_000
"""Of those that are drawn; below lies what has a seed that never changes."""


def pytest_configure() -> None:
    os.environ.setdefault(SEED, str(random.SystemRandom().randint(FIRST_SEED, LAST_SEED)))


def pytest_report_header() -> str:
    return f"devnet: accounts of {SEED}={os.environ[SEED]}"


def own_seed() -> int:
    """The seed of this process's accounts; no other process of the run has it."""
    number = os.environ.get(PROCESS, "").removeprefix("gw")
    return int(os.environ[SEED]) + int(number or 0)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """The devnet that DEVNET_URL names, or one of our own. It must mine per transaction.

    Each file of tests has its own, since a devnet keeps the state of every block: 1,800 blocks are four
    gigabytes, which are free again when the file ends.
    """
    named = os.environ.get("DEVNET_URL")
    if named:
        if PROCESS in os.environ:
            pytest.fail(f"the devnet at {named} serves one process: run the tests with -n0")
        devnet = Devnet(named)
        if not devnet.mines_per_transaction():
            unavailable(f"the devnet at {named} mines by itself: start it without --block-generation-on")
        yield devnet
        return
    with started_devnet(tmp_path_factory) as devnet:
        yield devnet


@pytest.fixture(scope="module")
def new_devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet on which nothing has happened, for tests whose every block is to be the same in
    every run."""
    with started_devnet(tmp_path_factory, seed=0) as devnet:
        yield devnet


@contextmanager
def started_devnet(tmp_path_factory: pytest.TempPathFactory, *, seed: int | None = None) -> Iterator[Devnet]:
    """One of our own, with this process's accounts or those of ``seed``; whoever asks is skipped, in CI
    failed, where there is no program for it."""
    try:
        program = locate(DEVNET, CACHE)
    except MachineError as error:
        unavailable(f"{error.message}; {error.remedy}")
        raise
    log = tmp_path_factory.mktemp("devnet") / "devnet.log"
    with running_devnet(
        program, log=log, block_seconds=None, seed=own_seed() if seed is None else seed, archive=True
    ) as devnet:
        yield devnet


@pytest.fixture(scope="module")
def signers(devnet: Devnet) -> tuple[Signer, ...]:
    return predeployed(devnet.rpc_url)


@pytest.fixture
def deploy(devnet: Devnet, signers: tuple[Signer, ...]) -> Iterator[Deploy]:
    """Deploys a contract of its own for the test that asks."""
    with ExitStack() as connections:

        def deployed(bounds: Bounds = BOUNDS) -> Deployment:
            contract = deploy_registry(devnet.rpc_url, signers[-1], bounds=bounds).address
            return Deployment(devnet, contract, signers, connections)

        yield deployed


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    return deploy()
