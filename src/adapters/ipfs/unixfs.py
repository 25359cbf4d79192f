"""What a block of a UnixFS tree says, read from its bytes alone.

Formats: DAG-PB (a protobuf of links and data) and UnixFS 1 inside its data, as the IPLD and IPFS
specifications give them. Nothing here is believed but the block itself, whose bytes somebody else
chose: anything malformed is ``NotUnixFs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from ...domain.cid import Cid, Codec

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_NAME_BYTES = 1024


class NotUnixFs(ValueError):
    """The block is no node of a tree of files that Tileproof can use."""


class Kind(IntEnum):
    """UnixFS's own numbers."""

    RAW = 0
    DIRECTORY = 1
    FILE = 2
    METADATA = 3
    SYMLINK = 4
    SHARD = 5  # one node of a directory that is kept as a hash trie


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    cid: Cid
    size: int  # of everything below, as whoever made the node claims


@dataclass(frozen=True, slots=True)
class Node:
    """A block's meaning. Bytes of a file are ``data``, then those of ``links`` in order."""

    kind: Kind
    data: bytes
    links: tuple[Link, ...]
    fanout: int = 0
    block_size: int = 0

    @property
    def is_file(self) -> bool:
        return self.kind in (Kind.RAW, Kind.FILE)

    @property
    def is_directory(self) -> bool:
        return self.kind in (Kind.DIRECTORY, Kind.SHARD)

    @property
    def size(self) -> int:
        """Of the whole tree with its nodes, as Kubo counts and as its links claim."""
        return self.block_size + sum(link.size for link in self.links)


def decode(cid: Cid, block: bytes) -> Node:
    """What ``block``, whose CID is ``cid``, says.

    Raises NotUnixFs, saying what is malformed.
    """
    if cid.codec is Codec.RAW:
        return Node(Kind.RAW, block, (), block_size=len(block))
    links, data = [], b""
    for number, value in _fields(block):
        if number == 2 and isinstance(value, bytes):
            links.append(_link(value))
        elif number == 1 and isinstance(value, bytes):
            data = value
        else:
            raise NotUnixFs("a node has a field that is none of DAG-PB's")
    kind, inline, fanout = _unixfs(data)
    return Node(kind, inline, tuple(links), fanout, len(block))


def entry_name(shard: Node, link: Link) -> str | None:
    """The name of the entry behind a link of a shard; None when a further shard is behind it.

    Links of a shard carry their place, in as many hexadecimal digits as the fanout needs,
    before the entry's name.
    """
    digits = len(f"{shard.fanout - 1:x}")
    return link.name[digits:] or None


def _unixfs(data: bytes) -> tuple[Kind, bytes, int]:
    kind, inline, fanout = None, b"", 0
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            inline = value
        elif number == 6 and isinstance(value, int):
            fanout = value
    try:
        known = Kind(-1 if kind is None else kind)
    except ValueError:
        raise NotUnixFs("a node is of a kind that UnixFS does not have") from None
    if known is Kind.SHARD and not (8 <= fanout <= 1024 and fanout & (fanout - 1) == 0):
        raise NotUnixFs("a shard has a fanout that no directory has")
    return known, inline if known in (Kind.RAW, Kind.FILE) else b"", fanout


def _link(data: bytes) -> Link:
    cid, name, size = None, "", 0
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            cid = _cid(value)
        elif number == 2 and isinstance(value, bytes):
            if len(value) > _MOST_NAME_BYTES:
                raise NotUnixFs("a name is far too long")
            try:
                name = value.decode()
            except UnicodeDecodeError:
                raise NotUnixFs("a name is not UTF-8") from None
        elif number == 3 and isinstance(value, int):
            size = value
    if cid is None:
        raise NotUnixFs("a link leads nowhere")
    return Link(name, cid, size)


def _cid(packed: bytes) -> Cid:
    try:
        codec, head = Codec(packed[1]), packed[:1] + packed[2:4]
    except (IndexError, ValueError):
        raise NotUnixFs("a link is of a kind that Tileproof does not use") from None
    if head != b"\x01\x12\x20" or len(packed) != 36:
        raise NotUnixFs("a link is of a kind that Tileproof does not use")
    return Cid(codec, packed[4:])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a protobuf message, in the order in which they lie there."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise NotUnixFs("a field is of a type that protobuf no longer has")
        if length > len(data) - at:
            raise NotUnixFs("a field is longer than its message")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise NotUnixFs("a number does not end")
