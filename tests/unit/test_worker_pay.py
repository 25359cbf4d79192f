"""A worker leaves alone what does not pay for its gas and bytes."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.job import TaskState
from tileproof.domain.money import ZERO, Fri
from tileproof.domain.result import max_result_bytes
from tileproof.ports.ledger import GasPrices
from tileproof.worker.policy import (
    TASK_DATA_GAS,
    TASK_L2_GAS,
    bytes_cost,
    bytes_moved,
    gas_cost,
    why_not_bytes,
    why_not_terms,
)

from .worker_world import BLEND, REQUESTER, SETTINGS, TERMS, World, manifest_of

fri = st.integers(0, 10**15).map(Fri)
prices = st.builds(GasPrices, l2=fri, l1_data=fri)


def test_a_job_that_does_not_cover_its_gas_is_left_alone_until_gas_is_cheaper(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    cost = gas_cost(GasPrices(l2=Fri(3), l1_data=Fri(5)))
    world.chain.gas = GasPrices(l2=Fri(3), l1_data=Fri(5))
    world.chain.mint(REQUESTER, cost * 2)
    poor = world.job(terms=replace(TERMS, reward=cost - Fri(1)))
    worker = world.worker(tmp_path)
    world.step(worker, 5)
    assert world.task(poor).state is TaskState.OPEN
    assert caplog.text.count("less than its gas costs now") == 1
    world.chain.gas = GasPrices(l2=Fri(3), l1_data=Fri(4))
    world.step(worker, 1)
    assert world.task(poor).state is TaskState.SUBMITTED


def test_a_job_that_just_covers_its_gas_is_taken(tmp_path: Path) -> None:
    world = World()
    world.chain.gas = GasPrices(l2=Fri(3), l1_data=Fri(5))
    cost = gas_cost(world.chain.gas)
    world.chain.mint(REQUESTER, cost * 2)
    job = world.job(terms=replace(TERMS, reward=cost))
    world.step(world.worker(tmp_path), 1)
    assert world.task(job).state is TaskState.SUBMITTED


def test_a_job_that_does_not_cover_its_bytes_costs_no_bond_and_no_fetched_scene(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    job = world.job()
    size = bytes_moved(world.ledger.job(job), manifest_of(world.scene), 0)
    least = TERMS.reward * 2**30
    dear = Fri(least.units // size + 1)
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, price_per_gib=dear)), 3)
    assert world.task(job).state is TaskState.OPEN
    assert caplog.text.count(f"less than its gas and {size} bytes cost now") == 1
    assert "opened job" not in caplog.text
    cheap = Fri(least.units // size)
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, price_per_gib=cheap)), 1)
    assert world.task(job).state is TaskState.SUBMITTED


def test_bytes_are_the_scene_once_and_the_result_for_the_requester_and_every_seat() -> None:
    world = World()
    manifest = manifest_of(world.scene)
    result = max_result_bytes(manifest.settings, manifest.tasks[0])
    for seats in (1, 3, 5):
        job = world.ledger.job(world.job(terms=replace(TERMS, committee_size=1)))
        job = replace(job, terms=replace(job.terms, committee_size=seats))
        assert bytes_moved(job, manifest, 0) == len(BLEND) + (1 + seats) * result


@given(prices, fri, st.integers(0, 2**36))
def test_costs_are_exact_and_never_rounded_in_the_requesters_favour(
    gas: GasPrices, price: Fri, size: int
) -> None:
    assert gas_cost(gas).units == gas.l2.units * TASK_L2_GAS + gas.l1_data.units * TASK_DATA_GAS
    cost = bytes_cost(size, price).units
    assert (cost - 1) * 2**30 < price.units * size <= cost * 2**30


@given(prices, prices, fri, fri, fri)
def test_dearer_gas_or_bytes_or_a_smaller_reward_never_make_a_job_worth_while(
    gas: GasPrices, more: GasPrices, price: Fri, reward: Fri, less: Fri
) -> None:
    world = World()
    manifest = manifest_of(world.scene)
    job = world.ledger.job(world.job())
    head = world.ledger.head()
    dearer = GasPrices(l2=gas.l2 + more.l2, l1_data=gas.l1_data + more.l1_data)

    def refused(reward: Fri, gas: GasPrices, price: Fri) -> bool:
        offered = replace(job, terms=replace(job.terms, reward=reward))
        settings, at = replace(SETTINGS, price_per_gib=price), replace(head, gas=gas)
        terms = why_not_terms(offered, settings, at)
        both = why_not_bytes(offered, manifest, 0, settings, at)
        assert both is not None or terms is None, "what pays for gas and bytes pays for gas"
        return both is not None

    reward = reward * TASK_L2_GAS
    if refused(reward, gas, price):
        assert refused(reward, dearer, price + less)
        assert refused(Fri(reward.units // 2), gas, price)
    assert not refused(reward, GasPrices(), ZERO)
