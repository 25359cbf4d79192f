"""One local network for all end-to-end tests, its roles started by the tests that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.domain.errors import MachineError
from tileproof.localnet.network import Shape, running_network
from tileproof.localnet.prepare import SEATS_EACH

from tests.e2e.stage import VERIFIERS, Stage
from tests.services.blender import CACHE, unavailable
from tests.services.devnet import own_seed


@pytest.fixture(scope="package")  # its roles look at the chain for as long as it is up
def stage(
    tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[str], Path], sandbox: Sandbox
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("network")
    shape = Shape(poll_seconds=0.5, idle_block_seconds=1, seed=own_seed(), start_roles=False)
    try:
        with running_network(folder, CACHE, shape) as network:
            yield Stage(network, tiny, tmp_path_factory.mktemp("out"))
    except MachineError as error:
        unavailable(f"{error.message}; {error.remedy}")


@pytest.fixture
def quiet(stage: Stage) -> Stage:
    """The stage with no role running."""
    stage.clear()
    return stage


@pytest.fixture
def seated(stage: Stage) -> Iterator[Stage]:
    """The stage, on which every verifier has all its seats again afterwards: a slashed seat falls
    below the bond that all have, and leaves."""
    yield stage
    stage.clear()
    for name in VERIFIERS:
        with stage.acting_as(name) as ledger:
            seats = ledger.seats_of(ledger.account())
            for _ in range(SEATS_EACH - sum(seat.leaving_block is None for seat in seats)):
                ledger.deposit(ledger.bounds().seat_bond)
                ledger.take_seat()
