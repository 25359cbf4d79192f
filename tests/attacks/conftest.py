"""Every attack is played twice, to the same sums: on the contract's model, and on the contract itself on a
real chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.devnet import started_devnet

from .book import BOOK
from .stage import Stage
from .theatre import ContractTheatre, ModelTheatre, contract_theatre


@pytest.fixture(scope="package")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractTheatre]:
    """The contract with the cast in its seats. A chain of its own, since each attack winds it back."""
    with started_devnet(tmp_path_factory, seed=0) as devnet, contract_theatre(devnet) as theatre:
        Stage(theatre).with_everybody()
        theatre.curtain()
        yield theatre


@pytest.fixture(params=["model", pytest.param("devnet", marks=pytest.mark.devnet)])
def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "model":
        stage = Stage(ModelTheatre()).with_everybody()
    else:
        theatre: ContractTheatre = request.getfixturevalue("contract")
        theatre.rewind()
        stage = Stage(theatre)
    stage.page = BOOK[request.node.originalname]
    stage.begins()
    return stage
