"""Whatever goes wrong between a ledger and its nodes, a story told through it has the effects of
the same story told over a clean wire: none lost, none twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from tileproof.adapters.retry import retried
from tileproof.adapters.starknet import node as node_module
from tileproof.adapters.starknet.accounts import Signer
from tileproof.adapters.starknet.deploy import deploy_registry
from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.domain.job import TaskResult
from tileproof.domain.money import Fri
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import Receipt

from tests.conformance.ledger_world import CAST, MANIFEST, RESULT, DevnetChain, World
from tests.fakes.journal import FakeJournal
from tests.fakes.ledger import BOUNDS
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Answer, Fault, Proxy, Rule, every, on_chain, outage, proxied

pytestmark = pytest.mark.devnet
SN_MAIN = int.from_bytes(b"SN_MAIN", "big")
PATIENCE_SECONDS = 120.0
SEND = "starknet_addInvokeTransaction"
NOT_A_NODE = b'{"name": "a gateway that lost its node"}'


@dataclass(frozen=True)
class Effects:
    """What a story did to the ledger, apart from gas."""

    events: tuple[tuple[str, int], ...]
    transactions: tuple[int, ...]
    money: tuple[int, ...]


@dataclass(frozen=True)
class Told:
    """The story as it was told once over a clean wire."""

    deployment: Deployment
    world: World
    effects: Effects


class Stage:
    """A requester and a worker who reach one devnet by way of two wires, and somebody who looks on
    over none."""

    def __init__(self, told: Told, wires: Sequence[Proxy]) -> None:
        self.wires, self.world, self.expected = wires, told.world, told.effects
        self._deployment = told.deployment

    def through(self, *wires: Proxy) -> Callable[[str], StarknetLedger]:
        """Ledgers of the cast over these wires, or over none."""
        url = ",".join(wire.url for wire in wires)
        made: dict[str, StarknetLedger] = {}

        def ledger(who: str) -> StarknetLedger:
            if who not in made:
                journal = FakeJournal()
                made[who] = self._deployment.connect(CAST.index(who), journal=journal, url=url)
            return made[who]

        return ledger


def effects_of(world: World, tell: Callable[[], None]) -> Effects:
    before, start = _numbers(world), world.block() + 1
    tell()
    after = _numbers(world)
    return Effects(
        tuple(
            (type(event).__name__, getattr(event, "task", -1)) for event in world.reader.events(start).events
        ),
        tuple(b - a for a, b in zip(before[0], after[0], strict=True)),
        tuple(b - a for a, b in zip(before[1], after[1], strict=True)),
    )


def _numbers(world: World) -> tuple[list[int], list[int]]:
    """Transactions sent so far, and where the money is."""
    reader, totals = world.reader, world.reader.totals()
    assert isinstance(reader, StarknetLedger)
    node = reader._node
    money = [totals.escrow.units, totals.bonds.units, totals.withdrawable.units, totals.forfeited.units]
    nonces = []
    for who in ("requester", "worker"):
        address = world.address(who)
        nonces.append(node.run(node.client.get_contract_nonce(address.felt, block_number="latest")))
        held = reader.balances(address)
        money += [held.withdrawable.units, held.worker_bonds.units]
    return nonces, money


def story(
    ledger: Callable[[str], StarknetLedger], world: World, before_each: Callable[[], None] = lambda: None
) -> None:
    """Nine writes, each tried again, as the roles do, when it may be."""

    def does(write: Callable[[], Any]) -> Any:
        before_each()
        return retried(write, budget_seconds=PATIENCE_SECONDS)

    requester, worker = ledger("requester"), ledger("worker")
    terms = world.terms(committee_size=1)
    does(lambda: worker.deposit(Fri(1_000)))
    job, _ = does(lambda: requester.create_job(MANIFEST, 3, terms))
    does(lambda: worker.claim(job, [0, 2]))
    does(lambda: worker.give_back(job, [2]))
    does(lambda: requester.pause_job(job))
    does(lambda: worker.submit(job, [TaskResult(0, RESULT)]))
    does(lambda: requester.resume_job(job))
    last: Receipt = does(lambda: worker.withdraw(Fri(250)))
    assert last.block == world.block()
    does(lambda: requester.close_job(job))


@pytest.fixture(scope="module")
def told(devnet: Devnet, signers: tuple[Signer, ...]) -> Iterator[Told]:
    contract = deploy_registry(devnet.rpc_url, signers[-1], bounds=BOUNDS).address
    with ExitStack() as connections:
        deployment = Deployment(devnet, contract, signers, connections)
        world = World(DevnetChain(deployment)).with_seats({"verifier_a": 4}).with_deposits("worker")
        clean = {who: deployment.connect(CAST.index(who)) for who in ("requester", "worker")}
        effects = effects_of(world, lambda: story(clean.__getitem__, world))
        assert (len(effects.events), effects.transactions) == (10, (4, 5))
        yield Told(deployment, world, effects)


@pytest.fixture
def stage(told: Told) -> Iterator[Stage]:
    with ExitStack() as wires:
        yield Stage(told, [wires.enter_context(proxied(told.deployment.rpc_url)) for _ in range(2)])


def check(stage: Stage, *wires: Proxy, begin: Callable[[], None], before_each: Callable[[], None]) -> None:
    """The faults begin when all are connected; then the story has the effects that it had."""
    ledger = stage.through(*wires)
    for who in ("requester", "worker"):
        ledger(who)
    begin()
    assert effects_of(stage.world, lambda: story(ledger, stage.world, before_each)) == stage.expected


def nothing() -> None:
    pass


ANSWERS: list[Answer] = [Fault.UNAVAILABLE, Fault.BUSY, Fault.RESET, Fault.TRUNCATED, NOT_A_NODE]
QUICK_AND_LONG = [
    answer if answer is Fault.TRUNCATED else pytest.param(answer, marks=pytest.mark.long)
    for answer in ANSWERS
]


@pytest.mark.parametrize("answer", QUICK_AND_LONG, ids=lambda a: a.name if isinstance(a, Fault) else "JSON")
def test_one_node_that_often_fails(answer: Answer, stage: Stage) -> None:
    (wire, _) = stage.wires
    often = 19 if answer is Fault.BUSY else 11  # a busy one is left alone for a second

    def begin() -> None:
        wire.rule = every(often, answer)

    check(stage, wire, begin=begin, before_each=nothing)
    assert len(wire.calls) > 3 * often


@pytest.mark.parametrize(
    "answer",
    [
        *(
            pytest.param(fault, marks=pytest.mark.long)
            for fault in (Fault.BUSY, Fault.RESET, Fault.TRUNCATED)
        ),
        Fault.ANSWER_LOST,
    ],
)
def test_two_nodes_that_fail_in_turns(answer: Answer, stage: Stage) -> None:
    one, other = stage.wires

    def begin() -> None:
        one.rule, other.rule = every(11, answer), every(13, answer)

    check(stage, one, other, begin=begin, before_each=nothing)
    assert min(len(one.calls), len(other.calls)) > 20


@pytest.mark.parametrize("answer", [Fault.TRUNCATED, pytest.param(Fault.CUT, marks=pytest.mark.long)])
def test_every_transaction_is_first_given_to_a_node_that_fails_with_it(answer: Fault, stage: Stage) -> None:
    """The same bytes go to the other one, which may have them already."""
    one, other = stage.wires
    sent: list[str] = []

    def rule(method: str, params: Any) -> Answer:
        if method != SEND:
            return None
        sent.append(json_of(params))
        return answer if sent.count(sent[-1]) == 1 else None

    def begin() -> None:
        one.rule = other.rule = rule

    check(stage, one, other, begin=begin, before_each=nothing)
    assert len(sent) >= 18
    assert len(set(sent)) == 9


@pytest.mark.long
def test_a_node_so_slow_that_it_hears_of_each_transaction_after_the_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "REQUEST_SECONDS_OF_SEVERAL", 0.5)
    slow, quick = stage.wires

    def begin() -> None:
        slow.latency = 1.0
        quick.rule = every(17, Fault.RESET)

    check(stage, slow, quick, begin=begin, before_each=nothing)
    assert len(slow.calls) > 9


@pytest.mark.long
def test_a_node_that_stopped_at_an_old_block_is_not_believed(stage: Stage) -> None:
    stale, fresh = stage.wires

    def begin() -> None:
        stale.stale_at = stage.world.block() - 5
        fresh.rule = every(9, Fault.RESET)

    check(stage, stale, fresh, begin=begin, before_each=nothing)
    assert stale.count("starknet_blockNumber") > 3


@pytest.mark.long
def test_a_url_that_leads_to_another_chain_from_one_day_to_the_next(stage: Stage) -> None:
    moved, faithful = stage.wires

    def begin() -> None:
        moved.rule = on_chain(SN_MAIN)
        faithful.rule = every(9, Fault.RESET)

    check(stage, moved, faithful, begin=begin, before_each=nothing)
    assert moved.count("starknet_chainId") > 3
    assert moved.count(SEND) == 0


@pytest.mark.parametrize("fault", [Fault.RESET, pytest.param(Fault.UNAVAILABLE, marks=pytest.mark.long)])
def test_an_outage_of_both_before_each_step(fault: Fault, stage: Stage) -> None:
    def begins() -> None:
        for wire in stage.wires:
            wire.rule = outage(3, fault)

    check(stage, *stage.wires, begin=nothing, before_each=begins)


@pytest.mark.long
def test_an_outage_of_both_that_begins_when_a_transaction_was_heard(stage: Stage) -> None:
    def begins() -> None:
        refused: list[str] = []
        heard: list[str] = []

        def rule(method: str, params: Any) -> Answer:
            if method == SEND and not heard:
                heard.append(method)
                return Fault.ANSWER_LOST
            if heard and len(refused) < 6:
                refused.append(method)
                return Fault.RESET
            return None

        for wire in stage.wires:
            wire.rule = rule

    check(stage, *stage.wires, begin=nothing, before_each=begins)


@pytest.mark.long
@pytest.mark.slow
def test_an_outage_of_a_minute(stage: Stage) -> None:
    """By the clock, in the middle of the story."""
    steps: list[float] = []

    def begins() -> None:
        steps.append(time.monotonic())
        if len(steps) == 4:
            rule = until(time.monotonic() + 60.0)
            for wire in stage.wires:
                wire.rule = rule

    check(stage, *stage.wires, begin=nothing, before_each=begins)
    assert steps[4] - steps[3] > 60.0


def until(moment: float) -> Rule:
    """Every connection is reset until this moment of the monotonic clock."""
    return lambda method, params: Fault.RESET if time.monotonic() < moment else None


def json_of(params: Any) -> str:
    return str(sorted(params["invoke_transaction"].items()))
