"""Trees of files as the blocks that Kubo makes of them: the writing half of
``tileproof.adapters.ipfs.unixfs``, so that tests can also make what no honest node would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tileproof.adapters.ipfs.unixfs import Kind, Link
from tileproof.domain.cid import Cid, Codec

Blocks = dict[Cid, bytes]
Tree = dict[str, "bytes | Tree"]
CHUNK_BYTES = 1 << 20
LINKS = 174  # of one node of a file: Kubo's default


def tree_of(what: bytes | Tree, blocks: Blocks) -> tuple[Cid, int]:
    """Puts the blocks of a file or directory into ``blocks``; its CID and the size of the tree."""
    if isinstance(what, bytes):
        return _file_of(what, blocks)
    links = [Link(name, *tree_of(what[name], blocks)) for name in sorted(what, key=str.encode)]
    return put_node(blocks, links, message(Kind.DIRECTORY))


def put_node(blocks: Blocks, links: Sequence[Link], data: bytes) -> tuple[Cid, int]:
    """Any node; its CID, and its size as honest links above it would claim."""
    block = dag_pb(links, data)
    cid = Cid(Codec.DAG_PB, Cid.of_raw_block(block).digest)
    blocks[cid] = block
    return cid, len(block) + sum(link.size for link in links)


def dag_pb(links: Iterable[Link], data: bytes) -> bytes:
    """The block of a node: links first, as the specification has it."""
    packed = b"".join(
        _bytes(2, _bytes(1, _binary(link.cid)) + _bytes(2, link.name.encode()) + _number(3, link.size))
        for link in links
    )
    return packed + _bytes(1, data)


def message(
    kind: int, *, data: bytes | None = None, size: int | None = None, parts: Iterable[int] = ()
) -> bytes:
    """UnixFS's own data of a node."""
    packed = _number(1, kind)
    if data is not None:
        packed += _bytes(2, data)
    if size is not None:
        packed += _number(3, size)
    return packed + b"".join(_number(4, part) for part in parts)


def _file_of(data: bytes, blocks: Blocks) -> tuple[Cid, int]:
    level: list[tuple[Link, int]] = []  # with the file's bytes below each
    for at in range(0, max(1, len(data)), CHUNK_BYTES):
        chunk = data[at : at + CHUNK_BYTES]
        cid = Cid.of_raw_block(chunk)
        blocks[cid] = chunk
        level.append((Link("", cid, len(chunk)), len(chunk)))
    while len(level) > 1:
        level = [_joined(level[at : at + LINKS], blocks) for at in range(0, len(level), LINKS)]
    return level[0][0].cid, level[0][0].size


def _joined(parts: list[tuple[Link, int]], blocks: Blocks) -> tuple[Link, int]:
    size = sum(count for _, count in parts)
    data = message(Kind.FILE, size=size, parts=[count for _, count in parts])
    return Link("", *put_node(blocks, [link for link, _ in parts], data)), size


def _binary(cid: Cid) -> bytes:
    return bytes([1, cid.codec, 0x12, 0x20]) + cid.digest


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*packed, value])
