"""Taking, leaving and collecting a seat. A slot that was collected is handed on to the next taker, so
that nobody can fill the draw with slots in which nobody sits."""

from __future__ import annotations

from tileproof.domain.job import Address, Seat
from tileproof.domain.money import ZERO, Fri
from tileproof.ports import ledger as port

from .books import Place
from .checks import require
from .money import Money


class Seats(Money):
    def take_seat(self) -> int:
        bond = self.books.bounds.seat_bond
        self.debit(self.caller, bond.units)
        if self.books.free_slots:
            *free, slot = self.books.free_slots
            self.books.free_slots = tuple(free)
        else:
            slot = len(self.books.seats)
        taken = Seat(slot, self.caller, bond, self.block, None, False)
        self.books.seats = (*self.books.seats[:slot], taken, *self.books.seats[slot + 1 :])
        return slot

    def leave_seat(self, slot: int) -> None:
        require(self._own(slot).leaving_block is None, "SEAT_LEAVING")
        self.change_seat(slot, leaving_block=self.block)

    def collect_seat(self, slot: int) -> None:
        seat = self._own(slot)
        require(not seat.collected, "SEAT_COLLECTED")
        require(seat.leaving_block is not None, "SEAT_NOT_LEAVING")
        assert seat.leaving_block is not None
        free_at = seat.leaving_block + self.books.bounds.seat_exit_blocks
        require(self.block >= free_at, "SEAT_EXIT_RUNNING")
        self.change_seat(slot, bond=ZERO, collected=True)
        self.books.free_slots += (slot,)
        self.credit(self.caller, seat.bond.units)

    def seats_of(self, account: Address) -> tuple[Seat, ...]:
        """The slots that the account holds; a collected one is nobody's."""
        return tuple(seat for seat in self.books.seats if seat.owner == account and not seat.collected)

    # --- what the rounds need ---

    def bond_of_drawn(self, slot: int, claim_block: int) -> int | None:
        """What the bond of the seat that was drawn in this slot holds; None once it was collected
        and the slot handed on, before somebody settled."""
        seat = self.seat(slot)
        return seat.bond.units if seat.since_block < claim_block else None

    def slash(self, job_id: int, task: int, place: Place, amount: int) -> None:
        """Takes ``amount``, which the bond holds. A seat below the minimum bond is on its way out."""
        if amount:
            seat = self.seat(place.slot)
            leaving = self.block if seat.leaving_block is None else seat.leaving_block
            self.change_seat(place.slot, bond=seat.bond - Fri(amount), leaving_block=leaving)
            self.emit(port.SeatSlashed, job_id, task, place.slot, Fri(amount))

    def _own(self, slot: int) -> Seat:
        seat = self.seat(slot)
        require(seat.owner == self.caller, "NOT_SEAT_OWNER")
        return seat
