"""Manifests: one value, one encoding, and nothing believed."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import EvidenceError, InputError
from tileproof.domain.manifest import (
    EEVEE,
    MAX_BYTES,
    AuditPolicy,
    Manifest,
    SceneFile,
    TaskSpec,
    decode,
    encode,
)
from tileproof.domain.policy import HASH, default_policy
from tileproof.domain.tiles import Tile, split

from tests.fakes.renderer import SETTINGS as SMALL

SETTINGS = replace(SMALL, device_class="cpu-x86_64-avx2", width_px=480, height_px=270, samples_per_pixel=32)
SCENE = Cid(Codec.DAG_PB, bytes(range(32)))
MANIFEST = Manifest(
    version=3,
    name="glass",
    scene=SCENE,
    blend="glass.blend",
    files=(SceneFile("glass.blend", 12, "a" * 64), SceneFile("textures/wood.png", 7, "b" * 64)),
    settings=SETTINGS,
    audit=AuditPolicy("exact", 64, 16),
    tasks=(TaskSpec((1, 2), SETTINGS.full_frame), TaskSpec((3,), SETTINGS.full_frame)),
    split_columns=1,
    split_rows=1,
)


def changed(path: str, value: object) -> bytes:
    """The manifest's canonical bytes with one value replaced (or removed, by ``...``)."""
    whole: Any = json.loads(encode(MANIFEST))
    at = whole
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return canonical(whole)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    columns, rows = draw(st.integers(1, min(4, width))), draw(st.integers(1, min(4, height)))
    full = Tile(0, 0, width, height)
    frames = sorted(draw(st.sets(st.integers(0, 2000), min_size=1, max_size=12)))
    per_task = draw(st.integers(1, 4))
    chunks = [tuple(frames[at : at + per_task]) for at in range(0, len(frames), per_task)]
    name = draw(st.text(st.characters(categories=["L", "N"]), max_size=40))
    return replace(
        MANIFEST,
        name=name,
        settings=replace(
            SETTINGS,
            width_px=width,
            height_px=height,
            adaptive_threshold=draw(st.floats(0, 1)),
            noise_seed=draw(st.integers(0, 2**31 - 1)),
            depth=draw(st.sampled_from([8, 16])),
            channels=draw(st.sampled_from([3, 4])),
        ),
        tasks=tuple(TaskSpec(chunk, region) for chunk in chunks for region in split(full, columns, rows)),
        split_columns=columns,
        split_rows=rows,
    )


@given(manifests())
@settings(max_examples=60)
def test_every_manifest_survives_its_own_encoding(manifest: Manifest) -> None:
    data = encode(manifest)
    assert decode(data) == manifest
    assert encode(decode(data)) == data


def test_the_encoding_is_canonical_json_in_utf8() -> None:
    data = encode(replace(MANIFEST, name="Glas größer"))
    assert "größer".encode() in data
    assert data == canonical(json.loads(data))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\n",
        lambda data: data.replace(b'"version":3', b'"version": 3'),
        lambda data: data.replace(b'"version":3', b'"version":3,"version":3'),
        lambda data: data.replace(b"glass.blend", rb"glas\u0073.blend"),
        lambda data: data.replace(b"0.01", b"1e-2"),
        lambda data: data.replace(b"0.01", b"NaN"),
        lambda data: data.replace(b"glass.blend", b"\xff\xfe"),
        lambda data: data[: len(data) // 2],
        lambda data: b"[" * 200_000,
        lambda data: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        lambda data: b'{"a":' + b"9" * 5000 + b"}",
        lambda data: b"[]",
        lambda data: b"",
    ],
)
def test_bytes_that_are_not_canonical_are_refused(spoil: Any) -> None:
    with pytest.raises(EvidenceError) as refused:
        decode(spoil(encode(MANIFEST)))
    assert refused.value.code == "manifest.malformed"


def test_a_stranger_s_brackets_do_not_end_a_process_whose_recursion_limit_a_library_raised() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(EvidenceError) as refused:
            decode(b"[" * 200_000)
    finally:
        sys.setrecursionlimit(before)
    assert refused.value.code == "manifest.malformed"


def test_loading_the_ledger_leaves_the_recursion_limit_as_it_was() -> None:
    before = sys.getrecursionlimit()
    importlib.import_module("tileproof.adapters.starknet.ledger")
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 1),
        ("version", True),
        ("version", "2"),
        ("name", ...),
        ("name", 5),
        ("name", "x" * 257),
        ("name", "evil\u202ename"),
        ("name", "two\nlines"),
        ("surprise", 1),
        ("settings.surprise", 1),
        ("audit.surprise", 1),
        ("files.0.surprise", 1),
        ("tasks.0.surprise", 1),
        ("scene", "nonsense"),
        ("scene", str(Cid(Codec.RAW, b"\1" * 32))),
        ("blend", "other.blend"),
        ("blend", "textures/wood.png"),
        ("files", []),
        ("files.0.size", -1),
        ("files.0.size", 1.0),
        ("files.0.sha256", "A" * 64),
        ("files.0.path", "/etc/passwd"),
        ("files.0.path", "../up.blend"),
        ("files.0.path", "a/../b.blend"),
        ("files.0.path", "a//b.blend"),
        ("files.0.path", "a\\b.blend"),
        ("files.0.path", "./glass.blend"),
        ("files.0.path", ""),
        ("files.0.path", "x" * 300),
        ("files.1.path", "glass.blend"),
        ("files.1.path", "glass.blend/wood.png"),
        ("files.1.path", "a.png"),  # out of order
        ("settings.engine", "BLENDER_WORKBENCH"),
        ("settings.width_px", 0),
        ("settings.samples_per_pixel", 0),
        ("settings.adaptive_threshold", True),
        ("settings.adaptive_threshold", 1.5),
        ("settings.animated_seed", 0),
        ("settings.depth", 12),
        ("settings.channels", 5),
        ("settings.container", "JPEG"),
        ("settings.blender_version", "4.5"),
        ("settings.device_class", "x; rm -rf"),
        ("audit.lane", "hash"),
        ("audit.sample_tiles", 0),
        ("tasks", []),
        ("tasks.0.frames", "2,1"),
        ("tasks.0.frames", "1-2"),
        ("tasks.0.frames", ""),
        ("tasks.0.frames", [1, 2]),
        ("tasks.0.region", [0, 0, 480]),
        ("tasks.0.region", [0, 0, 480, 270.0]),
        ("tasks.0.region", [0, 0, 480, True]),
        ("tasks.0.region", [480, 0, 0, 270]),
        ("split_columns", 0),
    ],
)
def test_a_malformed_field_is_refused(path: str, value: object) -> None:
    with pytest.raises(EvidenceError) as refused:
        decode(changed(path, value))
    assert refused.value.code == "manifest.malformed"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tasks.0.region", [0, 0, 480, 269]),  # a gap at the bottom
        ("tasks.0.region", [0, 0, 481, 270]),
        ("tasks.1.frames", "2"),  # frame 2 twice
        ("split_columns", 2),
        ("split_rows", 271),
    ],
)
def test_tasks_that_do_not_cover_each_frame_once_are_refused(path: str, value: object) -> None:
    with pytest.raises(EvidenceError) as refused:
        decode(changed(path, value))
    assert refused.value.code == "manifest.inconsistent"


def test_a_split_with_a_region_missing_is_refused() -> None:
    halves = split(SETTINGS.full_frame, 2, 1)
    whole = replace(MANIFEST, tasks=tuple(TaskSpec((1,), half) for half in halves), split_columns=2)
    encode(whole)
    with pytest.raises(EvidenceError, match="covered"):
        encode(replace(whole, tasks=whole.tasks[:1]))
    with pytest.raises(EvidenceError, match="covered"):
        encode(replace(whole, tasks=(whole.tasks[0], whole.tasks[0])))


def test_a_block_above_one_mebibyte_is_refused_unread() -> None:
    with pytest.raises(EvidenceError) as refused:
        decode(b" " * (MAX_BYTES + 1))
    assert refused.value.code == "manifest.too_large"


def test_a_job_too_large_for_one_block_is_the_requesters_input_error() -> None:
    files = tuple(SceneFile(f"{'t' * 200}/{n:05d}", 1, "0" * 64) for n in range(5000))
    with pytest.raises(InputError) as refused:
        encode(replace(MANIFEST, files=(MANIFEST.files[0], *sorted(files, key=lambda f: f.path))))
    assert refused.value.code == "manifest.too_large"


def test_a_few_bytes_cannot_name_a_million_frames() -> None:
    tasks = [{"frames": "0-9999", "region": [0, 0, 480, 270]}] * 200
    with pytest.raises(EvidenceError):
        decode(changed("tasks", tasks))


EEVEE_JOB = replace(MANIFEST, settings=replace(SETTINGS, engine=EEVEE), audit=default_policy(HASH, 480, 2))


def test_a_job_of_eevee_is_whole_frames_in_the_hash_lane() -> None:
    assert decode(encode(EEVEE_JOB)) == EEVEE_JOB
    assert not EEVEE_JOB.settings.has_equal_crops


@pytest.mark.parametrize(
    "job",
    [
        replace(EEVEE_JOB, audit=AuditPolicy("exact", 480, 2)),
        replace(EEVEE_JOB, audit=default_policy(HASH, 479, 2)),
        replace(EEVEE_JOB, settings=replace(EEVEE_JOB.settings, denoise=True)),
        replace(EEVEE_JOB, settings=replace(EEVEE_JOB.settings, guard_band_px=4)),
        replace(
            EEVEE_JOB,
            tasks=tuple(TaskSpec((1,), region) for region in split(SETTINGS.full_frame, 2, 1)),
            split_columns=2,
        ),
    ],
    ids=["exact lane", "parts as tiles", "denoised", "guard band", "split"],
)
def test_a_job_of_eevee_that_would_be_judged_in_parts_is_refused(job: Manifest) -> None:
    with pytest.raises(EvidenceError) as refused:
        encode(job)
    assert refused.value.code == "manifest.inconsistent"
