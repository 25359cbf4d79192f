"""What a caller has given a name of its own happens once under that name, and what arrives late
is never taken for lost: on a real chain, over a wire that a test can pull on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call
from tileproof.adapters.starknet import sender as sender_module
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.adapters.starknet.deploy import STRK
from tileproof.adapters.starknet.intents import INTENT
from tileproof.adapters.starknet.ledger import DEFAULT_CAPS
from tileproof.adapters.starknet.node import Node, open_node
from tileproof.adapters.starknet.sender import Sender
from tileproof.domain.errors import ConfigError, LedgerRejected, ServiceError
from tileproof.domain.money import Fri

from tests.fakes.journal import FakeJournal
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Answer, Fault, Proxy, first, proxied

pytestmark = pytest.mark.devnet
SEND, NONCE = "starknet_addInvokeTransaction", "starknet_getNonce"
STATUS = "starknet_getTransactionStatus"
ME, RECIPIENT = 4, 0x7E57_CA5E


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    with proxied(deployment.rpc_url) as proxy:
        yield proxy


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


class Account:
    """One account's sender, made anew as by a restart, and what its transfers have come to."""

    def __init__(self, node: Node, chain_id: int, deployment: Deployment, journal: FakeJournal) -> None:
        self.node, self._chain_id, self._journal = node, chain_id, journal
        self._signer = deployment.signers[ME]
        self._had, self._nonce = self._balance(), self._used()
        self.restart()

    def restart(self, caps: FeeCaps = DEFAULT_CAPS) -> None:
        self.sender = Sender(self.node, self._chain_id, self._signer, self._journal, caps)
        self.sender.reconcile()

    def transfer(self, amount: int, key: str | None = None) -> int:
        """The hash of the transfer."""
        call = Call(STRK.felt, get_selector_from_name("transfer"), [RECIPIENT, amount, 0])
        return self.sender.send("transfer", [call], key=key).transaction_hash

    def effects(self) -> tuple[int, int]:
        """Transactions of the account in blocks, and what the recipient has got."""
        return self._used() - self._nonce, self._balance() - self._had

    def _used(self) -> int:
        address = self._signer.address.felt
        return self.node.run(self.node.client.get_contract_nonce(address, block_number="latest"))

    def _balance(self) -> int:
        call = Call(STRK.felt, get_selector_from_name("balance_of"), [RECIPIENT])
        return int(self.node.run(self.node.client.call_contract(call, block_number="latest"))[0])


@pytest.fixture
def account(deployment: Deployment, proxy: Proxy, journal: FakeJournal) -> Iterator[Account]:
    node, chain_id = open_node(proxy.url)
    yield Account(node, chain_id, deployment, journal)
    node.close()


Arrive = Callable[[], None]


@pytest.fixture
def held_up(account: Account, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Arrive]:
    """Makes a transfer whose transaction is on its way, somewhere, when its sender has given up on
    it and started again; what is returned lets it arrive."""

    def hold_up(amount: int, key: str | None = None) -> Arrive:
        held: list[dict[str, Any]] = []

        def rule(method: str, params: Any) -> Answer:
            if method != SEND:
                return None
            held.append({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            return Fault.CUT

        proxy.rule = rule
        with monkeypatch.context() as patch:
            patch.setattr(sender_module, "RECEIPT_SECONDS", 0.3)
            with pytest.raises(ServiceError) as caught:
                account.transfer(amount, key)
        assert caught.value.code == "ledger.outcome_unknown"
        proxy.rule = first(0, SEND, None)
        account.restart()

        def arrive() -> None:
            httpx2.post(proxy.node_url, json=held[0], timeout=60).raise_for_status()

        return arrive

    return hold_up


# --- keys ---


def test_what_is_done_under_a_key_is_answered_and_not_done_again(account: Account, proxy: Proxy) -> None:
    done = account.transfer(5, "rent")
    assert account.transfer(5, "rent") == done
    account.restart()
    assert account.transfer(5, "rent") == done
    assert (account.effects(), proxy.count(SEND)) == ((1, 5), 1)


def test_a_key_is_forgotten_once_its_outcome_was_taken(account: Account, journal: FakeJournal) -> None:
    account.transfer(5, "rent")
    account.transfer(7, "wages")
    account.sender.taken("rent")
    account.sender.taken("rent")
    assert [record["key"] for record in journal.all(INTENT).values()] == ["wages"]
    account.transfer(5, "rent")
    account.transfer(7, "wages")
    assert account.effects() == (3, 17)


def test_a_revert_is_an_outcome_too(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds of its gas were too low for the block that it came into, so it ran out."""
    monkeypatch.setattr(sender_module, "GAS_MARGIN", 0.97)
    reasons = []
    for _ in range(2):
        with pytest.raises(LedgerRejected) as caught:
            account.transfer(5, "rent")
        reasons.append(caught.value.message)
        monkeypatch.undo()
        account.restart()
    assert reasons[0] == reasons[1]
    assert account.effects() == (1, 0)
    account.sender.taken("rent")
    account.transfer(5, "rent")
    assert account.effects() == (2, 5)


def test_what_was_refused_before_it_was_sent_leaves_its_key_free(
    account: Account, journal: FakeJournal
) -> None:
    with pytest.raises(LedgerRejected):
        account.transfer(2**127, "rent")
    assert journal.is_empty
    account.transfer(5, "rent")
    assert account.effects() == (1, 5)


def test_a_key_whose_block_was_taken_back_is_done_again(
    account: Account, deployment: Deployment, proxy: Proxy
) -> None:
    lost = account.transfer(5, "rent")
    block = account.node.run(account.node.client.get_transaction_receipt(lost)).block_number
    assert block is not None
    deployment.devnet.abort_blocks(block)
    deployment.devnet.create_blocks(2)  # others, so that the chain is no shorter than it was
    assert account.effects() == (0, 0)
    account.transfer(5, "rent")
    account.transfer(5, "rent")
    assert (account.effects(), proxy.count(SEND)) == ((1, 5), 2)


# --- what arrives late ---


def test_a_transfer_that_arrives_before_its_key_is_asked_for_again_is_found(
    account: Account, journal: FakeJournal, held_up: Callable[..., Arrive]
) -> None:
    arrive = held_up(5, "rent")
    assert len(journal.all(INTENT)) == 1
    arrive()
    account.transfer(5, "rent")
    assert account.effects() == (1, 5)


def test_a_transfer_that_arrives_after_its_key_was_sent_anew_is_refused_by_the_chain(
    account: Account, journal: FakeJournal, held_up: Callable[..., Arrive]
) -> None:
    arrive = held_up(5, "rent")
    again = account.transfer(5, "rent")
    arrive()
    assert account.effects() == (1, 5)
    assert list(journal.all(INTENT)) == [hex(again)]


@pytest.mark.parametrize("method", [NONCE, "starknet_estimateFee", SEND])
@pytest.mark.parametrize("key", ["rent", None])
def test_a_transfer_that_arrives_while_the_next_is_made_ready_is_seen(
    key: str | None,
    method: str,
    account: Account,
    proxy: Proxy,
    journal: FakeJournal,
    held_up: Callable[..., Arrive],
) -> None:
    """Just before any of the steps that the next one takes. Whoever names no key is told to look
    again, whoever does is given its outcome when it asks again."""
    arrive = held_up(5, key)
    arrived: list[str] = []

    def rule(called: str, params: Any) -> Answer:
        if called == method and not arrived:
            arrived.append(called)
            arrive()
        return None

    proxy.rule = rule
    told: list[str] = []
    for _ in range(2):
        try:
            account.transfer(5 if key else 7, key)
            told.append("done")
        except ServiceError as error:
            told.append(error.code)
    assert arrived == [method]
    if key is None:
        assert told == ["ledger.nonce_taken", "done"]
        assert (account.effects(), journal.all(INTENT)) == ((2, 12), {})
    else:
        assert told == ["done" if method == NONCE else "ledger.nonce_taken", "done"]
        assert account.effects() == (1, 5)


def test_a_transfer_that_arrives_just_after_it_was_asked_for_is_not_taken_for_lost(
    account: Account, proxy: Proxy, held_up: Callable[..., Arrive]
) -> None:
    """Its nonce is used by then: by itself, and not by another."""
    arrive = held_up(5, "rent")
    arrived: list[str] = []

    def rule(called: str, params: Any) -> Answer:
        asked = [method for method in proxy.calls if method in (STATUS, NONCE)]
        if called == NONCE and asked[-2:] == [STATUS, NONCE] and not arrived:
            arrived.append(called)
            arrive()
        return None

    proxy.rule = rule
    told: list[str] = []
    while "done" not in told and len(told) < 3:
        try:
            account.transfer(5, "rent")
            told.append("done")
        except ServiceError as error:
            told.append(error.code)
    assert (arrived, told[-1]) == ([NONCE], "done")
    assert account.effects() == (1, 5)


def test_a_transfer_whose_nonce_another_has_used_is_sent_anew_under_its_key(
    account: Account, deployment: Deployment, held_up: Callable[..., Arrive]
) -> None:
    arrive = held_up(5, "rent")
    deployment.connect(ME).deposit(Fri(1))  # another process of the account
    account.transfer(5, "rent")
    arrive()
    account.transfer(5, "rent")
    assert account.effects() == (2, 5)


def test_a_nonce_that_another_took_while_the_node_was_silent_is_not_ours(
    account: Account, deployment: Deployment, proxy: Proxy, journal: FakeJournal
) -> None:
    silent = first(1, SEND, Fault.CUT)
    seen: list[str] = []

    def rule(method: str, params: Any) -> Answer:
        seen.append(method)
        if seen.count(SEND) == 2 and method == SEND:
            _elsewhere(deployment)
        return silent(method, params)

    proxy.rule = rule
    with pytest.raises(ServiceError) as caught:
        account.transfer(5, "rent")
    assert (caught.value.code, caught.value.retryable) == ("ledger.nonce_taken", True)
    assert journal.all(INTENT) == {}
    account.transfer(5, "rent")
    assert account.effects() == (2, 5)


def _elsewhere(deployment: Deployment) -> None:
    """A transfer of the account from another machine, which no lock of this one holds up."""
    signer = deployment.signers[ME]
    node, chain_id = open_node(deployment.rpc_url)
    try:
        sender = Sender(node, chain_id, signer, None, DEFAULT_CAPS)
        sender._lock_file = sender._lock_file.with_suffix(".elsewhere")
        sender.send("nothing", [Call(STRK.felt, get_selector_from_name("transfer"), [1, 0, 0])])
    finally:
        node.close()


# --- a day's cap without a journal ---


def test_without_a_journal_a_days_cap_holds_as_long_as_the_connection(deployment: Deployment) -> None:
    warm = deployment.connect(ME)
    warm.deposit(Fri(1))
    fee = warm.deposit(Fri(1)).fee.units  # the price of the next ones too; the bounds allow 1.95 of it
    capped = deployment.connect(ME, caps=FeeCaps(DEFAULT_CAPS.per_tx, per_day=Fri(fee * 32 // 10)))
    for _ in range(2):
        capped.deposit(Fri(1))
    with pytest.raises(ConfigError) as caught:
        capped.deposit(Fri(1))
    assert caught.value.code == "fees.above_daily_cap"
