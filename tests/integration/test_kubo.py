"""Real nodes: content that travels between them, and nodes that stop in the middle of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tileproof.adapters.ipfs import api
from tileproof.adapters.ipfs.unixfs import Kind, decode
from tileproof.domain.cid import Cid
from tileproof.domain.errors import InputError, ServiceError
from tileproof.ports.content import Progress

from tests.services.kubo import Kubo, StartKubo

pytestmark = pytest.mark.kubo
KIB, MIB = 1 << 10, 1 << 20
TIME = 60.0


def file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def once(act: Callable[[], None]) -> Progress:
    """Acts when the first bytes have been written."""
    left = [act]

    def progress(done: int, _: int) -> None:
        if done and left:
            left.pop()()

    return progress


def test_content_lies_only_where_it_was_added_until_another_node_asks(
    kubo_pair: tuple[Kubo, Kubo], tmp_path: Path
) -> None:
    first, second = kubo_pair
    cid = first.store.add_directory(file(tmp_path / "a" / "b" / "c", 3 * MIB).parents[1])
    assert first.has(cid)
    assert not second.has(cid)
    second.store.fetch(cid, tmp_path / "back", max_bytes=3 * MIB, timeout=TIME)
    assert second.has(cid)
    assert contents(tmp_path / "back") == contents(tmp_path / "a")


def test_what_another_node_pinned_outlives_its_maker(start_kubo: StartKubo, tmp_path: Path) -> None:
    maker, keeper = start_kubo(), start_kubo()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "empty").touch()
    file(tmp_path / "a" / "b", 3 * MIB)
    cid = maker.store.add_directory(tmp_path / "a")
    keeper.store.pin(cid, timeout=TIME)
    assert maker.node is not None
    maker.node.child.kill()
    keeper.store.fetch(cid, tmp_path / "back", max_bytes=3 * MIB, timeout=TIME)
    assert contents(tmp_path / "back") == contents(tmp_path / "a")


@pytest.mark.long
def test_a_directory_so_large_that_kubo_shards_it_comes_back_whole(
    kubo_pair: tuple[Kubo, Kubo], tmp_path: Path
) -> None:
    first, second = kubo_pair
    names = [f"{'long name ' * 22}{number}.png" for number in range(1_300)]
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in names:
        (tmp_path / "a" / "b" / name).write_text(name[-9:])
    shards = first.store.add_directory(tmp_path / "a" / "b")
    assert decode(shards, first.get_block(shards)).kind is Kind.SHARD
    cid = first.store.add_directory(tmp_path / "a")
    second.store.fetch(cid, tmp_path / "back", max_bytes=MIB, timeout=TIME)
    assert contents(tmp_path / "back") == {f"b/{name}": name[-9:].encode() for name in names}


STREAM = """
import resource, sys
from pathlib import Path
from tileproof.adapters.ipfs.kubo import KuboStore

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB

here, there, room = KuboStore(sys.argv[1]), KuboStore(sys.argv[2]), Path(sys.argv[3])
cid = here.add_file(room / "small")
there.fetch(cid, room / "small back", max_bytes=1 << 30, timeout=300)
before = peak()
cid = here.add_file(room / "large")
added = peak()
there.fetch(cid, room / "large back", max_bytes=1 << 30, timeout=300)
print(added - before, peak() - added)
"""


@pytest.mark.long
def test_two_hundred_megabytes_stream_through_a_few(kubo_pair: tuple[Kubo, Kubo], tmp_path: Path) -> None:
    """Both ways, between nodes; how much the client's memory grew at its peak."""
    first, second = kubo_pair
    file(tmp_path / "small", 5 * MIB)
    with (tmp_path / "large").open("wb") as large:
        for _ in range(200):
            large.write(os.urandom(1_000_000))
    done = subprocess.run(
        [sys.executable, "-c", STREAM, first.api, second.api, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    grew_kib = [int(number) for number in done.stdout.split()]
    assert max(grew_kib) < 24 * KIB, grew_kib
    with (tmp_path / "large").open("rb") as one, (tmp_path / "large back").open("rb") as other:
        while piece := one.read(MIB):
            assert other.read(MIB) == piece
        assert not other.read(1)


def test_a_maker_that_stands_still_in_the_middle_is_not_found_and_half_a_file_is_no_file(
    start_kubo: StartKubo, tmp_path: Path
) -> None:
    """Kubo's own ``cat`` ends such a body as if it were whole."""
    maker, reader = start_kubo(), start_kubo()
    original = file(tmp_path / "a", 40 * MIB)
    cid = maker.store.add_file(original)
    with pytest.raises(ServiceError) as caught:
        reader.store.fetch(
            cid, tmp_path / "in" / "back", max_bytes=40 * MIB, timeout=3, progress=once(maker.freeze)
        )
    assert caught.value.code == "content.not_found"
    assert not any((tmp_path / "in").iterdir())
    maker.thaw()
    reader.store.fetch(cid, tmp_path / "in" / "back", max_bytes=40 * MIB, timeout=TIME)
    assert (tmp_path / "in" / "back").read_bytes() == original.read_bytes()


def test_an_own_node_that_stands_still_is_unreachable_and_blames_nobody(
    start_kubo: StartKubo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "GRACE_SECONDS", 0.5)
    node = start_kubo()
    cid = node.store.add_file(file(tmp_path / "a", 40 * MIB))
    with pytest.raises(ServiceError) as caught:
        node.store.fetch(
            cid, tmp_path / "in" / "back", max_bytes=40 * MIB, timeout=2, progress=once(node.freeze)
        )
    assert caught.value.code == "content.unreachable"
    assert not any((tmp_path / "in").iterdir())
    node.thaw()
    node.store.fetch(cid, tmp_path / "in" / "back", max_bytes=40 * MIB, timeout=TIME)


def test_an_own_node_that_is_killed_in_the_middle_is_unreachable(
    start_kubo: StartKubo, tmp_path: Path
) -> None:
    node = start_kubo()
    assert node.node is not None
    cid = node.store.add_file(file(tmp_path / "a", 40 * MIB))
    with pytest.raises(ServiceError) as caught:
        node.store.fetch(
            cid,
            tmp_path / "in" / "back",
            max_bytes=40 * MIB,
            timeout=TIME,
            progress=once(node.node.child.kill),
        )
    assert caught.value.code == "content.unreachable"
    assert not any((tmp_path / "in").iterdir())


def test_what_a_progress_bar_raises_ends_the_fetch_and_leaves_nothing(kubo: Kubo, tmp_path: Path) -> None:
    def ctrl_c() -> None:
        raise KeyboardInterrupt

    cid = kubo.store.add_file(file(tmp_path / "a", 3 * MIB))
    with pytest.raises(KeyboardInterrupt):
        kubo.store.fetch(
            cid, tmp_path / "in" / "back", max_bytes=3 * MIB, timeout=TIME, progress=once(ctrl_c)
        )
    assert not any((tmp_path / "in").iterdir())


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: os.truncate(path, 10)], ids=["gone", "shorter"])
def test_a_file_that_changes_while_it_is_added_is_unreadable_and_nothing_stays_pinned(
    kubo: Kubo, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    file(tmp_path / "a" / "one", 100)
    other = file(tmp_path / "a" / "other", 2 * MIB)
    before = kubo.store.pins()
    with pytest.raises(InputError) as caught:
        kubo.store.add_directory(tmp_path / "a", progress=lambda done, in_all: spoil(other))
    assert caught.value.code == "content.unreadable"
    assert "other" in caught.value.message
    assert kubo.store.pins() == before


def test_pins_that_others_made_in_older_forms_are_passed_over(kubo: Kubo) -> None:
    answer = httpx2.post(
        f"{kubo.url}/add", params={"cid-version": "0"}, files={"file": os.urandom(100)}, timeout=TIME
    ).json()
    assert str(answer["Hash"]).startswith("Qm")
    mine = kubo.store.add_block(os.urandom(10))
    assert mine in kubo.store.pins()
    assert all(isinstance(pin, Cid) for pin in kubo.store.pins())
    httpx2.post(f"{kubo.url}/pin/rm", params={"arg": answer["Hash"]}, timeout=TIME)


def test_the_version_is_the_node_s_own(kubo: Kubo) -> None:
    told = httpx2.post(f"{kubo.url}/version", timeout=TIME).json()["Version"]
    assert kubo.store.version() == f"kubo {told}"
