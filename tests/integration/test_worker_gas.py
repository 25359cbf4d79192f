"""What a worker reckons that a task takes in gas is what it takes on a real chain."""

from __future__ import annotations

import pytest
from tileproof.domain.job import Verdict
from tileproof.ports.ledger import GasPrices, Receipt
from tileproof.worker.policy import TASK_DATA_GAS, TASK_L2_GAS

from tests.conformance.ledger_world import DevnetChain, World
from tests.services.devnet import Deployment

pytestmark = pytest.mark.devnet


def test_the_gas_of_a_task_is_reckoned_closely_and_not_too_low(deployment: Deployment) -> None:
    """A committee of three that agrees; each call alone, as a worker sends them."""
    world = World(DevnetChain(deployment)).with_seats({"verifier_a": 5, "verifier_b": 5})
    world.with_deposits("worker")
    gas = world.reader.head().gas
    assert gas != GasPrices()
    job = world.create()
    sent = [world.as_("worker").claim(job, [0]), world.submit(job, 0)]
    world.draw(job, 0)
    world.vote(job, [Verdict.ACCEPT] * 3)
    sent.append(world.settle(job))
    l2 = sum(receipt.gas_l2 for receipt in sent)
    data = sum(_data_gas(receipt, gas) for receipt in sent)
    assert l2 <= TASK_L2_GAS <= 1.5 * l2, l2
    assert data <= TASK_DATA_GAS <= 1.5 * data, data


def _data_gas(receipt: Receipt, gas: GasPrices) -> int:
    """A fee is both kinds of gas at the block's prices; these calls take none of the third kind."""
    rest = receipt.fee.units - receipt.gas_l2 * gas.l2.units
    assert rest % gas.l1_data.units == 0
    return rest // gas.l1_data.units
