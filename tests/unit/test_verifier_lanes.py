"""Whole audits in the lanes that are not exact, by machines that round otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tileproof.domain.device import AVX2, AVX512, SSE42
from tileproof.domain.job import Ground, Lane, TaskState, Verdict
from tileproof.domain.manifest import encode
from tileproof.domain.policy import CALIBRATED, EXACT, HASH, default_policy
from tileproof.domain.result import frame_file
from tileproof.domain.verdict import Standing
from tileproof.ports.renderer import Limits, Rendered

from .test_verifier_audit import audit
from .verifier_world import Renderer, Session, World, honest, png

FRAMES = (1, 2)
ONE_LEVEL_IN = 0.001
"""Share of values that another kernel's honest render has one level higher or lower."""


@dataclass
class Rounding(Renderer):
    """Renders what is honest, as another kernel rounds it; ``restless`` rounds anew in every process."""

    restless: bool = False

    @contextmanager
    def open(self, scene: Path, settings: Any, out: Path, limits: Limits) -> Iterator[Session]:
        assert settings.device_class == self.device_class, "Blender is asked for what this machine is"
        self.sessions += 1
        yield RoundingSession(self, out, self.sessions)


class RoundingSession(Session):
    def render(self, frame: int, tile: Any, *, progress: Any = None) -> Rendered:
        self.renderer.rendered.append((self.number, frame, tile))
        seed = f"{self.renderer.device_class} {frame} {tile}"
        if isinstance(self.renderer, Rounding) and self.renderer.restless:
            seed += f" {self.number}"
        pixels = rounded(honest(frame), seed)[tile.y0 : tile.y1, tile.x0 : tile.x1]
        path = self.out / f"{frame}-{tile}.png"
        path.write_bytes(png(np.ascontiguousarray(pixels)))
        return Rendered(path, frame, tile, 0.25)


def rounded(pixels: np.ndarray, seed: str) -> np.ndarray:
    draw = np.random.default_rng(list(seed.encode()))
    step = (draw.random(pixels.shape) < ONE_LEVEL_IN) * draw.choice([-1, 1], pixels.shape)
    return np.asarray(np.clip(pixels.astype(int) + step, 0, 255), dtype=np.uint8)


def shifted(level: int) -> dict[str, bytes]:
    """A result whose every other value is brighter by ``level``: a difference of a known size."""
    files = {}
    for frame in FRAMES:
        pixels = np.clip(honest(frame).astype(int), 0, 255 - level)
        pixels[::2] += level
        files[frame_file(frame)] = png(pixels.astype(np.uint8))
    return files


def world_of(lane: str, own: str, files: dict[str, bytes] | None = None, **changes: Any) -> World:
    """A job of class AVX2 in this lane; the verifier's machine is of class ``own``."""
    world = World(files)
    policy = replace(default_policy(lane, 128, 8), **changes)
    world.manifest = replace(world.manifest, audit=policy)
    world.manifest_cid = world.theirs.add_block(encode(world.manifest))
    world.terms = replace(world.terms, lane=policy.settled_in)
    world.renderer = Rounding(device_class=own)
    return world


def test_another_kernel_accepts_honest_work_in_the_calibrated_lane(tmp_path: Path) -> None:
    report = audit(world_of(CALIBRATED, AVX512), tmp_path)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert report.equal_tiles < len(report.tiles), "or this shows nothing"
    assert "within the gate" in report.judgement.reason


def test_another_kernel_rejects_a_cheat_in_the_calibrated_lane(tmp_path: Path) -> None:
    world = world_of(CALIBRATED, AVX512, shifted(8))
    report = audit(world, tmp_path)
    assert (report.judgement.verdict, report.judgement.ground) == (Verdict.REJECT, Ground.TILE)
    assert world.renderer.sessions == 3


def test_what_lies_between_gate_and_accusation_blames_nobody(tmp_path: Path) -> None:
    """Half of the values off by one level: 51 dB, with a gate at 60 and a line at 45."""
    world = world_of(CALIBRATED, AVX512, shifted(1), reject_db=45.0)
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert world.renderer.sessions == 1, "nobody is accused, so nothing is rendered twice more"


@pytest.mark.parametrize("lane", [EXACT, CALIBRATED])
def test_a_class_that_was_found_too_far_away_judges_nothing(lane: str, tmp_path: Path) -> None:
    world = world_of(lane, SSE42)
    assert audit(world, tmp_path).judgement.verdict is Verdict.INCONCLUSIVE
    assert world.renderer.sessions == 0


@pytest.mark.parametrize("own", [SSE42, "cpu-arm64"])
def test_the_exact_lane_is_left_to_machines_that_make_the_same_bits(own: str, tmp_path: Path) -> None:
    world = world_of(EXACT, own)
    assert audit(world, tmp_path).judgement.verdict is Verdict.INCONCLUSIVE
    assert world.renderer.sessions == 0


def test_a_class_that_makes_the_same_bits_of_a_raw_job_judges_it_exactly(tmp_path: Path) -> None:
    world = world_of(EXACT, AVX512)
    world.renderer = OfTheSameBits(device_class=AVX512)
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert report.equal_tiles == len(report.tiles)


class OfTheSameBits(Rounding):
    @contextmanager
    def open(self, scene: Path, settings: Any, out: Path, limits: Limits) -> Iterator[Session]:
        self.sessions += 1
        yield Session(self, out, self.sessions)


def test_a_class_that_was_never_measured_judges_nothing_by_a_gate(tmp_path: Path) -> None:
    world = world_of(CALIBRATED, "cpu-arm64")
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert "never measured" in report.judgement.reason
    assert world.renderer.sessions == 0


@pytest.mark.parametrize("level", range(9))
def test_honest_verifiers_of_two_kernels_never_contradict_each_other(level: int, tmp_path: Path) -> None:
    verdicts = {
        audit(world_of(CALIBRATED, own, shifted(level)), tmp_path / own).judgement.verdict
        for own in (AVX512, AVX2)
    }
    assert verdicts != {Verdict.ACCEPT, Verdict.REJECT}
    assert not {Verdict.ACCEPT, Verdict.REJECT} <= verdicts


# --- the hash lane ---


def test_the_hash_lane_is_judged_by_any_machine_and_a_restless_one_too(tmp_path: Path) -> None:
    world = world_of(HASH, "gpu-unheard-of")
    world.renderer.restless = True
    assert audit(world, tmp_path).judgement.verdict is Verdict.ACCEPT


def test_another_picture_is_refused_in_the_hash_lane_and_confirmed_by_likeness(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, honest(1).shape, dtype=np.uint8)
    world = world_of(HASH, "gpu-unheard-of", {frame_file(f): png(noise) for f in FRAMES})
    world.renderer.restless = True
    report = audit(world, tmp_path)
    assert (report.judgement.verdict, report.judgement.ground) == (Verdict.REJECT, Ground.TILE)
    assert report.confirmation is not None
    assert report.confirmation.alike is not None
    assert Standing.DIFFERENT not in report.confirmation.alike
    assert len({report.confirmation.audited, *report.confirmation.fresh}) == 3


@pytest.mark.parametrize(("lane", "settled"), [(HASH, Lane.EXACT), (EXACT, Lane.HASH)])
def test_likeness_that_would_cost_a_bond_is_judged_by_nobody(
    lane: str, settled: Lane, tmp_path: Path
) -> None:
    """A requester's manifest says what takes no bond, and the job's terms what does, or the reverse."""
    noise = np.random.default_rng(3).integers(0, 256, honest(1).shape, dtype=np.uint8)
    world = world_of(lane, AVX2, {frame_file(f): png(noise) for f in FRAMES})
    world.terms = replace(world.terms, lane=settled)
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert "lane" in report.judgement.reason
    assert world.renderer.sessions == 0


def test_a_reject_in_the_hash_lane_takes_no_bond_on_the_ledger(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, honest(1).shape, dtype=np.uint8)
    world = world_of(HASH, AVX2, {frame_file(f): png(noise) for f in FRAMES})
    world.draw()
    before = world.worker.balances(world.worker.account())
    bonded = before.withdrawable + before.worker_bonds
    world.until(TaskState.SETTLEABLE, world.verifier(tmp_path))
    world.worker.settle(1, [0])
    after = world.worker.balances(world.worker.account())
    fees = world.terms.audit_fee * world.terms.committee_size
    assert world.job().terms.lane is Lane.HASH
    assert after.withdrawable + after.worker_bonds == bonded - fees
