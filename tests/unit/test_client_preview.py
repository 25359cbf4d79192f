"""What may still be contested is looked at: the odd is marked, and how to contest it is said."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tileproof.audit.screen import FrameFacts, Oddity, PictureHashes, among_neighbours, facts_of
from tileproof.cli.show_appeal import command_for, preview_json, show_preview, show_windows
from tileproof.client.appeal import parse_pixel
from tileproof.client.contact_sheet import MAX_FRAMES, Cell, write_contact_sheet
from tileproof.client.preview import Preview, findings, neighbours, preview
from tileproof.client.status import JobStatus
from tileproof.domain import result as results
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import Outcome, TaskState
from tileproof.domain.manifest import Manifest
from tileproof.domain.tiles import Tile

from ..fakes.content import FakeStore
from ..fakes.images import FakeDecoder
from .client_world import paid_job
from .test_client_plan import drafted, request

RED = (239, 68, 68)


@dataclass
class World:
    store: FakeStore
    tmp: Path
    manifest: Manifest
    status: JobStatus

    @property
    def sheet(self) -> Path:
        return self.tmp / "sheet.png"

    def look(self, *asked: int) -> Preview:
        return preview(
            self.status,
            self.manifest,
            asked or None,
            self.sheet,
            store=self.store,
            decoder=FakeDecoder(),
            cache=self.tmp / "cache",
            timeout=1,
        )

    def change(self, number: int, **changes: object) -> None:
        tasks = list(self.status.tasks)
        tasks[number] = replace(tasks[number], **changes)  # type: ignore[arg-type]
        self.status = replace(self.status, tasks=tuple(tasks))

    def hand_in(self, number: int, like: int) -> None:
        """The worker of this task hands in another's pictures under its own names."""
        theirs = self.files(like)
        mine = self.files(number)
        theirs_frame, mine_frame = (self.manifest.tasks[n].frames[0] for n in (like, number))
        self.put(number, mine | {f"{mine_frame:04d}.png": theirs[f"{theirs_frame:04d}.png"]})

    def paint(self, number: int, colour: tuple[int, int, int]) -> None:
        spec = self.manifest.tasks[number]
        path = self.tmp / "painted.png"
        Image.new("RGB", (spec.region.width, spec.region.height), colour).save(path)
        self.put(number, self.files(number) | {f"{spec.frames[0]:04d}.png": path.read_bytes()})

    def files(self, number: int) -> dict[str, bytes]:
        return self.store.files(self.status.tasks[number].result)  # type: ignore[arg-type]

    def put(self, number: int, files: dict[str, bytes]) -> None:
        """With an account that tells the truth about the files: no digest gives it away."""
        told = results.decode(files[results.RESULT_FILE])
        listed = tuple(
            replace(f, size=len(files[f.name]), sha256=hashlib.sha256(files[f.name]).hexdigest())
            for f in told.files
        )
        files = files | {results.RESULT_FILE: results.encode(replace(told, files=listed))}
        self.change(number, result=self.store.put(files))


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    def make(**wanted: object) -> World:
        (tmp_path / "scene").mkdir()
        manifest = drafted(tmp_path / "scene", request(**{"frames": "1-5", **wanted}))
        store = FakeStore()
        here = World(store, tmp_path, manifest, paid_job(store, manifest, tmp_path))
        for number in range(len(manifest.tasks)):
            here.change(number, state=TaskState.PROVISIONAL, window_ends_block=120)
        return here

    return make


# --- what is looked at ---


def test_honest_pictures_are_shown_and_nothing_is_odd(world: Callable[..., World]) -> None:
    here = world()
    seen = here.look()
    assert (seen.tasks, seen.pictures, seen.odd, seen.missing) == ((0, 1, 2, 3, 4), 5, (), ())
    assert seen.contact_sheet == here.sheet
    assert not (np.asarray(Image.open(here.sheet)) == RED).all(axis=2).any()


def test_only_what_may_be_contested_is_shown(world: Callable[..., World]) -> None:
    here = world()
    here.change(0, state=TaskState.PAID)
    here.change(1, outcome=Outcome.REJECTED)
    here.change(2, outcome=Outcome.NOT_DRAWN)
    here.change(3, state=TaskState.OPEN, result=None)
    assert here.look().tasks == (2, 4)


def test_when_nothing_may_be_contested_it_is_said(world: Callable[..., World]) -> None:
    here = world()
    here.change(0, state=TaskState.PAID)
    with pytest.raises(InputError) as caught:
        here.look(0)
    assert caught.value.code == "preview.nothing"
    assert "task 0" in caught.value.message


def test_one_task_is_compared_with_the_pictures_beside_it_paid_ones_too(world: Callable[..., World]) -> None:
    here = world()
    here.change(1, state=TaskState.PAID)
    here.hand_in(2, like=1)
    seen = here.look(2)
    assert [(o.task, o.frame, o.what) for o in seen.odd] == [(2, 3, "repeated")]
    assert "frame 2" in seen.odd[0].detail
    assert (seen.tasks, seen.pictures) == ((2,), 1)
    assert len(here.store.fetched) == 3, "its own result and two beside it"


def test_a_repeated_picture_is_found_whichever_of_the_two_may_be_contested(
    world: Callable[..., World],
) -> None:
    here = world()
    here.change(3, state=TaskState.PAID)
    here.hand_in(3, like=2)
    assert [(o.task, o.what) for o in here.look(2).odd] == [(2, "repeated")]


def test_results_stay_for_the_fetch_that_follows(world: Callable[..., World]) -> None:
    here = world()
    here.look()
    here.store.fetched.clear()
    here.look()
    assert here.store.fetched == []


# --- what is odd ---


def test_a_blank_picture_is_marked_and_nothing_else(world: Callable[..., World]) -> None:
    here = world()
    here.paint(2, (9, 9, 9))
    seen = here.look()
    assert ("blank", 3) in {(o.what, o.frame) for o in seen.odd}
    assert {o.task for o in seen.odd} == {2}
    sheet = np.asarray(Image.open(here.sheet))
    red = np.argwhere((sheet == RED).all(axis=2))
    top, left = red.min(axis=0)
    bottom, right = red.max(axis=0)
    # Five cells in three columns: the third cell of the first row.
    assert left > 2 / 3 * sheet.shape[1] - 8
    assert right < sheet.shape[1]
    assert bottom <= sheet.shape[0] / 2 + 8
    assert top <= 8


def test_a_picture_of_the_wrong_size_is_odd_and_the_others_are_still_looked_at(
    world: Callable[..., World],
) -> None:
    here = world()
    path = here.tmp / "small.png"
    Image.new("RGB", (32, 24)).save(path)
    here.put(1, here.files(1) | {"0002.png": path.read_bytes()})
    seen = here.look()
    assert [(o.task, o.what) for o in seen.odd] == [(1, "image.wrong_format")]
    assert seen.pictures == 4


def test_a_result_that_is_not_what_its_list_says_is_odd(world: Callable[..., World]) -> None:
    here = world()
    here.change(1, result=here.store.put(here.files(1) | {"0002.png": b"not a picture"}))
    assert [(o.task, o.what) for o in here.look().odd] == [(1, "result.file_differs")]


def test_a_result_that_nobody_serves_is_missing_and_not_odd(world: Callable[..., World]) -> None:
    here = world()
    result = here.status.tasks[4].result
    assert result is not None
    here.store.withheld.add(result)
    seen = here.look()
    assert [(m.task, m.code) for m in seen.missing] == [(4, "content.not_found")]
    assert seen.odd == ()


def test_a_node_that_does_not_answer_is_an_error_of_its_own(world: Callable[..., World]) -> None:
    here = world()
    here.store.is_down = True
    with pytest.raises(ServiceError):
        here.look()


def test_regions_are_compared_with_the_same_region_of_other_frames(world: Callable[..., World]) -> None:
    here = world(frames="1-3", columns=2)
    assert here.look().odd == ()
    here.hand_in(4, like=2)  # the left half of frame 3 shows that of frame 2
    assert [(o.task, o.frame, o.what) for o in here.look().odd] == [(4, 3, "repeated")]


def facts(frame: int, bits: int, digest: str | None = None) -> FrameFacts:
    return FrameFacts(
        frame, digest or str(frame), blank=False, contrast=50.0, hashes=PictureHashes(*3 * [f"{bits:016x}"])
    )


SAME, OTHER, THIRD = 0, 2**64 - 1, 2**32 - 1
"""Hashes that are 32 bits and more apart."""


def test_a_picture_unlike_both_neighbours_that_are_alike_stands_out() -> None:
    found = among_neighbours([facts(1, SAME), facts(5, OTHER), facts(9, 1)])
    assert [(f.oddity, f.frame) for f in found] == [(Oddity.UNLIKE_NEIGHBOURS, 5)]
    assert "frames 1 and 9" in found[0].detail


def test_a_cut_is_no_oddity() -> None:
    shots = [facts(n, SAME if n < 4 else OTHER) for n in range(1, 8)]
    assert among_neighbours(shots) == ()
    assert among_neighbours([facts(1, SAME), facts(2, OTHER), facts(3, THIRD)]) == ()


def test_the_first_and_the_last_picture_have_one_neighbour_and_are_not_judged() -> None:
    assert among_neighbours([facts(1, OTHER), facts(2, SAME), facts(3, SAME), facts(4, OTHER)]) == ()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12))
def test_whatever_is_said_to_stand_out_is_a_picture_between_two(hashes: list[int]) -> None:
    row = [facts(frame, bits) for frame, bits in enumerate(hashes)]
    inner = {each.frame for each in row[1:-1]}
    assert {finding.frame for finding in among_neighbours(row)} <= inner


def test_a_picture_that_stands_out_is_found_in_the_task_that_rendered_it(
    world: Callable[..., World],
) -> None:
    here = world()
    row = {(n, n + 1): facts(n + 1, OTHER if n == 3 else SAME) for n in range(5)}
    [odd] = findings(here.manifest, row, (0, 1, 2, 3, 4))
    assert (odd.task, odd.frame, odd.what) == (3, 4, "unlike_neighbours")


def test_across_a_gap_nothing_is_compared(world: Callable[..., World]) -> None:
    here = world()
    row = {(n, n + 1): facts(n + 1, OTHER if n == 3 else SAME) for n in (0, 3, 4)}
    assert findings(here.manifest, row, (0, 3, 4)) == ()


def test_the_pictures_beside_are_those_of_the_same_region_just_before_and_after(
    world: Callable[..., World],
) -> None:
    manifest = world(frames="1-4", columns=2).manifest
    every = frozenset(range(len(manifest.tasks)))
    assert neighbours(manifest, (2,), every) == (0, 4)
    assert neighbours(manifest, (2, 4), every) == (0, 6)
    assert neighbours(manifest, (0,), every) == (2,)
    assert neighbours(manifest, (2,), frozenset({4, 5})) == (4,)


# --- how it is said ---


def test_the_command_that_is_printed_contests_that_very_picture(world: Callable[..., World]) -> None:
    here = world(frames="1-3", columns=2)
    here.paint(3, (1, 2, 3))
    [odd] = [o for o in here.look().odd if o.what == "blank"]
    words = shlex.split(command_for(7, odd))
    assert words[:6] == ["tileproof", "client", "appeal", "7", "3", "--tile"]
    pixel = parse_pixel(words[6])
    spec = here.manifest.tasks[3]
    assert pixel.frame in spec.frames
    assert spec.region.contains(Tile(pixel.x, pixel.y, pixel.x + 1, pixel.y + 1))


def test_a_person_reads_what_is_odd_how_to_contest_it_and_until_when(
    world: Callable[..., World], capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(frames="1-2")
    here.paint(1, (1, 2, 3))
    show_preview(here.look(), here.status, block=100, block_seconds=2.0)
    out = capsys.readouterr().out
    assert "task 1, frame 2: blank, every pixel has the same colour\n" in out
    assert "  tileproof client appeal 1 1 --tile 2:32,24\n" in out
    assert "task 1: may be appealed until block 120 (20 blocks from now, about 40 s)\n" in out


def test_a_script_reads_the_same(world: Callable[..., World]) -> None:
    here = world(frames="1-2")
    here.paint(1, (1, 2, 3))
    document = preview_json(here.look(), here.status)
    bond = str(here.status.job.terms.appeal_bond.units)
    assert document["tasks"] == [{"task": n, "ends_block": 120, "bond_fri": bond} for n in (0, 1)]
    assert document["odd"] == [
        {
            "task": 1,
            "frame": 2,
            "what": "blank",
            "detail": "every pixel has the same colour",
            "appeal": "tileproof client appeal 1 1 --tile 2:32,24",
        }
    ]


def test_wherever_a_job_is_looked_at_its_open_windows_are_shown_with_their_price(
    world: Callable[..., World], capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(frames="1-2")
    here.change(1, outcome=Outcome.NOT_DRAWN, window_ends_block=130)
    show_windows(here.status, 119, block_seconds=2.0)
    out = capsys.readouterr().out
    assert "task 0: accepted; may be appealed until block 120 (1 block from now, about 2 s)\n" in out
    assert "task 1: not drawn; may be appealed until block 130 (11 blocks from now, about 22 s)\n" in out
    assert f"an appeal takes a bond of {here.status.job.terms.appeal_bond} a task" in out
    assert "tileproof client preview 1\n" in out


def test_a_job_without_open_windows_says_nothing_of_them(
    world: Callable[..., World], capsys: pytest.CaptureFixture[str]
) -> None:
    here = world(frames="1-2")
    for number in (0, 1):
        here.change(number, state=TaskState.PAID)
    show_windows(here.status, 119, block_seconds=2.0)
    assert capsys.readouterr().out == ""


# --- the sheet ---


def test_however_many_pictures_there_are_no_marked_one_is_left_out(tmp_path: Path) -> None:
    count = 3 * MAX_FRAMES
    decoded: list[str] = []

    def decode(path: Path) -> np.ndarray:
        decoded.append(path.name)
        return np.zeros((4, 4, 3), np.uint8)

    marked = {1, 7, 150, 298}
    cells = [Cell(str(n), Path(str(n)), marked=n in marked) for n in range(count)]
    write_contact_sheet(cells, decode, tmp_path / "sheet.png")
    assert {str(n) for n in marked} | {"0", "299"} <= set(decoded)
    assert len(decoded) == MAX_FRAMES + len(marked)


def test_float_pictures_have_a_sheet_too(tmp_path: Path) -> None:
    pixels = np.full((8, 8, 3), 0.5, np.float32)
    write_contact_sheet([Cell("1", tmp_path)], lambda _: pixels, tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").getpixel((20, 20)) == (188, 188, 188)
    assert facts_of(1, pixels).blank
