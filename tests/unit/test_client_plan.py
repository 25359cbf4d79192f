"""What a requester asks for becomes tasks, terms and a price, or a refusal by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.client.draft import NOT_YET_PINNED, REMEDIES, check_scene, draft_manifest, render_settings
from tileproof.client.price import Means, check_means, least_bond, make_terms
from tileproof.client.request import (
    Offer,
    PictureRequest,
    Resolution,
    parse_hash_bits,
    parse_resolution,
    parse_split,
)
from tileproof.domain.errors import InputError
from tileproof.domain.job import Bounds, Lane
from tileproof.domain.manifest import EEVEE, Manifest, decode, encode
from tileproof.domain.money import Fri, parse_strk
from tileproof.domain.policy import EXACT, HASH, LEAST_GATED_TILE_PX
from tileproof.domain.tiles import sample_grid
from tileproof.ports.renderer import RenderReport
from tileproof.ports.scene import PackedScene, SceneFacts

from ..fakes.scene import PLAIN_FACTS

REPORT = RenderReport("4.5.15 a1b2c3", "cpu-x86_64-avx2", "a processor", "bubblewrap")
BOUNDS = Bounds(
    max_tasks=100,
    max_committee_size=7,
    min_audit_rate_bps=1000,
    min_lease_seconds=60,
    max_lease_seconds=86_400,
    min_window_blocks=10,
    max_window_blocks=1000,
    max_deadline_seconds=30 * 86_400,
    seat_bond=parse_strk("64"),
    seat_exit_blocks=5000,
    lapse_share_bps=500,
)
OFFER = Offer(reward=parse_strk("2"), audit_fee=parse_strk("0.3"))


def request(**changes: object) -> PictureRequest:
    return replace(PictureRequest(Path("film.blend")), **changes)  # type: ignore[arg-type]


def drafted(tmp_path: Path, wanted: PictureRequest, facts: SceneFacts = PLAIN_FACTS) -> Manifest:
    (tmp_path / "film.blend").write_bytes(b"BLENDER-v405")
    settings = render_settings(wanted, facts, REPORT)
    return draft_manifest(wanted, facts, settings, PackedScene(tmp_path, "film.blend"))


def code_of(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    assert caught.value.remedy, "a refusal says what to do next"
    return caught.value.code


def test_a_plain_request_is_the_scene_as_saved_one_task_a_frame(tmp_path: Path) -> None:
    manifest = drafted(tmp_path, request())
    assert [task.frames for task in manifest.tasks] == [(n,) for n in range(1, 11)]
    assert {task.region for task in manifest.tasks} == {manifest.settings.full_frame}
    assert (manifest.settings.width_px, manifest.settings.height_px) == (64, 48)
    assert manifest.settings.blender_version == "4.5.15"
    assert manifest.scene == NOT_YET_PINNED


def test_the_scene_s_own_step_keeps_its_last_frame(tmp_path: Path) -> None:
    manifest = drafted(tmp_path, request(), replace(PLAIN_FACTS, frame_step=4))
    assert [task.frames for task in manifest.tasks] == [(1,), (5,), (9,), (10,)]


def test_a_split_makes_a_task_per_region_and_frames_per_task_groups_frames(tmp_path: Path) -> None:
    manifest = drafted(tmp_path, request(frames="1-4", columns=2, rows=3, frames_per_task=2))
    assert len(manifest.tasks) == 2 * 6
    assert {task.frames for task in manifest.tasks} == {(1, 2), (3, 4)}
    assert sum(task.region.area for task in manifest.tasks) == 2 * 64 * 48


@given(
    columns=st.integers(1, 8),
    rows=st.integers(1, 8),
    per_task=st.integers(1, 12),
    frames=st.sampled_from(["1", "1-10", "1-10x3", "2,5,9"]),
    width=st.integers(8, 300),
    height=st.integers(8, 300),
)
def test_whatever_is_asked_the_manifest_is_one_that_others_accept(
    tmp_path_factory: pytest.TempPathFactory,
    columns: int,
    rows: int,
    per_task: int,
    frames: str,
    width: int,
    height: int,
) -> None:
    wanted = request(
        frames=frames,
        columns=columns,
        rows=rows,
        frames_per_task=per_task,
        resolution=Resolution(width_px=width, height_px=height),
    )
    manifest = drafted(tmp_path_factory.mktemp("scene"), wanted)
    assert decode(encode(manifest)) == manifest


def test_the_sample_fits_the_job_unless_it_is_named(tmp_path: Path) -> None:
    full_hd = {"frames": "1-4", "resolution": Resolution(width_px=1920, height_px=1080)}
    one = drafted(tmp_path, request(**full_hd)).audit
    many = drafted(tmp_path, request(**full_hd, frames_per_task=4)).audit
    assert one.tile_px < many.tile_px
    named = drafted(tmp_path, request(**full_hd, tile_px=100, sample_tiles=3)).audit
    assert (named.tile_px, named.sample_tiles) == (100, 3)


def test_a_lane_with_a_gate_has_tiles_that_it_may_judge(tmp_path: Path) -> None:
    full_hd = Resolution(width_px=1920, height_px=1080)
    for lane in ("calibrated", "hash"):
        assert drafted(tmp_path, request(resolution=full_hd, lane=lane)).audit.tile_px >= LEAST_GATED_TILE_PX


def test_the_hash_lane_looks_at_whole_pictures(tmp_path: Path) -> None:
    small = drafted(tmp_path, request(lane="hash"))
    grid = sample_grid(small.settings.full_frame, small.audit.tile_px)
    assert grid.tiles() == (small.settings.full_frame,)
    with pytest.raises(InputError, match="below 128"):
        drafted(tmp_path, request(lane="hash", tile_px=64))


@pytest.mark.parametrize(
    ("lane", "settled"), [("exact", Lane.EXACT), ("calibrated", Lane.EXACT), ("hash", Lane.HASH)]
)
def test_a_job_is_settled_in_the_lane_that_its_manifest_is_judged_in(
    lane: str, settled: Lane, tmp_path: Path
) -> None:
    manifest = drafted(tmp_path, request(lane=lane))
    assert manifest.audit.settled_in is settled
    assert make_terms(OFFER, BOUNDS, 0, manifest.audit.settled_in).lane is settled


def test_the_requester_names_thresholds_within_bounds_and_of_the_lane_alone(tmp_path: Path) -> None:
    wide = drafted(tmp_path, request(lane="calibrated", accept_db=55.0, reject_db=45.0)).audit
    assert (wide.accept_db, wide.reject_db) == (55.0, 45.0)
    bits = drafted(tmp_path, request(lane="hash", hash_bits=(8, 9, 7), band_bits=4)).audit
    assert (bits.phash_bits, bits.dhash_bits, bits.whash_bits, bits.band_bits) == (8, 9, 7, 4)
    for wrong in (
        {"lane": "exact", "accept_db": 60.0},
        {"lane": "calibrated", "hash_bits": (1, 1, 1)},
        {"lane": "calibrated", "accept_db": 30.0},
        {"lane": "hash", "hash_bits": (60, 60, 60)},
        {"lane": "likely"},
    ):
        assert code_of(drafted, tmp_path, request(**wrong)) == "policy.malformed", wrong


@pytest.mark.parametrize("text", ["", "8", "8,8", "8,8,8,8", "a,b,c", "8;8;8", "-1,2,3"])
def test_hash_bits_that_cannot_be_read_are_refused(text: str) -> None:
    assert code_of(parse_hash_bits, text) == "hash_bits.malformed"


def test_every_file_of_the_packed_scene_is_listed_with_size_and_digest(tmp_path: Path) -> None:
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures" / "wood.png").write_bytes(b"wood")
    manifest = drafted(tmp_path, request())
    assert [(file.path, file.size) for file in manifest.files] == [
        ("film.blend", 12),
        ("textures/wood.png", 4),
    ]


def test_a_link_in_the_packed_scene_is_refused(tmp_path: Path) -> None:
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    assert code_of(drafted, tmp_path, request()) == "scene.unsafe_file"


def test_a_name_of_control_characters_never_reaches_the_manifest(tmp_path: Path) -> None:
    assert drafted(tmp_path, request(blend=Path("\x1b[2Jfilm.blend"))).name == "[2Jfilm"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"frames": "0-3"}, "frames.outside_range"),
        ({"frames": "8-11"}, "frames.outside_range"),
        ({"frames": "3-1"}, "frames.malformed"),
        ({"columns": 65}, "split.too_many_regions"),
        ({"rows": 49}, "split.too_many_regions"),
        ({"samples_per_pixel": 0}, "samples.malformed"),
        ({"resolution": Resolution(percent=1)}, "resolution.malformed"),
        ({"resolution": Resolution(width_px=70_000, height_px=10)}, "resolution.malformed"),
        ({"camera": "Nobody"}, "scene.unknown_camera"),
        ({"view_layer": "Nothing"}, "scene.unknown_view_layer"),
        ({"depth": 32}, "depth.unknown"),
        ({"frames_per_task": 0}, "policy.malformed"),
        ({"tile_px": 0}, "policy.malformed"),
        ({"sample_tiles": 0}, "policy.malformed"),
    ],
)
def test_a_request_that_cannot_be_rendered_is_refused_by_name(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    assert code_of(drafted, tmp_path, request(**changes)) == code


def test_a_scene_without_a_camera_is_refused_and_one_without_an_active_one_asks_which() -> None:
    none = replace(PLAIN_FACTS, cameras=(), active_camera=None)
    assert code_of(render_settings, request(), none, REPORT) == "scene.no_camera"
    inactive = replace(PLAIN_FACTS, active_camera=None)
    assert code_of(render_settings, request(), inactive, REPORT) == "scene.no_camera"
    assert render_settings(request(camera="Side"), inactive, REPORT).camera == "Side"


def test_missing_files_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        check_scene(replace(PLAIN_FACTS, missing_files=("wood.png", "stone.png")))
    assert caught.value.code == "scene.files_missing"
    assert "wood.png, stone.png" in caught.value.message


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_what_cannot_be_audited_exactly_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_scene(replace(PLAIN_FACTS, unauditable=(name,)))
    assert caught.value.code == "scene.unauditable"
    assert caught.value.remedy == REMEDIES[name]


EEVEE_FACTS = replace(
    PLAIN_FACTS, engine=EEVEE, unauditable=("eevee",), adaptive_sampling=True, has_volumes=True
)


def test_eevee_is_judged_by_the_likeness_of_whole_frames_and_not_otherwise(tmp_path: Path) -> None:
    check_scene(EEVEE_FACTS, HASH)
    manifest = drafted(tmp_path, request(lane=HASH), EEVEE_FACTS)
    assert decode(encode(manifest)) == manifest
    assert manifest.audit.settled_in is Lane.HASH
    assert code_of(check_scene, EEVEE_FACTS) == "scene.unauditable"
    assert code_of(check_scene, replace(EEVEE_FACTS, unauditable=("eevee", "stereo")), HASH) == (
        "scene.unauditable"
    )


@pytest.mark.parametrize("wanted", [{"columns": 2}, {"tile_px": 128}, {"lane": EXACT}])
def test_eevee_in_parts_is_refused(tmp_path: Path, wanted: dict[str, object]) -> None:
    asked = request(**{"lane": HASH, "resolution": Resolution(640, 360), **wanted})
    assert code_of(drafted, tmp_path, asked, EEVEE_FACTS) == "scene.whole_frames_only"


def test_adaptive_sampling_and_volumes_ask_for_their_guard_bands() -> None:
    def band(**changes: object) -> int:
        return render_settings(request(), replace(PLAIN_FACTS, **changes), REPORT).guard_band_px  # type: ignore[arg-type]

    assert (band(), band(adaptive_sampling=True), band(has_volumes=True)) == (0, 4, 16)


def test_resolution_and_split_are_read_as_people_write_them() -> None:
    assert parse_resolution("1920x1080") == Resolution(1920, 1080)
    assert parse_resolution(" 50% ") == Resolution(percent=50)
    assert parse_split("4X3") == (4, 3)
    for text in ("", "0x10", "10", "axb", "-1x4", "1e3x5", "0%", "٤x٤"):
        assert code_of(parse_resolution, text) == "resolution.malformed"
    for text in ("", "0x1", "2x0", "4", "x", "1x2x3"):
        assert code_of(parse_split, text) == "split.malformed"


def test_defaults_are_brought_within_the_bounds_but_wishes_are_refused() -> None:
    short = replace(BOUNDS, max_window_blocks=20, max_lease_seconds=100, max_deadline_seconds=500)
    terms = make_terms(OFFER, short, 1_000, Lane.EXACT)
    assert (terms.commit_blocks, terms.lease_seconds, terms.deadline) == (20, 100, 1_500)
    assert code_of(make_terms, replace(OFFER, commit_blocks=21), short, 0, Lane.EXACT) == "terms.window"
    assert code_of(make_terms, replace(OFFER, lease_seconds=101), short, 0, Lane.EXACT) == "terms.lease"
    assert code_of(make_terms, replace(OFFER, deadline_seconds=501), short, 0, Lane.EXACT) == "terms.deadline"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reward": Fri(0)}, "terms.reward_zero"),
        ({"committee_size": 2}, "terms.committee_size"),
        ({"committee_size": 9}, "terms.committee_size"),
        ({"audit_rate_bps": 999}, "terms.audit_rate"),
        ({"audit_rate_bps": 10_001}, "terms.audit_rate"),
        ({"audit_fee": parse_strk("1.01")}, "terms.audit_fee"),
        ({"worker_bond": parse_strk("2.99")}, "terms.bond"),
        ({"deadline_seconds": 119, "lease_seconds": 60}, "terms.deadline"),
    ],
)
def test_terms_that_the_contract_would_refuse_are_refused_first(
    changes: dict[str, object], code: str
) -> None:
    assert code_of(make_terms, replace(OFFER, **changes), BOUNDS, 0, Lane.EXACT) == code  # type: ignore[arg-type]


@given(
    reward=st.integers(1, 10**30),
    fee=st.integers(0, 10**24),
    n=st.sampled_from([1, 3, 5, 7]),
    q=st.integers(1, 10_000),
)
def test_the_least_bond_never_falls_short_of_the_formula(reward: int, fee: int, n: int, q: int) -> None:
    bond = least_bond(Fri(reward), Fri(fee), n, q).units
    assert bond * q >= reward * (10_000 - q)
    assert bond >= (3 * n + 1) * fee
    assert (bond - 1) * q < reward * (10_000 - q) or bond == (3 * n + 1) * fee


@pytest.mark.parametrize(
    ("reward", "fee"),
    [
        (Fri(801), BOUNDS.seat_bond.units // 65_536),
        (parse_strk("1"), parse_strk("0.125").units),
        (Fri(10**18 + 1), 125 * 10**15 + 1),
        (parse_strk("100"), BOUNDS.seat_bond.units // 64),
    ],
)
def test_a_fee_that_nobody_names_is_an_eighth_of_the_reward_within_the_contract_s_bounds(
    reward: Fri, fee: int
) -> None:
    assert make_terms(Offer(reward), BOUNDS, 0, Lane.EXACT).audit_fee.units == fee


def test_escrow_is_tasks_times_reward_and_all_audit_fees_and_must_be_in_the_wallet() -> None:
    terms = make_terms(OFFER, BOUNDS, 0, Lane.EXACT)
    means = Means(timestamp=0, wallet=parse_strk("11.6"), active_seats=10, bounds=BOUNDS)
    assert check_means(terms, 4, means) == parse_strk("11.6")
    poorer = replace(means, wallet=Fri(parse_strk("11.6").units - 1))
    assert code_of(check_means, terms, 4, poorer) == "money.balance_too_small"
    assert code_of(check_means, terms, 4, replace(means, active_seats=9)) == "terms.too_few_verifiers"
    assert code_of(check_means, terms, 101, means) == "terms.too_many_tasks"
