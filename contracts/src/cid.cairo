//! CIDs as text: multibase 'b' and base32, as IPFS prints a CIDv1. Pure.

use core::num::traits::DivRem;
use super::errors;
use super::types::Cid;

pub const RAW: u8 = 0x55;
pub const DAG_PB: u8 = 0x70;
const VERSION: u8 = 1;
const SHA2_256: u8 = 0x12;
const DIGEST_BYTES: u8 = 32;
/// 'b', and 36 bytes as 58 digits of 5 bits: the last digit carries 2 padding bits.
const TEXT_LENGTH: u32 = 59;

/// Refuses a codec other than raw and dag-pb with INVALID_CID.
pub fn check(cid: @Cid) {
    assert(*cid.codec == RAW || *cid.codec == DAG_PB, errors::INVALID_CID);
}

pub fn to_text(cid: @Cid) -> ByteArray {
    let mut text: ByteArray = "b";
    let mut bits: u16 = 0;
    let mut held: u8 = 0;
    for byte in bytes_of(cid) {
        bits = bits * 256 + byte.into();
        held += 8;
        while held >= 5 {
            held -= 5;
            let (digit, rest) = DivRem::div_rem(bits, two_to(held).try_into().unwrap());
            text.append_byte(letter(digit.try_into().unwrap()));
            bits = rest;
        }
    }
    if held > 0 {
        text.append_byte(letter((bits * two_to(5 - held)).try_into().unwrap()));
    }
    text
}

/// Reads what `to_text` writes and nothing else: lower case, no other base, version, codec or hash.
/// Errors: INVALID_CID.
pub fn from_text(text: @ByteArray) -> Cid {
    assert(text.len() == TEXT_LENGTH, errors::INVALID_CID);
    assert(text[0] == 'b', errors::INVALID_CID);
    let mut bytes: Array<u8> = array![];
    let mut bits: u16 = 0;
    let mut held: u8 = 0;
    for i in 1..TEXT_LENGTH {
        bits = bits * 32 + digit(text[i]).into();
        held += 5;
        if held >= 8 {
            held -= 8;
            let (byte, rest) = DivRem::div_rem(bits, two_to(held).try_into().unwrap());
            bytes.append(byte.try_into().unwrap());
            bits = rest;
        }
    }
    assert(bits == 0, errors::INVALID_CID);
    let codec = *bytes[1];
    assert(
        *bytes[0] == VERSION && *bytes[2] == SHA2_256 && *bytes[3] == DIGEST_BYTES,
        errors::INVALID_CID,
    );
    let mut digest: u256 = 0;
    for i in 4..36_u32 {
        digest = digest * 256 + (*bytes[i]).into();
    }
    let cid = Cid { codec, digest };
    check(@cid);
    cid
}

fn bytes_of(cid: @Cid) -> Array<u8> {
    let mut bytes = array![VERSION, *cid.codec, SHA2_256, DIGEST_BYTES];
    append_big_endian(ref bytes, *cid.digest.high);
    append_big_endian(ref bytes, *cid.digest.low);
    bytes
}

fn append_big_endian(ref bytes: Array<u8>, value: u128) {
    let mut place: u128 = 0x1000000000000000000000000000000;
    let mut rest = value;
    for i in 0..16_u8 {
        let (byte, below) = DivRem::div_rem(rest, place.try_into().unwrap());
        bytes.append(byte.try_into().unwrap());
        rest = below;
        if i != 15 {
            place /= 256;
        }
    }
}

fn two_to(exponent: u8) -> u16 {
    let mut power = 1;
    for _ in 0..exponent {
        power *= 2;
    }
    power
}

fn letter(digit: u8) -> u8 {
    if digit < 26 {
        'a' + digit
    } else {
        '2' + (digit - 26)
    }
}

fn digit(letter: u8) -> u8 {
    if letter >= 'a' && letter <= 'z' {
        letter - 'a'
    } else {
        assert(letter >= '2' && letter <= '7', errors::INVALID_CID);
        letter - '2' + 26
    }
}
