"""The ledgers that the suite is held against: the model, and the real contract on a real chain."""

from __future__ import annotations

import pytest
from tileproof.adapters.starknet import endpoints

from .ledger_world import SEATED, World, make_chain


@pytest.fixture(params=["model", pytest.param("devnet", marks=pytest.mark.devnet)])
def world(request: pytest.FixtureRequest) -> World:
    return World(make_chain(request.param, request))


@pytest.fixture
def seated(world: World) -> World:
    """As many seats of one verifier as a committee of three asks for, and a worker with a deposit."""
    return world.with_seats({"verifier_a": SEATED}).with_deposits("worker")


@pytest.fixture
def crowd(world: World) -> World:
    """Four verifiers with two seats each, so that a redraw and an appeal of a committee of one find
    others, and both parties with a deposit."""
    verifiers = ("verifier_a", "verifier_b", "verifier_c", "verifier_d")
    return world.with_seats(dict.fromkeys(verifiers, 2)).with_deposits("worker", "requester")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end of the chain below one that was seen is believed at once; how long it is doubted
    otherwise is the failover's business, and tested there."""
    monkeypatch.setattr(endpoints, "STALE_SECONDS", 0.0)
