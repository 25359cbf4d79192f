"""What was paid for is brought home whole, or it is said what is missing and why."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.client.fetch import Fetched, fetch
from tileproof.client.status import JobStatus
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import Outcome, TaskState
from tileproof.domain.manifest import Manifest
from tileproof.domain.result import decode, encode

from ..fakes.content import FakeStore
from ..fakes.images import FakeDecoder
from .client_world import paid_job, picture, rendered, task_in
from .test_client_plan import drafted, request


@dataclass
class World:
    store: FakeStore
    tmp: Path
    manifest: Manifest
    status: JobStatus

    @property
    def out(self) -> Path:
        return self.tmp / "out"

    def fetch(self, *, provisional: bool = False, overwrite: bool = False) -> Fetched:
        return fetch(
            self.status,
            self.manifest,
            self.out,
            store=self.store,
            decoder=FakeDecoder(),
            cache=self.tmp / "cache",
            timeout=1,
            provisional=provisional,
            overwrite=overwrite,
        )

    def frame(self, number: int) -> np.ndarray:
        return np.asarray(Image.open(self.out / f"{number:04d}.png"))

    def tamper(self, number: int, change: Callable[[dict[str, bytes]], None]) -> None:
        """The worker pinned something else for this task, and its CID is that."""
        files = self.store.files(self.status.tasks[number].result)  # type: ignore[arg-type]
        change(files)
        tasks = list(self.status.tasks)
        tasks[number] = replace(tasks[number], result=self.store.put(files))
        self.status = replace(self.status, tasks=tuple(tasks))


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    def make(paid: list[int] | None = None, **wanted: object) -> World:
        (tmp_path / "scene").mkdir()
        manifest = drafted(tmp_path / "scene", request(frames="1-3", **wanted))
        store = FakeStore()
        return World(store, tmp_path, manifest, paid_job(store, manifest, tmp_path, paid))

    return make


def test_whole_frames_are_kept_byte_for_byte_as_the_worker_pinned_them(world: Callable[..., World]) -> None:
    here = world()
    fetched = here.fetch()
    assert fetched.is_whole
    assert fetched.frames == fetched.new == (1, 2, 3)
    pinned = here.store.files(here.status.tasks[1].result)  # type: ignore[arg-type]
    assert (here.out / "0002.png").read_bytes() == pinned["0002.png"]
    assert fetched.contact_sheet is not None
    assert Image.open(fetched.contact_sheet).size[0] > 240
    assert not (here.tmp / "cache").exists()


@pytest.mark.parametrize(("columns", "rows", "per_task"), [(1, 1, 2), (2, 2, 1), (3, 5, 2), (7, 1, 3)])
def test_regions_are_joined_without_a_seam(
    world: Callable[..., World], columns: int, rows: int, per_task: int
) -> None:
    here = world(columns=columns, rows=rows, frames_per_task=per_task)
    assert here.fetch().is_whole
    for frame in (1, 2, 3):
        assert np.array_equal(here.frame(frame), picture(here.manifest, frame))


def test_a_second_fetch_brings_nothing_twice(world: Callable[..., World]) -> None:
    here = world()
    here.fetch()
    here.store.fetched.clear()
    again = here.fetch()
    assert again.is_whole
    assert again.new == ()
    assert here.store.fetched == []


def test_a_fetch_of_a_running_job_says_what_is_missing_and_resumes(world: Callable[..., World]) -> None:
    here = world(columns=2, paid=[0, 1, 2])
    first = here.fetch()
    assert first.frames == (1,)
    assert [(m.task, m.code) for m in first.missing] == [(3, "open"), (4, "open"), (5, "open")]
    here.status = paid_job(here.store, here.manifest, here.tmp)
    here.store.fetched.clear()
    second = here.fetch()
    assert second.is_whole
    assert second.new == (2, 3)
    assert len(here.store.fetched) == 3, "task 2 was kept from the first fetch"


def test_a_result_that_nobody_serves_stops_no_other(world: Callable[..., World]) -> None:
    here = world()
    here.store.withheld.add(here.status.tasks[1].result)  # type: ignore[arg-type]
    fetched = here.fetch()
    assert fetched.frames == (1, 3)
    assert [(m.task, m.code) for m in fetched.missing] == [(1, "content.not_found")]


def test_an_ipfs_node_that_is_down_is_an_error_and_not_a_missing_picture(world: Callable[..., World]) -> None:
    here = world()
    here.store.is_down = True
    with pytest.raises(ServiceError) as caught:
        here.fetch()
    assert caught.value.code == "content.unreachable"


def swap(files: dict[str, bytes]) -> None:
    files["0002.png"] = files["0002.png"] + b"x"


def drop_account(files: dict[str, bytes]) -> None:
    del files["result.json"]


def drop_picture(files: dict[str, bytes]) -> None:
    del files["0002.png"]


def blow_up(files: dict[str, bytes]) -> None:
    files["more.bin"] = bytes(64 << 20)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (swap, "result.file_differs"),
        (drop_picture, "result.file_differs"),
        (drop_account, "result.malformed"),
        (blow_up, "content.too_large"),
    ],
)
def test_a_result_that_is_not_what_it_lists_never_reaches_the_folder(
    world: Callable[..., World], change: Callable[[dict[str, bytes]], None], code: str
) -> None:
    here = world()
    here.tamper(1, change)
    fetched = here.fetch()
    assert [(m.task, m.code) for m in fetched.missing] == [(1, code)]
    assert fetched.frames == (1, 3)
    assert not (here.out / "0002.png").exists()


def test_another_task_s_result_is_not_taken_for_this_one(world: Callable[..., World]) -> None:
    here = world()
    tasks = list(here.status.tasks)
    tasks[1] = replace(tasks[1], result=tasks[0].result)
    here.status = replace(here.status, tasks=tuple(tasks))
    assert [(m.task, m.code) for m in here.fetch().missing] == [(1, "result.other_task")]


def test_a_picture_of_the_wrong_size_is_named_with_its_task(world: Callable[..., World]) -> None:
    here = world(columns=2, paid=[0])
    wide = drafted(here.tmp / "scene", request(frames="1-3"))
    tasks = list(here.status.tasks)
    tasks[1] = task_in(
        TaskState.PAID, 1, 1, rendered(here.store, replace(wide, tasks=(*wide.tasks[:1],) * 2), 1, here.tmp)
    )
    here.status = replace(here.status, tasks=tuple(tasks))
    fetched = here.fetch()
    assert (fetched.missing[0].task, fetched.missing[0].code) == (1, "image.wrong_format")
    assert fetched.frames == ()


def shrink_the_first(files: dict[str, bytes]) -> None:
    """The account lists the smaller picture, so that only who opens it finds out."""
    small = io.BytesIO()
    Image.new("RGB", (8, 6)).save(small, "PNG")
    files["0001.png"] = data = small.getvalue()
    account = decode(files["result.json"])
    first = replace(account.files[0], size=len(data), sha256=hashlib.sha256(data).hexdigest())
    files["result.json"] = encode(replace(account, files=(first, *account.files[1:])))


def test_no_later_frame_is_taken_from_a_result_with_a_picture_of_the_wrong_size(
    world: Callable[..., World],
) -> None:
    here = world(frames_per_task=3)
    here.tamper(0, shrink_the_first)
    fetched = here.fetch()
    assert [(m.task, m.code, m.frames) for m in fetched.missing] == [(0, "image.wrong_format", (1, 2, 3))]
    assert fetched.frames == ()


def test_what_was_accepted_but_may_be_appealed_comes_only_when_asked_for(world: Callable[..., World]) -> None:
    here = world()
    tasks = [replace(task, state=TaskState.PROVISIONAL) for task in here.status.tasks]
    tasks[2] = replace(tasks[2], outcome=Outcome.REJECTED)
    here.status = replace(here.status, tasks=tuple(tasks))
    assert here.fetch().frames == ()
    assert here.fetch(provisional=True).frames == (1, 2)


def test_a_file_of_the_user_s_is_never_overwritten_silently(world: Callable[..., World]) -> None:
    here = world()
    here.out.mkdir()
    (here.out / "0002.png").write_bytes(b"mine")
    with pytest.raises(InputError) as caught:
        here.fetch()
    assert caught.value.code == "fetch.would_overwrite"
    assert (here.out / "0002.png").read_bytes() == b"mine"
    assert here.fetch(overwrite=True).is_whole
