"""A world in which somebody attacks, and the account of who gained and who lost by it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tileproof.domain.job import TaskState, Verdict

from tests.conformance.ledger_world import CAST, REWARD, World

from .book import Account, Page
from .theatre import Theatre

ACCEPT, REJECT = Verdict.ACCEPT, Verdict.REJECT
UNAVAILABLE, INCONCLUSIVE = Verdict.UNAVAILABLE, Verdict.INCONCLUSIVE
VERIFIERS = ("verifier_a", "verifier_b", "verifier_c", "verifier_d")


class Stage(World):
    """A world with a page of the attack book to live up to.

    What somebody holds is the balance, every bond, and for the requester the escrow, in fri. It moves
    only inside the contract between ``begins`` and ``ends``, so that gas, which is paid from wallets,
    stays apart.
    """

    chain: Theatre
    page: Page
    first: str
    """Who sat in the committee of one."""
    _held: dict[str, int]
    _lost: int

    def with_everybody(self) -> Stage:
        """Four verifiers with two seats each, so that in an appeal's committee of three one of them has
        one place, and deposits for the parties."""
        self.with_seats(dict.fromkeys(VERIFIERS, 2))
        self.with_deposits("worker", "other_worker", "requester")
        return self

    def begins(self) -> None:
        """From here on it counts."""
        self._held, self._lost = self._holdings(), self.forfeited()

    def ends(self, *, attackers: Collection[str], victims: Collection[str], good_work: str = "") -> None:
        """Checks the page's figures, and that nothing appeared or vanished. Good work is worth its
        price, to the requester who has it and to the one who did it."""
        self.check_money()
        now = self._holdings()
        gained = {who: now[who] - self._held[who] for who in CAST}
        if good_work:
            gained["requester"] += REWARD
            gained[good_work] -= REWARD
        others = set(CAST) - set(attackers) - set(victims)
        assert not set(attackers) & set(victims)
        found = Account(
            gain=sum(gained[who] for who in attackers),
            loss=-sum(gained[who] for who in victims),
            others=sum(gained[who] for who in others),
            forfeited=self.forfeited() - self._lost,
        )
        assert found == self.page.account
        assert found.is_balanced

    def _holdings(self) -> dict[str, int]:
        held = {}
        for who in CAST:
            balances = self.reader.balances(self.address(who))
            parts = (
                balances.withdrawable,
                balances.worker_bonds,
                balances.appeal_bonds,
                balances.seat_bonds,
            )
            held[who] = sum(part.units for part in parts)
        held["requester"] += self.escrow()
        return held

    # --- what many attacks begin with ---

    def submitted(self, **changes: Any) -> int:
        """A job whose first task's result waits for its committee of one; all counts from the claim."""
        job = self.create(committee_size=1, **changes)
        self.begins()
        self.as_("worker").claim(job, [0])
        self.submit(job, 0)
        return job

    def judged(self, *verdicts: Verdict | None, **changes: Any) -> int:
        """The same, and the committee has said this."""
        job = self.submitted(**changes)
        self.draw(job, 0)
        self.first = self.sitters(job)[0]
        self.vote(job, verdicts)
        return job

    def judged_in_appeal(self, job: int, *verdicts: Verdict | None) -> None:
        """The appeal's committee says this, and the task is settled."""
        self.vote(job, verdicts)
        assert self.task(job).state is TaskState.SETTLEABLE
        self.settle(job)
