"""Where the attacks are played: on the contract's model and on the contract itself, on a real chain."""

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


@pytest.fixture(params=["model", pytest.param("devnet", marks=pytest.mark.devnet)])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Four verifiers with two seats each, so that in an appeal's committee of three one of them has
    one place, and deposits for the parties."""
    return _stage(request.param, request)


@pytest.fixture
def model_stage(request: pytest.FixtureRequest) -> Stage:
    """The same on the model alone, for what devnet cannot be made to do: two calls in one block, a
    token that lies. The state machine holds the model equal to the contract."""
    return _stage("model", request)


@pytest.fixture
def chain(model_stage: Stage) -> FakeChain:
    """The model's chain."""
    chain = getattr(model_stage.chain, "chain", None)
    assert isinstance(chain, FakeChain)
    return chain
