"""Who pays whom, in fri. Pure: votes, terms and what the seats' bonds hold come in, amounts go out.

Whole numbers only. The one division, of a lapse's share, rounds in favour of what is forfeited. Every
payout satisfies

    escrow + worker bond + appeal bond + used of the slashes
        = worker + requester + appellant + seats + forfeited less the slashes that were not used
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tileproof.domain.job import AppealOutcome, Lane, Outcome, Question, Terms, Verdict
from tileproof.domain.sampling import BPS

from .books import Place
from .status import SAID, appeal_majority, decision

SILENT, UNREVEALED, WRONG = 1, 4, 4
"""What a seat loses, in audit fees."""
MAX_FAILURES = 3
"""The third reject or unavailable closes the task."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A deciding round and its appeal, if there was one, as they ended."""

    outcome: Outcome
    """The final one."""
    places: tuple[Place, ...]
    appeal: AppealOutcome = AppealOutcome.NONE
    against: Outcome = Outcome.UNDECIDED
    question: Question = Question.LISTED_TILE
    appeal_places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Payout:
    """Amounts in fri; tuples have one entry per place, in the committee's order."""

    from_escrow: int
    worker: int
    """Reward and what is left of the bond."""
    requester: int
    """What escrow gives back."""
    appellant: int
    """What is left of the appeal bond."""
    seats: tuple[int, ...]
    appeal_seats: tuple[int, ...]
    slashed: tuple[int, ...]
    appeal_slashed: tuple[int, ...]
    used_slashes: int
    """What of the slashes paid the appeal's seats."""
    forfeited: int
    """From escrow, worker bond, appeal bond, and the slashes that were not used."""

    @property
    def paid_to_seats(self) -> int:
        return sum(self.seats) + sum(self.appeal_seats)

    @property
    def taken_from_seats(self) -> int:
        return sum(self.slashed) + sum(self.appeal_slashed)


BondOf = Callable[[int], int | None]
"""What the bond of the seat that was drawn in a slot still holds; None once the slot was handed on, so
that whoever has it now gets and loses nothing."""


def payout(terms: Terms, what: Settled, closes: bool, bond_of: BondOf) -> Payout:
    """The table "Who pays whom" of docs/protocol.md.

    ``closes``: whether a reject or unavailable is the task's last. Nobody is slashed for more than
    their bond holds.
    """
    fee, fees = terms.audit_fee.units, audit_fees(terms)
    reward, bond = terms.reward.units, terms.worker_bond.units
    appeal_bond = terms.appeal_bond.units if what.appeal is not AppealOutcome.NONE else 0

    says = appeal_majority(what.appeal_places)
    seats = _credits(what.places, lambda place: agrees(place, what), fee, bond_of)
    appeal_seats = _credits(what.appeal_places, lambda place: agrees_in_appeal(place, says), fee, bond_of)
    slashed = _slashes(what.places, lambda place: fees_lost(place, what, terms.lane), fee, bond_of)
    appeal_slashed = _slashes(
        what.appeal_places, lambda place: fees_lost_in_appeal(place, says, terms.lane), fee, bond_of
    )
    first_paid, appeal_paid = sum(seats), sum(appeal_seats)
    taken = sum(slashed) + sum(appeal_slashed)

    worker, requester, appellant, from_escrow = 0, 0, appeal_bond, 0
    used_slashes, forfeited = 0, 0
    if what.outcome.pays_worker:
        from_escrow, worker = reward + fees, reward + bond
        requester = fees - first_paid
        if what.appeal is AppealOutcome.WON:
            used_slashes = min(taken, appeal_paid)
            used_fees = min(requester, appeal_paid - used_slashes)
            requester -= used_fees
            appellant -= appeal_paid - used_slashes - used_fees
    elif what.outcome is Outcome.NO_VERDICT:
        from_escrow, worker, requester, forfeited = reward + fees, bond, reward, fees
    else:
        left = bond - first_paid - (appeal_paid if what.appeal is AppealOutcome.WON else 0)
        if terms.lane is Lane.HASH and what.outcome is Outcome.REJECTED:
            worker = left
        else:
            forfeited = left
        if closes:
            from_escrow = requester = reward + fees
    if what.appeal is AppealOutcome.LOST:
        appellant = 0
        forfeited += appeal_bond - appeal_paid
    forfeited += taken - used_slashes

    return Payout(
        from_escrow=from_escrow,
        worker=worker,
        requester=requester,
        appellant=appellant,
        seats=seats,
        appeal_seats=appeal_seats,
        slashed=slashed,
        appeal_slashed=appeal_slashed,
        used_slashes=used_slashes,
        forfeited=forfeited,
    )


def agrees(place: Place, what: Settled) -> bool:
    """Whether a place of the deciding round said what became final; where its round rejected by
    majority, with the same charge."""
    if place.verdict is None or SAID.get(place.verdict) is not what.outcome:
        return False
    own = decision(what.places)
    return place.charge is None or own.outcome is not Outcome.REJECTED or place.charge == own.charge


def agrees_in_appeal(place: Place, says: Verdict | None) -> bool:
    return says is not None and place.verdict is says


def fees_lost(place: Place, what: Settled, lane: Lane) -> int:
    """How many audit fees a place of the deciding round loses.

    Only accept against reject on the same list or tile is slashed, and only in the exact lane:
    a tile that the requester named, or a fresh list, was not what the first committee judged.
    """
    if unheard := fees_lost_unheard(place):
        return unheard
    if lane is not Lane.EXACT:
        return 0
    if place.verdict is Verdict.ACCEPT and what.outcome is Outcome.REJECTED:
        other_tile = what.appeal is AppealOutcome.WON and what.question is Question.NAMED_TILE
        fresh_list = what.appeal is not AppealOutcome.NONE and what.question is Question.WHOLE
        return 0 if other_tile or fresh_list else WRONG
    if what.against is Outcome.REJECTED and what.appeal is AppealOutcome.WON:
        return WRONG if place.charge is not None and place.charge == decision(what.places).charge else 0
    return 0


def fees_lost_in_appeal(place: Place, says: Verdict | None, lane: Lane) -> int:
    """How many audit fees a place of the appeal's round loses: all judged one question."""
    if unheard := fees_lost_unheard(place):
        return unheard
    wrong = {(Verdict.ACCEPT, Verdict.REJECT), (Verdict.REJECT, Verdict.ACCEPT)}
    return WRONG if lane is Lane.EXACT and (says, place.verdict) in wrong else 0


def fees_lost_unheard(place: Place) -> int:
    """What silence costs, in every round and every lane, majority or not."""
    if place.is_empty or place.verdict is not None:
        return 0
    return SILENT if place.sealed is None else UNREVEALED


def audit_fees(terms: Terms) -> int:
    """n x f."""
    return terms.audit_fee.units * terms.committee_size


def per_task(terms: Terms) -> int:
    """R + n x f."""
    return terms.escrow(1).units


def lapse_share(terms: Terms, share_bps: int) -> int:
    """What a lapse or give-back costs, rounded up."""
    return -(-terms.worker_bond.units * share_bps // BPS)


def least_worker_bond(terms: Terms) -> int:
    """max(R x (1/q - 1) rounded up, (3n + 1) x f)."""
    deterring = -(-terms.reward.units * (BPS - terms.audit_rate_bps) // terms.audit_rate_bps)
    return max(deterring, (3 * terms.committee_size + 1) * terms.audit_fee.units)


def _credits(
    places: Sequence[Place], earns: Callable[[Place], bool], fee: int, bond_of: BondOf
) -> tuple[int, ...]:
    return tuple(fee if earns(place) and bond_of(place.slot) is not None else 0 for place in places)


def _slashes(
    places: Sequence[Place], fees: Callable[[Place], int], fee: int, bond_of: BondOf
) -> tuple[int, ...]:
    due = ((place, fees(place) * fee) for place in places)
    return tuple(min(amount, bond_of(place.slot) or 0) if amount else 0 for place, amount in due)
