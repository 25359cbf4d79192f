"""A file or directory out of checked blocks: onto the disk whole, or not at all.

Whoever made the tree may have made it to hurt: its bytes are counted before they are written, its
names are looked at before they are used, and how much it may make us read besides is bounded too.
What is refused here is refused for the content's sake alone, by everybody alike.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

from ...domain.cid import Cid
from ...domain.errors import EvidenceError, disk_full_named
from ...domain.paths import is_safe_path
from ...ports.content import MAX_ENTRIES, Progress
from .unixfs import Node, NotUnixFs, decode, entry_name

ReadBlock = Callable[[Cid], bytes]
"""The bytes of a block, equal to the CID's digest."""
MAX_DEPTH = 32
_LEAST_BLOCK_COST = 64
"""So that a tree of empty blocks ends too."""


def node_of(cid: Cid, block: bytes, *, inside: Cid) -> Node:
    """What a block of the tree ``inside`` says.

    Raises EvidenceError ``content.malformed``.
    """
    try:
        return decode(cid, block)
    except NotUnixFs as error:
        raise EvidenceError(
            "content.malformed", f"{inside} is no tree of files: {error}", cid=inside, block=cid
        ) from error


def download(
    cid: Cid,
    into: Path,
    read: ReadBlock,
    *,
    max_bytes: int,
    progress: Progress | None = None,
    ahead: int = 1,
) -> None:
    """As ``ContentStore.fetch``, from blocks that ``read`` returns; raises what it raises.

    ``ahead``: how many blocks of a node are asked for before they are needed, half as many with
    each level below; above 1, ``read`` is called from several threads, which nobody waits for
    when the download has ended.
    """
    if into.exists() or into.is_symlink():
        raise ValueError(f"{into} exists")
    tree = _Tree(cid, read, max_bytes, progress, ahead)
    root = tree.open_root()
    partial = into.with_name(f".{into.name}.{uuid.uuid4().hex}.part")
    try:
        with disk_full_named(into.parent, "free some space; what was fetched so far has been removed"):
            into.parent.mkdir(parents=True, exist_ok=True)
            tree.write(root, partial, "", 0)
            partial.rename(into)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


class _Tree:
    def __init__(self, cid: Cid, read: ReadBlock, most: int, progress: Progress | None, ahead: int) -> None:
        self._cid, self._read, self._most, self._progress = cid, read, most, progress
        self._ahead = ahead
        self._overhead_left = overhead_bytes(most)
        self._done = self._claimed = self._entries = 0

    def open_root(self) -> Node:
        root = self._node(self._cid, self._read(self._cid))
        self._claimed = root.size
        if self._claimed > self._most + overhead_bytes(self._most):
            raise self._too_large()
        return root

    def write(self, node: Node, path: Path, name: str, level: int) -> None:
        """``name`` is the path within the tree, ``level`` how many nodes lie above."""
        if node.is_directory:
            if name.count("/") >= MAX_DEPTH:
                raise self._unsafe("is nested too deep")
            path.mkdir()
            self._write_entries(node, path, name, level, set(), MAX_DEPTH)
        elif node.is_file:
            with path.open("xb") as file:
                self._write_file(node, file, level, MAX_DEPTH)
        else:
            raise self._unsafe(f"holds a link or something else that is no file: {name[:80]!r}")

    def _write_entries(
        self, node: Node, path: Path, name: str, level: int, taken: set[str], depth: int
    ) -> None:
        entries = [entry_name(node, link) if node.fanout else link.name for link in node.links]
        for entry in entries:
            if entry is not None:
                self._check_entry(entry, name, taken)
        for entry, part in zip(entries, self._parts(node, level), strict=True):
            if entry is not None:
                self.write(part, path / entry, _join(name, entry), level + 1)
            elif depth == 0 or not part.fanout:
                raise self._malformed("a shard leads to no shard")
            else:
                self._write_entries(part, path, name, level + 1, taken, depth - 1)

    def _check_entry(self, entry: str, name: str, taken: set[str]) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise EvidenceError(
                "content.too_large", f"{self._cid} has more than {MAX_ENTRIES} entries", cid=self._cid
            )
        inner = _join(name, entry)
        if "/" in entry or not is_safe_path(inner) or entry in taken:
            raise self._unsafe(f"holds an entry named {inner[:80]!r}")
        taken.add(entry)

    def _write_file(self, node: Node, file: BinaryIO, level: int, depth: int) -> None:
        self._done += len(node.data)
        if self._done > self._most:
            raise self._too_large()
        file.write(node.data)
        if self._progress is not None and node.data:
            self._progress(self._done, max(self._claimed, self._done))
        for part in self._parts(node, level):
            if depth == 0 or not part.is_file:
                raise self._malformed("a file has a part that is no part of a file")
            self._write_file(part, file, level + 1, depth - 1)

    def _parts(self, node: Node, level: int) -> Iterator[Node]:
        """What the node's links lead to, in order."""
        cids = [link.cid for link in node.links]
        for cid, block in zip(cids, read_ahead(self._read, cids, self._ahead >> level), strict=True):
            yield self._node(cid, block)

    def _node(self, cid: Cid, block: bytes) -> Node:
        node = node_of(cid, block, inside=self._cid)
        self._overhead_left -= max(_LEAST_BLOCK_COST, node.block_size - len(node.data))
        if self._overhead_left < 0:
            raise self._too_large()
        return node

    def _too_large(self) -> EvidenceError:
        return EvidenceError(
            "content.too_large",
            f"{self._cid} is larger than the {self._most} bytes allowed",
            cid=self._cid,
            max_bytes=self._most,
        )

    def _unsafe(self, what: str) -> EvidenceError:
        return EvidenceError("content.unsafe_name", f"{self._cid} {what}", cid=self._cid)

    def _malformed(self, what: str) -> EvidenceError:
        return EvidenceError("content.malformed", f"{self._cid} is no tree of files: {what}", cid=self._cid)


def overhead_bytes(max_bytes: int) -> int:
    """What nodes, links and names may take beside ``max_bytes`` of files; no tree that
    add_directory makes comes near it."""
    return max_bytes // 8 + (4 << 20)


def read_ahead(read: ReadBlock, cids: Sequence[Cid], most: int) -> Iterator[bytes]:
    """The blocks in order, at most ``most`` of them asked for at a time.

    An error is raised in its block's turn. Threads that are still reading when the caller has
    stopped keep no process alive.
    """
    waiting: deque[Future[bytes]] = deque()
    for cid in cids:
        if most <= 1:
            yield read(cid)
            continue
        if len(waiting) >= most:
            yield waiting.popleft().result()
        waiting.append(_started(read, cid))
    while waiting:
        yield waiting.popleft().result()


def _started(read: ReadBlock, cid: Cid) -> Future[bytes]:
    future: Future[bytes] = Future()

    def run() -> None:
        try:
            future.set_result(read(cid))
        except BaseException as error:  # noqa: BLE001 - a future holds whatever was raised
            future.set_exception(error)

    threading.Thread(target=run, name=f"read {cid}", daemon=True).start()
    return future


def _join(name: str, entry: str) -> str:
    return f"{name}/{entry}" if name else entry
