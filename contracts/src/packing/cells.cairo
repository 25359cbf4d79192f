//! How records share storage cells: a new cell costs 462k L2 gas, rewriting one 60k.
//!
//! A cell holds a `low` half of 128 bits and a `high` half of at most 122. Fields are pushed onto a
//! half like digits of a number, so they come off in the reverse order. Blocks are stored as words:
//! enough for 270 years of 2-second blocks.

use core::num::traits::DivRem;

const TWO_128: felt252 = 0x100000000000000000000000000000000;
/// No amount and no half reaches this; `Escrow` refuses to hold as much.
pub const HIGH_LIMIT: u128 = 0x4000000000000000000000000000000;
pub const BIT: u128 = 0x2;
pub const DIGIT: u128 = 0x8;
pub const WORD: u128 = 0x100000000;
pub const MOMENT: u128 = 0x10000000000;

#[inline(never)]
pub fn join(low: u128, high: u128) -> felt252 {
    assert(high < HIGH_LIMIT, 'CELL_OVERFLOW');
    low.into() + high.into() * TWO_128
}

#[inline(never)]
pub fn halves(cell: felt252) -> (u128, u128) {
    let value: u256 = cell.into();
    (value.low, value.high)
}

/// Pushes a field of `size` possible values onto a half.
pub fn put<T, +Into<T, u128>, +Drop<T>>(ref half: u128, value: T, size: u128) {
    push(ref half, value.into(), size)
}

#[inline(never)]
fn push(ref half: u128, value: u128, size: u128) {
    assert(value < size, 'FIELD_OVERFLOW');
    half = half * size + value;
}

/// Takes the field off that was pushed last.
#[inline(never)]
pub fn take<T, +TryInto<u128, T>>(ref half: u128, size: u128) -> T {
    pop(ref half, size).try_into().unwrap()
}

#[inline(never)]
fn pop(ref half: u128, size: u128) -> u128 {
    let (rest, field) = DivRem::div_rem(half, size.try_into().unwrap());
    half = rest;
    field
}

pub fn flag(value: bool) -> u8 {
    if value {
        1
    } else {
        0
    }
}
