"""A CID has one text, and one text has one CID."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.cid import Cid, Codec, named_cid, parse_cid
from tileproof.domain.errors import InputError

cids = st.builds(Cid, st.sampled_from(Codec), st.binary(min_size=32, max_size=32))
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
SOME = Cid(Codec.DAG_PB, bytes(range(32)))


@given(cids)
def test_a_cid_that_is_written_is_read_again(cid: Cid) -> None:
    assert parse_cid(str(cid)) == cid


@given(cids, st.integers(1, 3))
def test_a_text_with_other_padding_bits_is_no_cid(cid: Cid, bits: int) -> None:
    """Two bits of the last digit carry nothing: both contract and Python refuse them unless zero."""
    text = str(cid)
    other = text[:-1] + DIGITS[DIGITS.index(text[-1]) | bits]
    assert other != text
    with pytest.raises(InputError, match="not a CID"):
        parse_cid(other)


def written(version: int = 1, codec: int = Codec.DAG_PB, hashed: bytes = b"\x12\x20", size: int = 32) -> str:
    packed = bytes([version, codec]) + hashed + bytes(range(size))
    return "b" + base64.b32encode(packed).decode().rstrip("=").lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        str(SOME).upper(),
        "z" + str(SOME)[1:],
        str(SOME) + "a",
        str(SOME)[:-1],
        written(version=0),
        written(codec=0x71),
        written(hashed=b"\x13\x40"),
        written(size=31),
        written(size=33),
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
    ],
)
def test_what_no_one_would_have_written_is_no_cid(text: str) -> None:
    assert written() == str(SOME)
    with pytest.raises(InputError) as caught:
        parse_cid(text)
    assert caught.value.code == "cid.malformed"


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        " {} ",
        "ipfs://{}",
        "ipfs://{}/0001.png",
        "ipfs://ipfs/{}",
        "/ipfs/{}",
        "/ipfs/{}/a/b",
        "https://ipfs.io/ipfs/{}",
        "http://127.0.0.1:8080/ipfs/{}/0001.png?download=true",
        "https://{}.ipfs.dweb.link/0001.png",
    ],
)
def test_a_person_names_a_cid_bare_as_ipfs_or_by_a_gateway(form: str) -> None:
    cid = Cid.of_raw_block(b"x")
    assert named_cid(form.format(cid)) == cid


@pytest.mark.parametrize("text", ["ipfs://", "https://ipfs.io/ipns/x", "https://ipfs.io/ipfs/", "ipfs://Qm1"])
def test_what_names_no_cid_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError) as caught:
        named_cid(text)
    assert caught.value.code == "cid.malformed"
