"""What every ContentStore promises, held against the fake and against Kubo."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.adapters.ipfs.unixfs import Kind, Link
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import EvidenceError, InputError, MachineError, ServiceError, TileproofError
from tileproof.ports.content import MAX_BLOCK_BYTES, MAX_ENTRIES, ContentStore

from tests.fakes.content import FakeNetwork, FakeStore
from tests.fakes.unixfs import Blocks, Tree, message, put_node, tree_of

KIB, MIB = 1 << 10, 1 << 20
SOON = 1.0
TIME = 60.0


@dataclass
class Shelf:
    """A store, another one that reaches it over the network, and one that does not answer."""

    store: ContentStore
    peer: ContentStore
    down: ContentStore
    place: Callable[[bytes, Codec], Cid]
    room: Path

    def place_all(self, blocks: Blocks) -> None:
        """Any blocks, put behind the store's back: what another party made, well or ill."""
        for cid, block in blocks.items():
            assert self.place(block, cid.codec) == cid

    def file(self, data: bytes, name: str = "file") -> Path:
        path = self.room / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def folder(self, files: dict[str, bytes], name: str = "folder") -> Path:
        (self.room / name).mkdir()
        for inner, data in files.items():
            self.file(data, f"{name}/{inner}")
        return self.room / name

    def refuse(self, cid: Cid, *, max_bytes: int = 64 * MIB, timeout: float = TIME) -> TileproofError:
        """Why the peer does not fetch it; nothing may be left behind."""
        into = self.room / "refused" / "here"
        with pytest.raises(TileproofError) as caught:
            self.peer.fetch(cid, into, max_bytes=max_bytes, timeout=timeout)
        assert not into.parent.exists() or not any(into.parent.iterdir())
        return caught.value


@pytest.fixture(params=["fake", pytest.param("kubo", marks=pytest.mark.kubo)])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "kubo":
        first, second = request.getfixturevalue("kubo_pair")
        return Shelf(first.store, second.store, closed_store(), first.put_block, tmp_path)
    network = FakeNetwork()
    store, down = FakeStore(network), FakeStore()
    down.is_down = True

    def place(block: bytes, codec: Codec) -> Cid:
        cid = Cid(codec, hashlib.sha256(block).digest())
        store.blocks[cid] = block
        return cid

    return Shelf(store, FakeStore(network), down, place, tmp_path)


def closed_store() -> KuboStore:
    return KuboStore("/ip4/127.0.0.1/tcp/1/http")  # a port where nobody listens


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fresh(size: int) -> bytes:
    """Bytes that no node has seen."""
    return os.urandom(size)


# Adding


def test_a_block_is_named_by_its_sha_256_and_can_be_read_by_others(shelf: Shelf) -> None:
    for size in (0, 1, MAX_BLOCK_BYTES):
        block = fresh(size)
        cid = shelf.store.add_block(block)
        assert cid == Cid(Codec.RAW, hashlib.sha256(block).digest())
        assert shelf.peer.read_block(cid, max_bytes=max(1, size), timeout=TIME) == block


def test_a_block_above_one_mebibyte_is_the_caller_s_bug(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="at most"):
        shelf.store.add_block(bytes(MAX_BLOCK_BYTES + 1))


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
def test_a_file_comes_back_byte_for_byte_on_another_node(shelf: Shelf, size: int) -> None:
    data = fresh(size)
    cid = shelf.store.add_file(shelf.file(data))
    shelf.peer.fetch(cid, shelf.room / "back", max_bytes=max(1, size), timeout=TIME)
    assert (shelf.room / "back").read_bytes() == data


def test_a_directory_comes_back_with_all_its_names_and_bytes(shelf: Shelf) -> None:
    files = {
        "scene.blend": fresh(2 * MIB),
        "textures/deep/wood.png": fresh(999),
        "textures/same.png": b"the same",
        "same.png": b"the same",
        "empty": b"",
        ".hidden": b"points first",
        'with blanks, "quotes", 100%20% & ümläute 東京.txt': b"x",
        f"{'n' * 251}.png": b"a name of 255 bytes",
    }
    cid = shelf.store.add_directory(shelf.folder(files))
    shelf.peer.fetch(cid, shelf.room / "back", max_bytes=3 * MIB, timeout=TIME)
    assert contents(shelf.room / "back") == files


def test_directories_without_files_stay(shelf: Shelf) -> None:
    folder = shelf.folder({})
    (folder / "a" / "b").mkdir(parents=True)
    cid = shelf.store.add_directory(folder)
    shelf.peer.fetch(cid, shelf.room / "back", max_bytes=1, timeout=TIME)
    assert [p.relative_to(shelf.room / "back") for p in (shelf.room / "back").rglob("*")] == [
        Path("a"),
        Path("a/b"),
    ]


def test_equal_bytes_give_an_equal_cid_whatever_their_name_and_node(shelf: Shelf) -> None:
    data = fresh(2 * MIB)
    one = shelf.store.add_file(shelf.file(data, "one"))
    assert shelf.peer.add_file(shelf.file(data, "other")) == one
    files = {"a/b": data, "c": b"d"}
    one = shelf.store.add_directory(shelf.folder(files, "one folder"))
    assert shelf.peer.add_directory(shelf.folder(dict(reversed(files.items())), "another")) == one


def test_every_change_of_a_name_or_a_byte_changes_the_cid(shelf: Shelf) -> None:
    variants: list[dict[str, bytes]] = [{"a": b"1"}, {"b": b"1"}, {"a": b"2"}, {"a/a": b"1"}, {}]
    cids = {
        shelf.store.add_directory(shelf.folder(files, f"v{number}")) for number, files in enumerate(variants)
    }
    assert len(cids) == len(variants)


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 175 * MIB + 5])
def test_cids_of_files_are_those_of_every_kubo(shelf: Shelf, size: int) -> None:
    """CIDv1, raw leaves, 1 MiB chunks: 175 MiB need a second level of nodes."""
    data = b"tileproof" * (size // 9 + 1)
    path = shelf.file(data[:size])
    blocks: Blocks = {}
    assert shelf.store.add_file(path) == tree_of(path.read_bytes(), blocks)[0]


def test_cids_of_directories_are_those_of_every_kubo(shelf: Shelf) -> None:
    tree: Tree = {"b": b"1", "a": {"z": b"", "y": b"2" * 3_000_000, ".x": {}}, "ä": b"", "A": b"3"}
    folder = shelf.room / "folder"
    write(tree, folder)
    assert shelf.store.add_directory(folder) == tree_of(tree, {})[0]


def write(tree: Tree, folder: Path) -> None:
    folder.mkdir()
    for name, what in tree.items():
        if isinstance(what, bytes):
            (folder / name).write_bytes(what)
        else:
            write(what, folder / name)


def test_progress_begins_at_nothing_and_ends_at_everything(shelf: Shelf) -> None:
    seen: list[tuple[int, int]] = []
    cid = shelf.store.add_file(shelf.file(fresh(3 * MIB)), progress=lambda *at: seen.append(at))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] >= 3 * MIB
    seen.clear()
    shelf.peer.fetch(
        cid, shelf.room / "back", max_bytes=3 * MIB, timeout=TIME, progress=lambda *at: seen.append(at)
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == 3 * MIB
    assert all(done <= in_all for done, in_all in seen)


def test_links_and_other_oddities_are_not_added(shelf: Shelf) -> None:
    folder = shelf.folder({"a": b"1"})
    before = shelf.store.pins()
    (folder / "link").symlink_to(folder / "a")
    assert refused_input(lambda: shelf.store.add_directory(folder)) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_file(folder / "link")) == "content.not_a_file"
    (folder / "link").unlink()
    os.mkfifo(folder / "pipe")
    assert refused_input(lambda: shelf.store.add_directory(folder)) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_file(folder / "pipe")) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_file(folder)) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_file(folder / "nowhere")) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_directory(folder / "a")) == "content.not_a_file"
    assert refused_input(lambda: shelf.store.add_directory(folder / "nowhere")) == "content.not_a_file"
    assert shelf.store.pins() == before


def refused_input(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize("name", ["back\\slash", "new\nline", os.fsdecode(b"not \xff utf-8")])
def test_names_that_nobody_could_fetch_are_not_added(shelf: Shelf, name: str) -> None:
    folder = shelf.folder({name: b"1"})
    assert refused_input(lambda: shelf.store.add_directory(folder)) == "content.unsafe_name"


def test_more_entries_than_anyone_would_fetch_are_not_added(shelf: Shelf) -> None:
    folder = shelf.folder({f"{number}": b"" for number in range(MAX_ENTRIES + 1)})
    assert refused_input(lambda: shelf.store.add_directory(folder)) == "content.too_many_files"


# Stat


def test_stat_tells_files_from_directories_and_never_promises_too_little(shelf: Shelf) -> None:
    data = fresh(3 * MIB)
    file = shelf.store.add_file(shelf.file(data))
    folder = shelf.store.add_directory(shelf.folder({"a": data, "b/c": data[:MIB]}))
    block = shelf.store.add_block(data[:100])
    told = [shelf.peer.stat(cid, timeout=TIME) for cid in (file, folder, block)]
    assert [stat.is_directory for stat in told] == [False, True, False]
    assert 3 * MIB <= told[0].size < 3 * MIB + KIB
    assert 4 * MIB <= told[1].size < 4 * MIB + KIB
    assert told[2].size == 100


def test_stat_fetches_no_more_than_the_root(shelf: Shelf) -> None:
    blocks: Blocks = {}
    missing = Cid.of_raw_block(fresh(9))
    root, _ = put_node(
        blocks, [Link("", missing, 5 * MIB)], message(Kind.FILE, size=5 * MIB, parts=[5 * MIB])
    )
    shelf.place_all(blocks)
    assert shelf.peer.stat(root, timeout=TIME).size >= 5 * MIB


def test_what_is_no_unixfs_is_malformed(shelf: Shelf) -> None:
    blocks: Blocks = {}
    for data in (b"", message(9), message(Kind.SHARD)):
        root, _ = put_node(blocks, [], data)
        shelf.place_all(blocks)
        with pytest.raises(EvidenceError) as caught:
            shelf.peer.stat(root, timeout=TIME)
        assert caught.value.code == "content.malformed"
        assert shelf.refuse(root).code == "content.malformed"


# Reading a block


def test_a_block_is_never_read_beyond_the_cap(shelf: Shelf) -> None:
    cid = shelf.store.add_block(fresh(1000))
    assert len(shelf.peer.read_block(cid, max_bytes=1000, timeout=TIME)) == 1000
    with pytest.raises(EvidenceError) as caught:
        shelf.peer.read_block(cid, max_bytes=999, timeout=TIME)
    assert caught.value.code == "content.too_large"


def test_only_raw_blocks_are_read_as_blocks(shelf: Shelf) -> None:
    cid = shelf.store.add_directory(shelf.folder({"a": b"1"}))
    with pytest.raises(InputError) as caught:
        shelf.peer.read_block(cid, max_bytes=MIB, timeout=TIME)
    assert caught.value.code == "cid.malformed"


# Fetching


def test_a_fetch_of_more_than_the_cap_leaves_nothing(shelf: Shelf) -> None:
    file = shelf.store.add_file(shelf.file(fresh(2 * MIB)))
    assert shelf.refuse(file, max_bytes=2 * MIB - 1).code == "content.too_large"
    folder = shelf.store.add_directory(shelf.folder({"a": fresh(MIB), "b": fresh(MIB)}))
    assert shelf.refuse(folder, max_bytes=2 * MIB - 1).code == "content.too_large"


def test_what_claims_to_be_far_larger_is_refused_before_anything_is_fetched(shelf: Shelf) -> None:
    blocks: Blocks = {}
    absent = Link("", Cid.of_raw_block(fresh(9)), 1 << 40)
    root, _ = put_node(blocks, [absent], message(Kind.FILE))
    shelf.place_all(blocks)
    assert shelf.refuse(root).code == "content.too_large"


def test_what_claims_to_be_smaller_than_it_is_gains_nothing(shelf: Shelf) -> None:
    blocks: Blocks = {}
    real, _ = tree_of(fresh(6 * MIB), blocks)
    root, _ = put_node(blocks, [Link("", real, 1)], message(Kind.FILE, size=1, parts=[1]))
    folder, _ = put_node(blocks, [Link("a", root, 1)], message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    for cid in (root, folder):
        assert shelf.peer.stat(cid, timeout=TIME).size < KIB
        assert shelf.refuse(cid, max_bytes=MIB).code == "content.too_large"


def test_a_small_tree_that_unfolds_into_a_large_one_is_stopped_by_the_cap(shelf: Shelf) -> None:
    """Twenty nodes, each holding the one below it many times: 100 TiB of files in a few KiB."""
    blocks: Blocks = {}
    cid, _ = tree_of(fresh(KIB), blocks)
    for _ in range(20):
        cid, _ = put_node(blocks, [Link("", cid, 1)] * 10, message(Kind.FILE))
    shelf.place_all(blocks)
    assert shelf.refuse(cid, max_bytes=MIB).code == "content.too_large"


def test_a_tree_of_nothing_that_never_ends_is_stopped_too(shelf: Shelf) -> None:
    blocks: Blocks = {}
    cid, _ = tree_of(b"", blocks)
    for _ in range(20):
        cid, _ = put_node(blocks, [Link("", cid, 0)] * 10, message(Kind.FILE))
    shelf.place_all(blocks)
    assert shelf.refuse(cid, max_bytes=MIB).code == "content.too_large"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../up", "/abs", "a/b", "back\\slash", "line\nbreak", "n" * 256, "nul\0"]
)
def test_names_that_leave_the_folder_or_no_file_has_are_refused(shelf: Shelf, name: str) -> None:
    blocks: Blocks = {}
    file, size = tree_of(b"1", blocks)
    inner, inner_size = put_node(blocks, [Link(name, file, size)], message(Kind.DIRECTORY))
    root, _ = put_node(blocks, [Link("inner", inner, inner_size)], message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    assert shelf.refuse(root).code == "content.unsafe_name"
    assert not (shelf.room / "up").exists()


def test_two_entries_of_one_name_are_refused(shelf: Shelf) -> None:
    blocks: Blocks = {}
    links = [Link("a", *tree_of(data, blocks)) for data in (b"1", b"2")]
    root, _ = put_node(blocks, links, message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    assert shelf.refuse(root).code == "content.unsafe_name"


def test_links_to_other_files_are_refused(shelf: Shelf) -> None:
    blocks: Blocks = {}
    link, size = put_node(blocks, [], message(Kind.SYMLINK, data=b"/etc/passwd"))
    root, _ = put_node(blocks, [Link("a", link, size)], message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    for cid in (link, root):
        assert shelf.refuse(cid).code == "content.unsafe_name"


def test_directories_within_directories_without_end_are_refused(shelf: Shelf) -> None:
    blocks: Blocks = {}
    cid, size = tree_of({}, blocks)
    for _ in range(200):
        cid, size = put_node(blocks, [Link("d", cid, size)], message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    assert shelf.refuse(cid).code == "content.unsafe_name"


def test_more_than_ten_thousand_entries_are_refused(shelf: Shelf) -> None:
    blocks: Blocks = {}
    leaf, size = tree_of({str(number): b"" for number in range(5000)}, blocks)
    links = [Link(name, leaf, size) for name in ("a", "b")]
    root, _ = put_node(blocks, links, message(Kind.DIRECTORY))
    shelf.place_all(blocks)
    assert shelf.refuse(root).code == "content.too_large"


def test_a_file_whose_part_is_a_directory_is_malformed(shelf: Shelf) -> None:
    blocks: Blocks = {}
    folder, size = tree_of({"a": b"1"}, blocks)
    root, _ = put_node(blocks, [Link("", folder, size)], message(Kind.FILE))
    shelf.place_all(blocks)
    assert shelf.refuse(root).code == "content.malformed"


def test_a_part_that_nobody_has_ends_the_fetch_in_time_and_leaves_nothing(shelf: Shelf) -> None:
    blocks: Blocks = {}
    whole, _ = tree_of({"a": b"first", "b": fresh(3 * MIB)}, blocks)
    last = list(blocks)[3]
    assert last.codec is Codec.RAW
    del blocks[last]
    shelf.place_all(blocks)
    began = time.monotonic()
    assert shelf.refuse(whole, timeout=SOON).code == "content.not_found"
    assert time.monotonic() - began < SOON + 30


def test_what_exists_is_never_written_over(shelf: Shelf) -> None:
    cid = shelf.store.add_file(shelf.file(b"new"))
    old = shelf.file(b"old", "old")
    with pytest.raises(ValueError, match="exists"):
        shelf.store.fetch(cid, old, max_bytes=MIB, timeout=TIME)
    assert old.read_bytes() == b"old"
    (shelf.room / "dangling").symlink_to(shelf.room / "elsewhere")
    with pytest.raises(ValueError, match="exists"):
        shelf.store.fetch(cid, shelf.room / "dangling", max_bytes=MIB, timeout=TIME)
    assert not (shelf.room / "elsewhere").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_the_machine_s_fault_and_nothing_is_left(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    cid = shelf.store.add_directory(shelf.folder({"a": fresh(10), "b": fresh(2 * MIB)}))
    real_open = Path.open

    def open_on_a_small_disk(path: Path, mode: str = "r", *rest: object, **named: object) -> object:
        file = real_open(path, mode, *rest, **named)  # type: ignore[call-overload]
        return SmallDisk(file, number) if "x" in mode else file

    monkeypatch.setattr(Path, "open", open_on_a_small_disk)
    error = shelf.refuse(cid)
    assert isinstance(error, MachineError)
    assert error.code == "machine.disk_full"


class SmallDisk:
    """A file on a disk with room for 1 MiB."""

    def __init__(self, file: object, number: int) -> None:
        self._file, self._number, self._room = file, number, MIB

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # type: ignore[attr-defined]

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(self._number, "no room")
        return self._file.write(data)  # type: ignore[attr-defined,no-any-return]


def test_what_nobody_has_is_not_found_in_time(shelf: Shelf) -> None:
    raw = Cid.of_raw_block(fresh(9))
    tree = Cid(Codec.DAG_PB, raw.digest)
    calls: list[Callable[[], object]] = [
        lambda: shelf.peer.stat(raw, timeout=SOON),
        lambda: shelf.peer.stat(tree, timeout=SOON),
        lambda: shelf.peer.read_block(raw, max_bytes=MIB, timeout=SOON),
        lambda: shelf.peer.fetch(raw, shelf.room / "a", max_bytes=MIB, timeout=SOON),
        lambda: shelf.peer.fetch(tree, shelf.room / "b", max_bytes=MIB, timeout=SOON),
        lambda: shelf.peer.pin(tree, timeout=SOON),
    ]
    for call in calls:
        began = time.monotonic()
        with pytest.raises(ServiceError) as caught:
            call()
        assert caught.value.code == "content.not_found"
        assert caught.value.retryable
        assert time.monotonic() - began < SOON + 30


# Pins


def test_what_is_added_is_pinned_until_it_is_unpinned(shelf: Shelf) -> None:
    added = {
        shelf.store.add_block(fresh(10)),
        shelf.store.add_file(shelf.file(fresh(2 * MIB))),
        shelf.store.add_directory(shelf.folder({"a": fresh(10)})),
    }
    assert added <= shelf.store.pins()
    for cid in added:
        shelf.store.unpin(cid)
        shelf.store.unpin(cid)
    assert not added & shelf.store.pins()


def test_pinning_fetches_all_of_it_and_twice_is_once(shelf: Shelf) -> None:
    data = fresh(2 * MIB)
    cid = shelf.store.add_directory(shelf.folder({"a": data, "b/c": data[:9], "empty": b""}))
    assert cid not in shelf.peer.pins()
    shelf.peer.pin(cid, timeout=TIME)
    shelf.peer.pin(cid, timeout=TIME)
    assert cid in shelf.peer.pins()
    shelf.peer.unpin(cid)
    assert cid not in shelf.peer.pins()


def test_unpinning_what_was_never_pinned_is_no_error(shelf: Shelf) -> None:
    shelf.store.unpin(Cid.of_raw_block(fresh(9)))


def test_a_part_of_something_pinned_is_no_pin_of_its_own(shelf: Shelf) -> None:
    inner = fresh(10)
    whole = shelf.store.add_directory(shelf.folder({"a": inner}))
    part = Cid.of_raw_block(inner)
    assert part not in shelf.store.pins()
    shelf.store.unpin(part)
    assert whole in shelf.store.pins()


def test_two_pins_of_shared_parts_go_one_by_one(shelf: Shelf) -> None:
    shared = fresh(10)
    one = shelf.store.add_directory(shelf.folder({"a": shared, "b": b"1"}, "one"))
    other = shelf.store.add_directory(shelf.folder({"a": shared, "b": b"2"}, "other"))
    shelf.store.unpin(one)
    assert other in shelf.store.pins()
    assert shelf.peer.read_block(Cid.of_raw_block(shared), max_bytes=10, timeout=TIME) == shared


# A node that does not answer


def test_a_node_that_does_not_answer_is_unreachable_for_every_call(shelf: Shelf) -> None:
    cid = Cid.of_raw_block(b"x")
    path, folder = shelf.file(b"x"), shelf.folder({"a": b"1"})
    calls: list[Callable[[], object]] = [
        shelf.down.version,
        shelf.down.pins,
        lambda: shelf.down.add_block(b"x"),
        lambda: shelf.down.add_file(path),
        lambda: shelf.down.add_directory(folder),
        lambda: shelf.down.stat(cid, timeout=SOON),
        lambda: shelf.down.read_block(cid, max_bytes=9, timeout=SOON),
        lambda: shelf.down.fetch(cid, shelf.room / "back", max_bytes=9, timeout=SOON),
        lambda: shelf.down.pin(cid, timeout=SOON),
        lambda: shelf.down.unpin(cid),
    ]
    for call in calls:
        with pytest.raises(ServiceError) as caught:
            call()
        assert caught.value.code == "content.unreachable"
        assert caught.value.retryable
    assert not (shelf.room / "back").exists()


def test_a_store_says_what_it_is(shelf: Shelf) -> None:
    name, _, version = shelf.store.version().partition(" ")
    assert name in ("fake", "kubo")
    assert version
