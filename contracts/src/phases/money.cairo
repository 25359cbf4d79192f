//! Seats and balances.

use starknet::get_caller_address;
use starknet::storage::StoragePointerReadAccess;
use crate::components::bonds::BondsComponent::BondsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::components::guard::GuardComponent::GuardTrait;
use crate::errors;
use crate::registry::Registry::ContractState;
use super::reading::WritingTrait;

#[generate_trait]
pub impl Money of MoneyTrait {
    /// Errors: REENTERED, BALANCE_TOO_LOW. Event: SeatTaken.
    fn do_take_seat(ref self: ContractState) -> u32 {
        self.guard.check();
        let owner = get_caller_address();
        let bond = self.bounds.seat_bond.read();
        self.escrow.lock_seat_bond(owner, bond);
        self.bonds.take(owner, bond)
    }

    /// Errors: REENTERED, SEAT_UNKNOWN, NOT_SEAT_OWNER, SEAT_LEAVING. Event: SeatLeaving.
    fn do_leave_seat(ref self: ContractState, slot: u32) {
        self.guard.check();
        self.bonds.leave(get_caller_address(), slot);
    }

    /// Errors: REENTERED, SEAT_UNKNOWN, NOT_SEAT_OWNER, SEAT_NOT_LEAVING, SEAT_COLLECTED,
    /// SEAT_EXIT_RUNNING. Event: SeatCollected.
    fn do_collect_seat(ref self: ContractState, slot: u32) {
        self.guard.check();
        let owner = get_caller_address();
        let bond = self.bonds.collect(owner, slot, self.bounds.seat_exit_blocks.read());
        self.escrow.return_seat_bond(owner, bond);
    }

    /// Errors: REENTERED, AMOUNT_ZERO, HOLDS_TOO_MUCH, TOKEN_REFUSED, TOKEN_MISCOUNTED. Event:
    /// Deposited.
    fn do_deposit(ref self: ContractState, amount: u128) {
        self.guard.check();
        assert(amount != 0, errors::AMOUNT_ZERO);
        let account = get_caller_address();
        self.escrow.book_deposit(account, amount);
        self.pull(account, amount);
    }

    /// Errors: REENTERED, AMOUNT_ZERO, BALANCE_TOO_LOW, TOKEN_REFUSED, TOKEN_MISCOUNTED. Event:
    /// Withdrawn.
    fn do_withdraw(ref self: ContractState, amount: u128) {
        self.guard.check();
        assert(amount != 0, errors::AMOUNT_ZERO);
        let account = get_caller_address();
        self.escrow.book_withdrawal(account, amount);
        self.push(account, amount);
    }
}
