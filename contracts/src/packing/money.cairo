//! Balances and totals.

use starknet::storage_access::StorePacking;
use crate::types::Totals;
use super::cells::{halves, join};

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Account {
    pub withdrawable: u128,
    pub worker_bonds: u128,
}

pub impl AccountPacking of StorePacking<Account, felt252> {
    #[inline(never)]
    fn pack(value: Account) -> felt252 {
        join(value.withdrawable, value.worker_bonds)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> Account {
        let (withdrawable, worker_bonds) = halves(value);
        Account { withdrawable, worker_bonds }
    }
}

pub impl TotalsPacking of StorePacking<Totals, (felt252, felt252)> {
    #[inline(never)]
    fn pack(value: Totals) -> (felt252, felt252) {
        (join(value.escrow, value.bonds), join(value.withdrawable, value.forfeited))
    }

    #[inline(never)]
    fn unpack(value: (felt252, felt252)) -> Totals {
        let (first, second) = value;
        let (escrow, bonds) = halves(first);
        let (withdrawable, forfeited) = halves(second);
        Totals { escrow, bonds, withdrawable, forfeited }
    }
}
