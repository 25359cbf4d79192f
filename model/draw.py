"""Who may sit on a committee, and who is drawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tileproof.domain.job import NO_SEAT, Address, Seat, Terms
from tileproof.domain.sampling import draw_committee

from .books import Books
from .settlement import UNREVEALED
from .status import HASH_AGE


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw: from which slots, and who may not be drawn."""

    size: int
    slots_at_claim: int
    claim_block: int
    least_bond: int
    """A bond that still covers the dearest slash."""
    held_until: int
    """No seat that could be collected by this block is drawn."""
    excluded: frozenset[Address]

    def may_sit(self, seat: Seat, exit_blocks: int) -> bool:
        if seat.owner in self.excluded or seat.bond.units < self.least_bond:
            return False
        if seat.since_block >= self.claim_block:
            return False
        if seat.leaving_block is None:
            return True
        return seat.leaving_block >= self.claim_block and seat.leaving_block + exit_blocks > self.held_until

    def committee(self, seed: int, books: Books) -> tuple[int, ...]:
        """The drawn slots, NO_SEAT for a place that nobody was found for."""
        exit_blocks = books.bounds.seat_exit_blocks
        return draw_committee(
            seed, self.size, self.slots_at_claim, lambda slot: self.may_sit(books.seats[slot], exit_blocks)
        )


def committee_size(terms: Terms, appeal: bool) -> int:
    """n, and 2n + 1 for an appeal."""
    return 2 * terms.committee_size + 1 if appeal else terms.committee_size


def least_bond(terms: Terms) -> int:
    return UNREVEALED * terms.audit_fee.units


def seats_needed(terms: Terms) -> int:
    """3n + 1: a committee and an appeal's that shares nobody with it."""
    return 3 * terms.committee_size + 1


def voting_blocks(terms: Terms) -> int:
    return terms.commit_blocks + terms.reveal_blocks


def answerable_blocks(terms: Terms) -> int:
    """From a draw to the end of an appeal against its round, with every window used up."""
    return voting_blocks(terms) + terms.appeal_blocks + 1 + HASH_AGE + voting_blocks(terms)


def active_seats(books: Books) -> int:
    return sum(seat.leaving_block is None for seat in books.seats)


def seats_for_claim(books: Books, block: int, parties: Collection[Address]) -> int:
    """Active seats of neither party that were taken before this block: those of this block would
    not be drawn."""
    return sum(
        seat.leaving_block is None and seat.owner not in parties and seat.since_block < block
        for seat in books.seats
    )


def owners(books: Books, slots: Collection[int]) -> frozenset[Address]:
    return frozenset(books.seats[slot].owner for slot in slots if slot != NO_SEAT)
