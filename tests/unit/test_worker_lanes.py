"""Which lanes and classes a worker takes jobs of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.domain.device import AVX2, AVX512, SSE42
from tileproof.domain.job import Lane, TaskState
from tileproof.domain.manifest import EEVEE, ENGINES, Manifest
from tileproof.domain.policy import CALIBRATED, EXACT, HASH, LANES, default_policy
from tileproof.worker.policy import why_not_lane, why_not_manifest
from tileproof.worker.settings import WorkerSettings

from ..fakes.renderer import MACHINE
from .worker_world import SMALL, TERMS, World, manifest_of

SETTINGS = WorkerSettings()


def job_of(lane: str, device_class: str = AVX2, *, denoise: bool = False) -> Manifest:
    manifest = manifest_of(World().scene)
    settings = replace(
        manifest.settings,
        blender_version=MACHINE.blender_build.split()[0],
        device_class=device_class,
        denoise=denoise,
    )
    return replace(manifest, settings=settings, audit=default_policy(lane, 128, 4))


def refuses(own: str, manifest: Manifest) -> bool:
    return why_not_manifest(manifest, replace(MACHINE, device_class=own), SETTINGS) is not None


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("settled", list(Lane))
def test_a_job_that_is_judged_in_one_lane_and_settled_in_another_is_left_alone(
    lane: str, settled: Lane
) -> None:
    world = World()
    job = world.ledger.job(world.job())
    job = replace(job, terms=replace(job.terms, lane=settled))
    agrees = (lane == HASH) == (settled is Lane.HASH)
    assert (why_not_lane(job, job_of(lane)) is None) == agrees


def test_a_raw_job_is_taken_by_both_classes_that_make_the_same_bits_of_it() -> None:
    assert not refuses(AVX512, job_of(EXACT, AVX2))
    assert not refuses(AVX2, job_of(EXACT, AVX512))
    assert refuses(SSE42, job_of(EXACT, AVX2))


def test_a_denoised_job_is_left_to_its_class_unless_it_has_a_gate() -> None:
    assert refuses(AVX512, job_of(EXACT, AVX2, denoise=True))
    assert not refuses(AVX512, job_of(CALIBRATED, AVX2, denoise=True))
    assert refuses(SSE42, job_of(CALIBRATED, AVX2, denoise=True))


def test_any_machine_takes_a_job_of_the_hash_lane() -> None:
    assert not refuses("gpu-optix", job_of(HASH))


def test_a_job_of_eevee_is_left_to_machines_that_find_opengl() -> None:
    manifest = job_of(HASH)
    manifest = replace(manifest, settings=replace(manifest.settings, engine=EEVEE))
    assert "OpenGL" in (why_not_manifest(manifest, MACHINE, SETTINGS) or "")
    assert why_not_manifest(manifest, replace(MACHINE, engines=ENGINES), SETTINGS) is None


def test_a_worker_of_eevee_checks_its_own_work_frame_by_frame(tmp_path: Path) -> None:
    world = World()
    world.renderer.machine = replace(MACHINE, engines=ENGINES)
    settings = replace(SMALL, engine=EEVEE)
    manifest = manifest_of(world.scene, settings=settings, audit=default_policy(HASH, 128, 1))
    job_id = world.job(manifest, terms=replace(TERMS, lane=Lane.HASH))
    world.step(world.worker(tmp_path), 4)
    assert world.task(job_id).state is TaskState.SUBMITTED
    assert world.renderer.sessions > 1
    assert {tile for _, _, tile in world.renderer.rendered} == {settings.full_frame}
