"""The worker's own account of a result."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tileproof.domain.errors import EvidenceError
from tileproof.domain.manifest import TaskSpec
from tileproof.domain.result import (
    MAX_BYTES,
    ResultFile,
    ResultManifest,
    check_account,
    decode,
    encode,
    frame_file,
    max_frame_bytes,
    max_result_bytes,
)

from .test_manifest import SETTINGS, canonical

SPEC = TaskSpec((1, 2), SETTINGS.full_frame)
RESULT = ResultManifest(
    version=3,
    job_id=3,
    task=0,
    attempt=1,
    blender_build="4.5.15 abcdef",
    device_class="cpu-x86_64-avx2",
    device="AMD EPYC",
    sandbox="bubblewrap",
    files=tuple(ResultFile(frame_file(f), 10, "c" * 64, f, 1.5) for f in SPEC.frames),
)


def test_a_result_survives_its_own_encoding() -> None:
    assert decode(encode(RESULT)) == RESULT


def test_frames_are_named_in_the_order_of_their_numbers() -> None:
    assert [frame_file(f) for f in (0, 42, 12_345)] == ["0000.png", "0042.png", "12345.png"]


@pytest.mark.parametrize("name", ["../0001.png", "a/0001.png", "", ".."])
def test_a_name_that_leaves_the_directory_is_refused(name: str) -> None:
    value = json.loads(encode(RESULT))
    value["files"][0]["name"] = name
    with pytest.raises(EvidenceError) as refused:
        decode(canonical(value))
    assert refused.value.code == "result.malformed"


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(EvidenceError, match="surprise"):
        decode(canonical({**json.loads(encode(RESULT)), "surprise": 1}))


def test_an_account_of_the_task_itself_passes() -> None:
    check_account(RESULT, 3, 0, 1, SETTINGS, SPEC)


@pytest.mark.parametrize("field", ["job_id", "task", "attempt"])
def test_an_account_of_another_task_is_refused(field: str) -> None:
    other: dict[str, Any] = {field: 9}
    with pytest.raises(EvidenceError) as refused:
        check_account(replace(RESULT, **other), 3, 0, 1, SETTINGS, SPEC)
    assert refused.value.code == "result.other_task"


def test_an_account_that_leaves_out_a_frame_is_refused() -> None:
    with pytest.raises(EvidenceError) as refused:
        check_account(replace(RESULT, files=RESULT.files[:1]), 3, 0, 1, SETTINGS, SPEC)
    assert refused.value.code == "result.frames"


@pytest.mark.parametrize("side", [1, 7, 64, 300])
def test_the_worst_honest_picture_fits_its_cap(side: int) -> None:
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, format="PNG", compress_level=0)
    settings = replace(SETTINGS, width_px=side, height_px=side)
    assert len(out.getvalue()) <= max_frame_bytes(settings, TaskSpec((1,), settings.full_frame))


@pytest.mark.parametrize("frames", [(1,), tuple(range(1, 41))])
def test_a_result_of_the_largest_files_with_the_longest_account_is_within_the_cap(
    frames: tuple[int, ...],
) -> None:
    spec = replace(SPEC, frames=frames)
    assert max_result_bytes(SETTINGS, spec) > MAX_BYTES + len(frames) * max_frame_bytes(SETTINGS, spec)
