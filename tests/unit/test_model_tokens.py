"""A token that misbehaves costs nobody anything: whatever it would have moved stays where it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tileproof.domain.cid import Cid
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Address, Terms
from tileproof.domain.money import Fri

from model.books import Token
from tests.fakes.ledger import FakeChain, FakeLedger

ME = Address(0xA)
TERMS = Terms(
    reward=Fri(1_000),
    audit_fee=Fri(10),
    worker_bond=Fri(101),
    committee_size=3,
    audit_rate_bps=10_000,
    lease_seconds=600,
    commit_blocks=10,
    reveal_blocks=10,
    appeal_blocks=5,
    deadline=1_800_050_000,
)
MOVING: dict[str, Callable[[FakeLedger], object]] = {
    "deposit": lambda ledger: ledger.deposit(Fri(5)),
    "withdraw": lambda ledger: ledger.withdraw(Fri(5)),
    "create_job": lambda ledger: ledger.create_job(Cid.of_raw_block(b"job"), 1, TERMS),
}


@pytest.mark.parametrize("call", MOVING)
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (Token.REFUSES, "TOKEN_REFUSED"),
        (Token.TAKES_A_FEE, "TOKEN_MISCOUNTED"),
        (Token.REENTERS, "REENTERED"),
    ],
)
def test_nothing_moves_when_the_token_does_not_do_as_it_is_asked(
    token: Token, reason: str, call: str
) -> None:
    chain = FakeChain()
    chain.mint(ME, Fri(1_000_000))
    ledger = chain.acting_as(ME)
    ledger.deposit(Fri(100))
    before = (ledger.balances(ME), ledger.totals(), ledger.job_count(), ledger.events().events)
    chain.make_token(token)
    with pytest.raises(LedgerRejected) as caught:
        MOVING[call](ledger)
    assert caught.value.reason == reason
    assert (ledger.balances(ME), ledger.totals(), ledger.job_count(), ledger.events().events) == before
    chain.make_token(Token.HONEST)
    MOVING[call](ledger)
