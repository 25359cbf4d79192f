"""Where the attacks are played: on the contract's model, and some on the contract itself on a real chain."""

from __future__ import annotations

import pytest

from tests.conformance.ledger_world import make_chain
from tests.fakes.ledger import FakeChain

from .book import BOOK
from .stage import VERIFIERS, Stage


def _stage(kind: str, request: pytest.FixtureRequest) -> Stage:
    stage = Stage(make_chain(kind, request))
    stage.page = BOOK[request.node.originalname]
    stage.with_seats(dict.fromkeys(VERIFIERS, 2))
    stage.with_deposits("worker", "other_worker", "requester")
    stage.begins()
    return stage


ON_CHAIN = {
    "test_bad_work_that_was_not_drawn_is_named_by_the_requester",
    "test_a_reject_of_another_tile_moves_no_appeal_onto_a_tile_that_is_fine",
    "test_seats_taken_after_a_claim_are_never_drawn_for_it",
    "test_a_bought_majority_robs_a_worker_and_sells_its_frames_again",
}
"""What is played on the real contract too; a real chain takes some ten seconds for each. For the rest, the
state machine holds the model equal to the contract."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        on_chain = metafunc.function.__name__ in ON_CHAIN
        devnet = [pytest.param("devnet", marks=pytest.mark.devnet)] if on_chain else []
        metafunc.parametrize("stage", ["model", *devnet], indirect=True)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """Four verifiers with two seats each, so that in an appeal's committee of three one of them has
    one place, and deposits for the parties."""
    return _stage(request.param, request)


@pytest.fixture
def model_stage(request: pytest.FixtureRequest) -> Stage:
    """The same on the model, for what devnet cannot be made to do: two calls in one block, a token
    that lies, committees that are known beforehand."""
    return _stage("model", request)


@pytest.fixture
def chain(model_stage: Stage) -> FakeChain:
    """The model's chain."""
    chain = getattr(model_stage.chain, "chain", None)
    assert isinstance(chain, FakeChain)
    return chain
