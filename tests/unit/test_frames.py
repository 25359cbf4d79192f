"""Frame lists as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.errors import InputError
from tileproof.domain.frames import LAST_FRAME, format_frames, parse_frames

frame_sets = st.sets(st.integers(0, 400), min_size=1, max_size=60).map(lambda s: tuple(sorted(s)))


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", (7,)),
        ("0", (0,)),
        ("10-13", (10, 11, 12, 13)),
        ("5-5", (5,)),
        ("1,5,10", (1, 5, 10)),
        ("1-10x3", (1, 4, 7, 10)),
        ("1-9x3", (1, 4, 7, 9)),  # the last frame is kept whatever the step
        ("1-2x5", (1, 2)),
        ("5,3,1-3", (1, 2, 3, 5)),
        (" 1 , 3 ", (1, 3)),
        ("1-100x50,120", (1, 51, 100, 120)),
    ],
)
def test_a_list_means_what_people_expect(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1,",
        "1-",
        "-5",
        "5-1",
        "1-5x0",
        "1x5",
        "1-5x",
        "a",
        "1.5",
        "1--5",
        "1-2-3",
        "١",
        "1 2",
        "1" * 200_000,
    ],
)
def test_a_malformed_list_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_frames(text)
    assert refused.value.code == "frames.malformed"
    assert refused.value.remedy


@pytest.mark.parametrize("text", ["0", "11", "5-11", "3,99", "1-1000000000"])
def test_a_frame_outside_the_scene_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_frames(text, first=1, last=10)
    assert refused.value.code == "frames.outside_range"


def test_blenders_own_last_frame_is_the_limit() -> None:
    assert parse_frames(str(LAST_FRAME)) == (LAST_FRAME,)
    with pytest.raises(InputError, match="outside"):
        parse_frames(str(LAST_FRAME + 1))


@pytest.mark.parametrize("text", ["1-10001", "1-20000x1", "0-9999,10000", ",".join(["0-9999"] * 11)])
def test_too_many_frames_are_refused_before_they_are_built(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_frames(text)
    assert refused.value.code == "frames.too_many"


def test_ten_thousand_frames_are_not_too_many() -> None:
    assert len(parse_frames("1-10000")) == 10_000


@given(frame_sets)
def test_every_set_of_frames_survives_its_own_text(frames: tuple[int, ...]) -> None:
    assert parse_frames(format_frames(frames)) == frames


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 40))
def test_a_stepped_range_keeps_both_ends_and_every_step(a: int, length: int, step: int) -> None:
    b = a + length
    frames = parse_frames(f"{a}-{b}x{step}")
    assert set(frames) == {*range(a, b + 1, step), b}
    assert list(frames) == sorted(set(frames))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_equal_sets_have_equal_canonical_text(frames: list[int]) -> None:
    typed = ",".join(map(str, frames))
    again = ",".join(map(str, reversed(frames)))
    assert format_frames(parse_frames(typed)) == format_frames(parse_frames(again))


@given(st.text(alphabet="0123456789-x, ", max_size=12))
def test_whatever_is_typed_is_parsed_or_refused_by_name(text: str) -> None:
    try:
        frames = parse_frames(text)
    except InputError as refusal:
        code, frames = refusal.code, ()
    else:
        code = ""
    assert bool(frames) != code.startswith("frames.")
    assert list(frames) == sorted(set(frames))


def test_the_canonical_text_is_short() -> None:
    assert format_frames((1, 2, 3, 4, 10, 12, 14, 20, 33)) == "1-4,10-14x2,20,33"
    assert format_frames((1, 2)) == "1,2"


@pytest.mark.parametrize("frames", [(), (2, 1), (1, 1), (-1, 4)])
def test_frames_out_of_order_are_a_bug_of_ours(frames: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        format_frames(frames)
