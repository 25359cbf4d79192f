"""Blocks that others made: read as what they say, or refused, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.adapters.ipfs.unixfs import Kind, Link, Node, NotUnixFs, decode, entry_name
from tileproof.domain.cid import Cid, Codec

from tests.fakes.unixfs import Blocks, dag_pb, message, put_node, tree_of

CIDS = st.builds(Cid, st.sampled_from(Codec), st.binary(min_size=32, max_size=32))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
LINKS = st.lists(st.builds(Link, NAMES, CIDS, st.integers(0, 2**63 - 1)), max_size=20)
ANY = Cid(Codec.DAG_PB, bytes(32))


@given(LINKS, st.sampled_from([Kind.RAW, Kind.FILE]), st.binary(max_size=300))
def test_a_node_says_what_was_written_into_it(links: list[Link], kind: Kind, data: bytes) -> None:
    block = dag_pb(links, message(kind, data=data, size=5, parts=[2, 3]))
    node = decode(ANY, block)
    assert node == Node(kind, data, tuple(links), 0, len(block))
    assert node.size == len(block) + sum(link.size for link in links)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_node_or_refused(block: bytes) -> None:
    with suppress(NotUnixFs):
        decode(ANY, block)


@given(LINKS, st.data())
def test_a_node_with_changed_bytes_is_a_node_or_refused(links: list[Link], data: st.DataObject) -> None:
    block = bytearray(dag_pb(links, message(Kind.DIRECTORY)))
    at = data.draw(st.integers(0, len(block) - 1))
    block[at] = data.draw(st.integers(0, 255))
    with suppress(NotUnixFs):
        decode(ANY, bytes(block))


@given(st.binary(max_size=200))
def test_a_raw_block_is_its_own_bytes(block: bytes) -> None:
    node = decode(Cid.of_raw_block(block), block)
    assert (node.is_file, node.data, node.links, node.size) == (True, block, (), len(block))


def test_an_empty_directory_has_the_cid_that_kubo_prints() -> None:
    blocks: Blocks = {}
    cid, _ = tree_of({}, blocks)
    assert str(cid) == "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"


@pytest.mark.parametrize(
    "link",
    [
        b"\x12\x20" + bytes(32),  # CIDv0
        b"\x01\x70\x00\x03abc",  # its bytes in the CID itself
        b"\x01\x71\x12\x20" + bytes(32),  # DAG-CBOR
        b"\x01\x55\x12\x20" + bytes(31),
        b"\x01\x55\x12\x20" + bytes(33),
        b"",
    ],
)
def test_links_of_another_kind_are_refused(link: bytes) -> None:
    body = b"\x0a" + bytes([len(link)]) + link
    block = b"\x12" + bytes([len(body)]) + body + b"\x0a\x02\x08\x01"
    with pytest.raises(NotUnixFs):
        decode(ANY, block)


@pytest.mark.parametrize("fanout", [0, 1, 7, 12, 2048, 2**60])
def test_a_shard_with_a_fanout_that_none_has_is_refused(fanout: int) -> None:
    packed = message(Kind.SHARD) + b"\x30" + varint(fanout)
    with pytest.raises(NotUnixFs):
        decode(ANY, dag_pb([], packed))


def test_names_in_a_shard_follow_their_place() -> None:
    blocks: Blocks = {}
    leaf = Cid.of_raw_block(b"")
    links = [Link("0Aname", leaf, 0), Link("FF", leaf, 0)]
    cid, _ = put_node(blocks, links, message(Kind.SHARD) + b"\x30" + varint(256))
    shard = decode(cid, blocks[cid])
    assert [entry_name(shard, link) for link in shard.links] == ["name", None]


def varint(value: int) -> bytes:
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*packed, value])
