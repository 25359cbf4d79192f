"""Several endpoints as one: which is asked, which is refused, and what is never believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from tileproof.adapters.starknet import endpoints, event_pages
from tileproof.adapters.starknet import ledger as ledger_module
from tileproof.adapters.starknet.deploy import STRK
from tileproof.adapters.starknet.intents import INTENT
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.domain.errors import ConfigError, ServiceError
from tileproof.domain.money import Fri
from tileproof.localnet.devnet import free_port

from tests.conformance.ledger_world import DevnetChain, World
from tests.fakes.journal import FakeJournal
from tests.services import rpc_proxy
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import UNKNOWN_HASH, Answer, Fault, Proxy, every, first, on_chain, proxied

pytestmark = pytest.mark.devnet
SN_MAIN = int.from_bytes(b"SN_MAIN", "big")
CALL, EVENTS, NUMBER = "starknet_call", "starknet_getEvents", "starknet_blockNumber"
SPEC, STATUS = "starknet_specVersion", "starknet_getTransactionStatus"


@pytest.fixture
def world(deployment: Deployment) -> World:
    return World(DevnetChain(deployment))


@pytest.fixture
def wires(deployment: Deployment) -> Iterator[list[Proxy]]:
    with ExitStack() as open_wires:
        yield [open_wires.enter_context(proxied(deployment.rpc_url)) for _ in range(2)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads are tried again for a moment only."""
    monkeypatch.setattr(ledger_module, "READ_BUDGET_SECONDS", 0.5)


def urls(wires: list[Proxy]) -> str:
    return ",".join(wire.url for wire in wires)


@pytest.fixture
def ledger(deployment: Deployment, wires: list[Proxy]) -> StarknetLedger:
    return deployment.connect(0, url=urls(wires))


def failing(answer: Answer, wire: Proxy) -> None:
    wire.rule = lambda method, params: answer


# --- which is asked ---


@pytest.mark.parametrize("fault", Fault)
def test_the_next_one_is_asked_when_one_fails_and_stays_in_use(
    fault: Fault, ledger: StarknetLedger, wires: list[Proxy], world: World
) -> None:
    one, other = wires
    failing(fault, one)
    before = len(one.calls)
    for size in range(4):
        assert ledger.job_count() == size
        world.create()
    assert (len(one.calls) - before, other.count(CALL)) == (1, 4)


def test_one_that_does_not_answer_at_first_is_used_when_it_is_there(
    deployment: Deployment, wires: list[Proxy], world: World
) -> None:
    one, other = wires
    failing(Fault.RESET, one)
    ledger = deployment.connect(0, url=urls(wires))
    one.rule = first(0, CALL, None)
    failing(Fault.RESET, other)
    assert ledger.job_count() == 0
    assert one.count("starknet_chainId") == 1


def test_one_that_asked_for_patience_is_left_alone_while_the_other_answers(
    ledger: StarknetLedger, wires: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_proxy, "RETRY_AFTER_SECONDS", 100)
    one, other = wires
    one.rule = first(1, NUMBER, Fault.BUSY)
    assert ledger.job_count() == 0
    assert one.calls[-1] == NUMBER
    asked = len(one.calls)
    other.rule = first(2, CALL, Fault.UNAVAILABLE)
    assert ledger.job_count() == 0  # of the other, tried again
    assert (len(one.calls), other.count(CALL)) == (asked, 1 + 3)


@pytest.mark.parametrize("often", [6, *(pytest.param(often, marks=pytest.mark.long) for often in (7, 8))])
def test_a_block_from_before_the_contract_is_read_over_a_wire_that_often_fails(
    often: int, deployment: Deployment, wires: list[Proxy], world: World
) -> None:
    """Where there is no contract the endpoint is examined, unless it just was because it had failed."""
    (wire, _) = wires
    born = world.block()
    world.create()
    reader = deployment.connect(0, url=wire.url)
    examined = wire.count(SPEC)
    whole = reader.events(born)
    assert wire.count(SPEC) == examined + 1
    wire.rule = every(often, Fault.CUT)
    for _ in range(4):
        assert reader.events(born) == whole


@pytest.mark.usefixtures("impatient")
def test_when_all_are_down_the_error_may_be_tried_again(ledger: StarknetLedger, wires: list[Proxy]) -> None:
    for wire in wires:
        failing(Fault.CUT, wire)
    for read in (ledger.head, ledger.job_count, ledger.events):
        with pytest.raises(ServiceError) as caught:
            read()
        assert (caught.value.code, caught.value.retryable) == ("ledger.unreachable", True)


# --- which is refused ---


def test_all_are_examined_before_any_is_used(deployment: Deployment, wires: list[Proxy]) -> None:
    _, other = wires
    other.rule = on_chain(SN_MAIN)
    with pytest.raises(ConfigError) as caught:
        connect(urls(wires), deployment.contract, None)
    assert (caught.value.code, caught.value.data["url"]) == ("ledger.wrong_chain", other.url)
    other.rule = lambda method, params: {"result": "0.8.1"} if method == SPEC else None
    with pytest.raises(ConfigError) as caught:
        connect(urls(wires), deployment.contract, None)
    assert (caught.value.code, caught.value.data["url"]) == ("ledger.wrong_spec", other.url)


@pytest.mark.parametrize("answer", [{"result": "0xbad"}, {"error": {"code": 20, "message": "no contract"}}])
def test_a_node_of_another_network_with_the_same_chain_id_is_refused(
    answer: Answer, deployment: Deployment, wires: list[Proxy]
) -> None:
    """Two devnets say the same of themselves; the contract is on one of them."""
    _, other = wires
    other.rule = lambda method, params: answer if method == "starknet_getClassHashAt" else None
    with pytest.raises(ConfigError) as caught:
        connect(urls(wires), deployment.contract, None)
    assert (caught.value.code, caught.value.data["url"]) == ("ledger.wrong_contract", other.url)


def test_one_of_several_that_is_no_node_is_named(deployment: Deployment, wires: list[Proxy]) -> None:
    one, other = wires
    failing(b'{"status": "ok"}', other)
    with pytest.raises(ServiceError) as caught:
        connect(urls([one, other]), deployment.contract, None)
    assert (caught.value.code, caught.value.data["url"]) == ("ledger.not_a_node", other.url)
    assert (caught.value.retryable, "STARKNET_RPC" in caught.value.remedy) == (False, True)


@pytest.mark.usefixtures("impatient")
def test_one_that_leads_elsewhere_later_is_never_believed(
    ledger: StarknetLedger, wires: list[Proxy], world: World
) -> None:
    one, other = wires
    world.create()
    one.rule = on_chain(SN_MAIN)
    assert ledger.job_count() == 1
    failing(Fault.RESET, other)
    with pytest.raises(ServiceError) as caught:
        ledger.job_count()
    assert caught.value.code == "ledger.unreachable"
    other.rule = on_chain(SN_MAIN)
    with pytest.raises(ConfigError) as refused:
        ledger.job_count()
    assert refused.value.code == "ledger.wrong_chain"


# --- what is not believed ---


def test_a_node_that_lies_behind_is_passed_over_for_every_kind_of_read(
    deployment: Deployment, wires: list[Proxy], world: World
) -> None:
    one, other = wires
    job = world.create(2)
    ledger = deployment.connect(0, url=urls(wires))
    one.stale_at = world.block()
    world.chain.pass_blocks(1)
    world.as_("requester").pause_job(job)
    later = world.create(1)
    assert ledger.head().block == one.stale_at  # nothing later was seen yet
    receipt = world.as_("requester").deposit(Fri(1))
    other_reader = deployment.connect(0, url=other.url)
    assert other_reader.head().block == receipt.block
    one.stale_at, stopped = None, one.stale_at
    assert ledger.head().block == receipt.block
    one.stale_at = stopped
    assert ledger.job(job).paused
    assert ledger.job_count() == later
    assert ledger.head().block == receipt.block
    assert len(ledger.events().events) == 3
    assert ledger.block_hash(receipt.block) == world.reader.head().block_hash
    assert [task.task for task in ledger.tasks(later)] == [0]


@pytest.mark.usefixtures("impatient")
def test_when_only_the_one_that_lies_behind_answers_nothing_is_read(
    ledger: StarknetLedger, wires: list[Proxy], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long: the others may be down for good reason, and their blocks are as real."""
    one, other = wires
    world.create()
    assert ledger.head().block == world.block()
    one.stale_at = world.block() - 1
    failing(Fault.RESET, other)
    monkeypatch.setattr(endpoints, "STALE_SECONDS", 0.0)
    for read in (ledger.head, ledger.job_count, ledger.totals, ledger.events):
        with pytest.raises(ServiceError) as caught:
            read()
        assert caught.value.retryable
        assert caught.value.code in ("ledger.stale_head", "ledger.unreachable")


@pytest.mark.usefixtures("impatient")
def test_a_head_that_goes_back_is_an_error_until_the_node_has_caught_up(
    deployment: Deployment, wires: list[Proxy], world: World
) -> None:
    (wire, _) = wires
    ledger = deployment.connect(0, url=wire.url)
    world.create()
    assert ledger.job_count() == 1
    wire.stale_at = world.block() - 1
    for read in (ledger.head, ledger.job_count, ledger.events):
        with pytest.raises(ServiceError) as caught:
            read()
        assert (caught.value.code, caught.value.retryable) == ("ledger.stale_head", True)
    wire.stale_at = None
    assert ledger.job_count() == 1


def test_a_chain_that_was_taken_back_is_believed_once_all_agree_on_it_for_long(
    deployment: Deployment, wires: list[Proxy], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = deployment.connect(0, url=urls(wires))
    kept = world.create()
    first_lost = world.block() + 1
    world.create()
    assert (ledger.head().block, ledger.job_count()) == (first_lost, 2)
    world.chain.abort_from(first_lost)
    monkeypatch.setattr(endpoints, "STALE_SECONDS", 0.0)
    assert (ledger.job_count(), ledger.head().block) == (kept, first_lost - 1)


def test_a_chain_that_was_taken_back_is_believed_at_once_where_a_block_is_another(
    deployment: Deployment, wires: list[Proxy], world: World
) -> None:
    """No patience is needed: what was the head is seen to be gone."""
    (wire, _) = wires
    ledger = deployment.connect(0, url=wire.url)
    world.create()
    first_lost = world.block()
    assert ledger.head().block == first_lost
    world.create()
    world.chain.pass_blocks(3)
    assert ledger.head().block == world.block()
    world.chain.abort_from(first_lost)
    world.chain.pass_blocks(1)
    assert (ledger.head().block, ledger.job_count()) == (first_lost, 0)


# --- pages ---


def test_a_page_token_goes_to_the_node_that_gave_it(
    world: World, deployment: Deployment, wires: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two pages one falls silent: the last block is begun anew at the other."""
    one, other = wires
    for size in (3, 5, 4):
        world.as_("requester").close_job(world.create(size))
    whole = world.reader.events()
    monkeypatch.setattr(event_pages, "PAGE_EVENTS", 2)
    ledger = deployment.connect(0, url=urls(wires))
    tokens: dict[str, list[str]] = {one.url: [], other.url: []}

    def watching(wire: Proxy) -> None:
        def rule(method: str, params: Any) -> Answer:
            token = params["filter"].get("continuation_token") if method == EVENTS else None
            if token is None:
                return None
            tokens[wire.url].append(token)
            return Fault.CUT if len(tokens[wire.url]) % 4 == 0 else None

        wire.rule = rule

    watching(one)
    watching(other)
    assert ledger.events() == whole
    assert min(map(len, tokens.values())) >= 3
    assert all(":" not in token for each in tokens.values() for token in each)


def test_events_that_the_contracts_counts_speak_of_and_a_node_withholds_are_asked_of_another(
    world: World, ledger: StarknetLedger, wires: list[Proxy]
) -> None:
    one, other = wires
    for _ in range(3):
        world.create()

    def withholding(method: str, params: Any) -> Answer:
        if method != EVENTS:
            return None
        request = {"jsonrpc": "2.0", "id": 0, "method": method, "params": params}
        answer = httpx2.post(one.node_url, json=request).json()
        del answer["result"]["events"][1]
        return json.dumps(answer).encode()

    one.rule = withholding
    assert [event.job_id for event in ledger.events().events] == [1, 2, 3]
    other.rule = withholding
    with pytest.raises(ServiceError) as caught:
        ledger.events()
    assert (caught.value.code, caught.value.retryable) == ("ledger.events_missing", True)


def test_a_page_that_is_dropped_between_two_others_is_missed(
    world: World, deployment: Deployment, wires: list[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No job was created in what is lost, only claims made."""
    world.with_seats({"verifier_a": 4}).with_deposits("worker")
    job = world.create(9, committee_size=1)
    world.as_("worker").claim(job, list(range(9)))
    monkeypatch.setattr(event_pages, "PAGE_EVENTS", 2)
    (wire, _) = wires
    reader = deployment.connect(0, url=wire.url)

    def skipping(method: str, params: Any) -> Answer:
        if method == EVENTS and params["filter"].get("continuation_token") == "4":
            params["filter"]["continuation_token"] = "6"
        return None

    whole = reader.events()
    wire.rule = skipping
    with pytest.raises(ServiceError) as caught:
        reader.events()
    assert caught.value.code == "ledger.events_missing"
    wire.rule = first(0, EVENTS, None)
    assert reader.events() == whole


# --- writes ---


def test_the_same_bytes_go_to_the_next_node(ledger: StarknetLedger, wires: list[Proxy], world: World) -> None:
    sent: list[tuple[str, str]] = []
    for wire in wires:

        def rule(method: str, params: Any, wire: Proxy = wire) -> Answer:
            if method != "starknet_addInvokeTransaction":
                return None
            sent.append((wire.url, json.dumps(params, sort_keys=True)))
            return Fault.ANSWER_LOST if len(sent) == 1 else None

        wire.rule = rule
    ledger.deposit(Fri(5))
    assert [url for url, _ in sent] == [wire.url for wire in wires]
    assert len({body for _, body in sent}) == 1
    assert world.purse("requester") == 5


def test_a_transaction_is_not_given_up_for_lost_by_the_words_of_two_nodes(
    deployment: Deployment, wires: list[Proxy]
) -> None:
    """One node says that the nonce is used, and only the other, which may lag, lacks the transaction."""
    receipt = deployment.connect(0).deposit(Fri(5))
    journal = FakeJournal()
    journal.put(INTENT, hex(receipt.tx_hash), {"what": "deposit", "nonce": 0})
    one, other = wires
    one.rule = lambda method, params: Fault.UNAVAILABLE if method == STATUS else None
    other.rule = lambda method, params: UNKNOWN_HASH if method == STATUS else None
    deployment.connect(0, journal=journal, url=urls(wires))
    assert one.count(STATUS) > 0
    assert other.count(STATUS) == 1
    assert len(journal.all(INTENT)) == 1
    other.rule = first(0, STATUS, None)
    deployment.connect(0, journal=journal, url=other.url)
    assert journal.all(INTENT) == {}


def test_a_url_where_nobody_listens_among_several_does_no_harm(deployment: Deployment) -> None:
    dead = f"http://127.0.0.1:{free_port()}/rpc"
    with connect(f"{dead},{deployment.rpc_url}", deployment.contract, deployment.signers[0]) as ledger:
        ledger.deposit(Fri(7))
        assert ledger.balances(ledger.account()).withdrawable == Fri(7)
    with pytest.raises(ConfigError) as caught:
        connect(f"{dead},{deployment.rpc_url}", STRK, None)
    assert caught.value.code == "ledger.wrong_contract"
