"""Content stores without Kubo: nodes that share what they have over a network in memory.

Trees are kept as the very blocks that Kubo makes of them (UnixFS, CIDv1, raw leaves, 1 MiB
chunks), so CIDs are Kubo's too; only a directory whose names take more than 256 KiB is one block
here, where Kubo makes a hash trie of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tileproof.adapters.ipfs.download import download, node_of
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import EvidenceError, InputError, ServiceError
from tileproof.domain.paths import is_safe_path
from tileproof.ports.content import MAX_BLOCK_BYTES, MAX_ENTRIES, ContentStat, Progress

from tests.fakes.clock import FakeClock
from tests.fakes.unixfs import Blocks, Tree, tree_of


class FakeNetwork:
    """Whoever is on it serves what it has to all others. ``withheld`` is served by nobody."""

    def __init__(self) -> None:
        self.stores: list[FakeStore] = []
        self.withheld: set[Cid] = set()


class FakeStore:
    """One node, alone unless it is given a network.

    ``clock`` passes by a call's timeout when nobody serves what it asks for; ``is_down`` makes
    every call fail as if the node did not answer. ``fetched`` and ``unpinned`` record calls.
    """

    def __init__(self, network: FakeNetwork | None = None, clock: FakeClock | None = None) -> None:
        self.network = network or FakeNetwork()
        self.network.stores.append(self)
        self.clock = clock
        self.blocks: Blocks = {}
        self.pinned: set[Cid] = set()
        self.is_down = False
        self.fetched: list[Cid] = []
        self.unpinned: list[Cid] = []

    @property
    def withheld(self) -> set[Cid]:
        return self.network.withheld

    def version(self) -> str:
        self._answer()
        return "fake 1.0"

    def add_block(self, block: bytes) -> Cid:
        if len(block) > MAX_BLOCK_BYTES:
            raise ValueError(f"a block has at most {MAX_BLOCK_BYTES} bytes, not {len(block)}")
        self._answer()
        cid = Cid.of_raw_block(block)
        self.blocks[cid] = block
        self.pinned.add(cid)
        return cid

    def add_file(self, path: Path, *, progress: Progress | None = None) -> Cid:
        if path.is_symlink() or not path.is_file():
            raise _not_a_file(path)
        self._answer()
        return self._keep(path.read_bytes(), progress)

    def add_directory(self, path: Path, *, progress: Progress | None = None) -> Cid:
        if not path.is_dir():
            raise _not_a_file(path)
        entries = sorted(path.rglob("*"))
        for entry in entries:
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                raise _not_a_file(entry)
            if not is_safe_path(entry.relative_to(path).as_posix()):
                raise InputError("content.unsafe_name", f"{entry.name!r} is no name for a file")
        if len(entries) > MAX_ENTRIES:
            raise InputError("content.too_many_files", f"{path} has more than {MAX_ENTRIES} entries")
        self._answer()
        files: Tree = {}
        for entry in entries:
            names = entry.relative_to(path).parts
            _put(files, names, entry.read_bytes() if entry.is_file() else {})
        return self._keep(files, progress)

    def stat(self, cid: Cid, *, timeout: float) -> ContentStat:
        node = node_of(cid, self._block(cid, timeout), inside=cid)
        return ContentStat(node.size, node.is_directory)

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        if cid.codec is not Codec.RAW:
            raise InputError("cid.malformed", f"{cid} does not name a raw block", cid=cid)
        block = self._block(cid, timeout)
        if len(block) > max_bytes:
            raise EvidenceError("content.too_large", f"{cid} is larger than the {max_bytes} bytes allowed")
        return block

    def fetch(
        self, cid: Cid, into: Path, *, max_bytes: int, timeout: float, progress: Progress | None = None
    ) -> None:
        self.fetched.append(cid)
        download(cid, into, lambda each: self._block(each, timeout), max_bytes=max_bytes, progress=progress)

    def pin(self, cid: Cid, *, timeout: float) -> None:
        waiting = [cid]
        while waiting:
            each = waiting.pop()
            waiting += [link.cid for link in node_of(each, self._block(each, timeout), inside=cid).links]
        self.pinned.add(cid)

    def unpin(self, cid: Cid) -> None:
        self._answer()
        self.pinned.discard(cid)
        self.unpinned.append(cid)

    def pins(self) -> frozenset[Cid]:
        self._answer()
        return frozenset(self.pinned)

    # What tests do behind the port's back

    def put(self, files: Mapping[str, bytes]) -> Cid:
        """Keeps a directory of these files by relative path, without a pin."""
        tree: Tree = {}
        for name, data in files.items():
            _put(tree, PurePosixPath(name).parts, data)
        return tree_of(tree, self.blocks)[0]

    def put_file(self, data: bytes) -> Cid:
        """Keeps one file, without a pin."""
        return tree_of(data, self.blocks)[0]

    def files(self, cid: Cid) -> dict[str, bytes]:
        """What a directory that this node has holds, by relative path."""
        return dict(self._files(cid, ""))

    def _files(self, cid: Cid, at: str) -> Iterator[tuple[str, bytes]]:
        for link in node_of(cid, self.blocks[cid], inside=cid).links:
            name = f"{at}/{link.name}" if at else link.name
            if node_of(link.cid, self.blocks[link.cid], inside=cid).is_directory:
                yield from self._files(link.cid, name)
            else:
                yield name, self._bytes(link.cid)

    def _bytes(self, cid: Cid) -> bytes:
        node = node_of(cid, self.blocks[cid], inside=cid)
        return node.data + b"".join(self._bytes(link.cid) for link in node.links)

    def _keep(self, what: bytes | Tree, progress: Progress | None) -> Cid:
        cid, size = tree_of(what, self.blocks)
        if progress is not None:
            progress(0, size)
            progress(size, size)
        self.pinned.add(cid)
        return cid

    def _block(self, cid: Cid, timeout: float) -> bytes:
        self._answer()
        for store in (self, *self.network.stores):
            if cid in store.blocks and cid not in self.network.withheld and not store.is_down:
                return self.blocks.setdefault(cid, store.blocks[cid])
        if self.clock is not None:
            self.clock.advance(timeout)
        raise ServiceError("content.not_found", f"nobody served {cid} in time", retryable=True, cid=cid)

    def _answer(self) -> None:
        if self.is_down:
            raise ServiceError("content.unreachable", "the fake does not answer", retryable=True)


def _put(tree: Tree, names: tuple[str, ...], what: bytes | Tree) -> None:
    for name in names[:-1]:
        inner = tree.setdefault(name, {})
        assert isinstance(inner, dict)
        tree = inner
    tree[names[-1]] = what


def _not_a_file(path: Path) -> InputError:
    return InputError("content.not_a_file", f"{path} is neither a regular file nor a directory", path=path)
