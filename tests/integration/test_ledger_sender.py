"""How writes reach a real chain: each once, in order, within its caps, whatever dies or falls silent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.starknet import sender as sender_module
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS
from tileproof.adapters.starknet.intents import INTENT, SPENT
from tileproof.adapters.starknet.ledger import UNREVEALED, StarknetLedger
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.domain.errors import ConfigError, LedgerRejected, ServiceError
from tileproof.domain.job import Verdict
from tileproof.domain.money import Fri, parse_strk

from tests.conformance.ledger_world import CAST, SEATED, DevnetChain, World, ballot, seal
from tests.fakes.journal import FakeJournal
from tests.services.devnet import Deploy, Deployment
from tests.services.rpc_proxy import UNKNOWN_HASH, Answer, Fault, Proxy, first, proxied

pytestmark = pytest.mark.devnet
SEND, RECEIPT = "starknet_addInvokeTransaction", "starknet_getTransactionReceipt"
ESTIMATE, NONCE = "starknet_estimateFee", "starknet_getNonce"
RICH = FeeCaps(per_tx=parse_strk("1"), per_day=parse_strk("50"))
ME = 3


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    with proxied(deployment.rpc_url) as proxy:
        yield proxy


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def ledger(deployment: Deployment, proxy: Proxy, journal: FakeJournal) -> StarknetLedger:
    return deployment.connect(ME, journal=journal, url=proxy.url)


class Onlooker:
    """What a test sees of the account from outside."""

    def __init__(self, deployment: Deployment) -> None:
        self._reader = deployment.connect(ME + 1)
        self._me = deployment.signers[ME].address
        self._start = self._nonce()

    def sent(self) -> int:
        """Transactions of the account that are in blocks since the test began."""
        return self._nonce() - self._start

    def deposited(self) -> int:
        return self._reader.balances(self._me).withdrawable.units

    def _nonce(self) -> int:
        node = self._reader._node
        return node.run(node.client.get_contract_nonce(self._me.felt, block_number="latest"))


@pytest.fixture
def onlooker(deployment: Deployment) -> Onlooker:
    return Onlooker(deployment)


# --- the ordinary way ---


def test_intent_nonce_and_hash_are_written_down_before_anything_is_sent(
    ledger: StarknetLedger, proxy: Proxy, journal: FakeJournal
) -> None:
    kept_at_send: list[dict[str, Any]] = []
    nonces: list[int] = []

    def rule(method: str, params: Any) -> Answer:
        if method == SEND:
            kept_at_send.append(dict(journal.all(INTENT)))
            nonces.append(int(params["invoke_transaction"]["nonce"], 16))
        return None

    proxy.rule = rule
    receipts = [ledger.deposit(Fri(1)), ledger.deposit(Fri(2))]
    for kept, nonce, receipt in zip(kept_at_send, nonces, receipts, strict=True):
        assert kept == {hex(receipt.tx_hash): {"what": "deposit", "nonce": nonce}}
    assert nonces[1] == nonces[0] + 1
    assert journal.all(INTENT) == {}
    (spent,) = journal.all(SPENT).values()
    assert spent == {"fri": str(sum(receipt.fee.units for receipt in receipts))}


def test_what_would_be_refused_is_not_sent_and_leaves_nothing(
    ledger: StarknetLedger, proxy: Proxy, journal: FakeJournal, onlooker: Onlooker
) -> None:
    with pytest.raises(LedgerRejected) as caught:
        ledger.withdraw(Fri(1))
    assert caught.value.reason == "BALANCE_TOO_LOW"
    assert (proxy.count(SEND), onlooker.sent(), journal.is_empty) == (0, 0, True)


def test_threads_of_one_account_take_turns(
    ledger: StarknetLedger, deployment: Deployment, onlooker: Onlooker
) -> None:
    """Two connections, as two processes have them, and four threads on each."""
    other = deployment.connect(ME, journal=FakeJournal())
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(each.deposit, Fri(1)) for each in (ledger, other) * 4]
        hashes = {done.result().tx_hash for done in waiting}
    assert (len(hashes), onlooker.sent(), onlooker.deposited()) == (8, 8, 8)


def test_a_transaction_that_reverts_in_its_block_says_why_and_costs_its_fee(
    deployment: Deployment, proxy: Proxy, journal: FakeJournal
) -> None:
    """Between the estimate, which would have gone through, and the block, another was faster."""
    world = World(DevnetChain(deployment)).with_seats({"verifier_a": SEATED})
    world.with_deposits("worker", "other_worker")
    job = world.create()
    slow = deployment.connect(1, journal=journal, url=proxy.url)  # the worker's account
    overtaken: list[str] = []

    def rule(method: str, params: Any) -> Answer:
        if method == SEND and not overtaken:
            overtaken.append(method)
            world.as_("other_worker").claim(job, [0])
        return None

    proxy.rule = rule
    wallet = world.wallet("worker")
    with pytest.raises(LedgerRejected) as caught:
        slow.claim(job, [0])
    assert (caught.value.reason, overtaken) == ("TASK_NOT_OPEN", [SEND])
    (spent,) = journal.all(SPENT).values()
    assert (journal.all(INTENT), int(str(spent["fri"]))) == ({}, wallet - world.wallet("worker"))
    assert world.task(job).worker == world.address("other_worker")


# --- caps ---


def test_a_transaction_above_its_cap_is_not_sent(
    deployment: Deployment, proxy: Proxy, onlooker: Onlooker
) -> None:
    poor = deployment.connect(
        ME, journal=FakeJournal(), url=proxy.url, caps=FeeCaps(Fri(10**12), RICH.per_day)
    )
    with pytest.raises(ConfigError) as caught:
        poor.deposit(Fri(1))
    assert caught.value.code == "fees.above_cap"
    assert "TILEPROOF_FEE_PER_TX" in caught.value.remedy
    assert (proxy.count(SEND), onlooker.sent()) == (0, 0)


def test_a_days_cap_holds_over_restarts_and_for_what_might_be_charged(
    deployment: Deployment, proxy: Proxy, tmp_path: Path, onlooker: Onlooker
) -> None:
    warm = deployment.connect(ME)
    warm.deposit(Fri(1))
    fee = warm.deposit(Fri(1)).fee.units  # the price of the next ones too; the bounds allow 1.95 of it
    caps = FeeCaps(RICH.per_tx, per_day=Fri(fee * 32 // 10))
    told: list[str] = []
    for _ in range(3):
        kept = SqliteJournal(tmp_path / "journal.sqlite")
        restarted = deployment.connect(ME, journal=kept, url=proxy.url, caps=caps)
        try:
            restarted.deposit(Fri(1))
            told.append("sent")
        except ConfigError as error:
            told.append(error.code)
        restarted.close()
        kept.close()
    assert told == ["sent", "sent", "fees.above_daily_cap"]
    assert (onlooker.sent(), proxy.count(SEND)) == (4, 2)


def test_a_reveal_may_exceed_the_days_cap_by_what_its_seat_would_lose_and_a_commit_may_not(
    deploy: Deploy,
) -> None:
    deployment = deploy(LOCAL_BOUNDS)
    world = World(DevnetChain(deployment, LOCAL_BOUNDS))
    for who in ("verifier_a", "verifier_b"):
        world.as_(who).deposit(LOCAL_BOUNDS.seat_bond * 2)
        for _ in range(2):
            world.as_(who).take_seat()
    world.as_("worker").deposit(parse_strk("50"))
    saves, nothing = parse_strk("0.01"), Fri(0)
    terms = {"committee_size": 1, "worker_bond": parse_strk("20"), "reward": parse_strk("1")}
    job = world.drawn(audit_fee=saves, **terms)
    (sitter,) = world.sitters(job)
    said = ballot(0, Verdict.ACCEPT)

    def capped(per_day: Fri) -> StarknetLedger:
        caps = FeeCaps(per_tx=parse_strk("1"), per_day=per_day)
        return deployment.connect(CAST.index(sitter), caps=caps)

    with pytest.raises(ConfigError) as caught:
        capped(nothing).commit(job, [seal(world.round_id(job), said)])
    assert caught.value.code == "fees.above_daily_cap"
    world.as_(sitter).commit(job, [seal(world.round_id(job), said)])
    fee = capped(nothing).reveal(job, [said]).fee
    assert nothing < fee <= saves * UNREVEALED


# --- a node that falls silent ---


@pytest.mark.parametrize("fault", Fault)
def test_a_transaction_takes_effect_once_whatever_becomes_of_the_answer(
    fault: Fault, ledger: StarknetLedger, proxy: Proxy, journal: FakeJournal, onlooker: Onlooker
) -> None:
    proxy.rule = first(2, SEND, fault)
    receipt = ledger.deposit(Fri(5))
    assert receipt.fee > Fri(0)
    assert (onlooker.sent(), onlooker.deposited(), journal.all(INTENT)) == (1, 5, {})
    assert proxy.count(SEND) == 3


@pytest.mark.parametrize("fault", Fault)
def test_receipts_are_asked_for_again(
    fault: Fault, ledger: StarknetLedger, proxy: Proxy, onlooker: Onlooker
) -> None:
    proxy.rule = first(3, RECEIPT, fault)
    ledger.deposit(Fri(5))
    assert (onlooker.sent(), onlooker.deposited(), proxy.count(RECEIPT)) == (1, 5, 4)


@pytest.mark.parametrize("method", [NONCE, ESTIMATE])
def test_before_anything_is_sent_a_silent_node_is_an_error_that_may_be_tried_again(
    method: str, ledger: StarknetLedger, proxy: Proxy, journal: FakeJournal, onlooker: Onlooker
) -> None:
    proxy.rule = first(1, method, Fault.UNAVAILABLE)
    with pytest.raises(ServiceError) as caught:
        ledger.deposit(Fri(5))
    assert (caught.value.code, caught.value.retryable) == ("ledger.unreachable", True)
    assert (proxy.count(SEND), journal.is_empty, onlooker.sent()) == (0, True, 0)
    ledger.deposit(Fri(5))
    assert onlooker.deposited() == 5


def test_an_outcome_that_stays_unknown_is_found_out_before_the_next_send(
    ledger: StarknetLedger,
    proxy: Proxy,
    journal: FakeJournal,
    onlooker: Onlooker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender_module, "RECEIPT_SECONDS", 0.5)
    proxy.rule = lambda method, params: UNKNOWN_HASH if method == RECEIPT else None
    with pytest.raises(ServiceError) as caught:
        ledger.deposit(Fri(5))
    assert (caught.value.code, caught.value.retryable) == ("ledger.outcome_unknown", False)
    assert len(journal.all(INTENT)) == 1
    proxy.rule = first(0, RECEIPT, None)
    with pytest.raises(ServiceError) as late:
        ledger.deposit(Fri(7))  # decided on without knowing of the first one
    assert (late.value.code, late.value.retryable, onlooker.deposited()) == ("ledger.nonce_taken", True, 5)
    last = ledger.deposit(Fri(7))
    assert (onlooker.sent(), onlooker.deposited(), journal.all(INTENT)) == (2, 12, {})
    (spent,) = journal.all(SPENT).values()
    assert int(str(spent["fri"])) > last.fee.units  # the first one's fee counts too


def test_a_refused_transaction_leaves_no_intent(
    ledger: StarknetLedger, proxy: Proxy, journal: FakeJournal, onlooker: Onlooker
) -> None:
    proxy.rule = first(1, SEND, {"error": {"code": 55, "message": "Account validation failed"}})
    with pytest.raises(ServiceError) as caught:
        ledger.deposit(Fri(5))
    assert (caught.value.code, journal.all(INTENT)) == ("ledger.refused", {})
    ledger.deposit(Fri(5))
    assert (onlooker.sent(), onlooker.deposited()) == (1, 5)


# --- killed half way ---


@pytest.mark.parametrize(
    ("death", "effects"),
    [
        ("after put ledger.intent", 0),
        ("before the node hears", 0),
        ("before the answer comes", 1),
        ("at the first look for a receipt", 1),
        ("after put ledger.fees", 1),
        ("before remove ledger.intent", 1),
    ],
)
def test_a_process_killed_while_it_sends_has_sent_once_or_never(
    death: str, effects: int, deployment: Deployment, proxy: Proxy, tmp_path: Path, onlooker: Onlooker
) -> None:
    signer = deployment.signers[ME]
    path = tmp_path / "journal.sqlite"
    arguments = [proxy.url, str(deployment.contract), str(signer.address), str(path), death]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.sender_child", "deposit", *arguments],
        env={**os.environ, "STARKNET_PRIVATE_KEY": hex(signer.private_key)},
        stdout=subprocess.PIPE,
        text=True,
    )

    def kill() -> None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()

    def before(method: str, params: Any) -> Answer:
        if (method, death) not in (
            (SEND, "before the node hears"),
            (RECEIPT, "at the first look for a receipt"),
        ):
            return None
        kill()
        return Fault.CUT

    def after(method: str) -> None:
        if (method, death) == (SEND, "before the answer comes"):
            kill()

    proxy.rule, proxy.after = before, after
    try:
        told, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, told) == (-signal.SIGKILL, "connected\n")
    proxy.rule, proxy.after = first(0, SEND, None), lambda method: None

    kept = SqliteJournal(path)
    assert len(kept.all(INTENT)) == 1
    restarted = deployment.connect(ME, journal=kept, url=proxy.url)
    may_still_arrive = 1 - effects
    assert (onlooker.deposited(), onlooker.sent()) == (effects, effects)
    assert len(kept.all(INTENT)) == may_still_arrive
    restarted.deposit(Fri(10))  # with the nonce of what may still arrive, which now never will
    assert (onlooker.deposited(), onlooker.sent(), kept.all(INTENT)) == (10 + effects, 1 + effects, {})
    restarted.close()
    kept.close()


def test_a_restart_waits_for_what_is_still_on_its_way(
    deployment: Deployment, proxy: Proxy, journal: FakeJournal, onlooker: Onlooker
) -> None:
    """The intent of a dead process whose transaction the node has and no block holds yet."""
    receipt = deployment.connect(ME).deposit(Fri(5))
    journal.put(INTENT, hex(receipt.tx_hash), {"what": "deposit", "nonce": 0})
    proxy.rule = first(3, RECEIPT, UNKNOWN_HASH)
    deployment.connect(ME, journal=journal, url=proxy.url)
    assert (proxy.count(RECEIPT), proxy.count(SEND), journal.all(INTENT)) == (4, 0, {})
