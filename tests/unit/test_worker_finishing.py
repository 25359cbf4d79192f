"""A worker's own part in jobs whose frames are finished from passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tileproof.domain.job import TaskState
from tileproof.domain.manifest import TaskSpec
from tileproof.domain.result import RESULT_FILE, decode
from tileproof.domain.tiles import split
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.ledger import TaskClaimed

from .worker_world import SETTINGS, SMALL, World, manifest_of

DENOISED = replace(SMALL, denoise=True)


def delivered(world: World, number: int = 0) -> dict[str, bytes]:
    result = world.task(task=number).result
    assert result is not None
    return dict(world.store.files(result))


def test_passes_and_picture_of_every_frame_are_delivered_and_listed(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, settings=DENOISED))
    world.step(world.worker(tmp_path), 4)
    files = delivered(world)
    assert set(files) == {"0001.exr", "0001.png", "0002.exr", "0002.png", RESULT_FILE}
    listed = [each.name for each in decode(files[RESULT_FILE]).files]
    assert listed == ["0001.exr", "0001.png", "0002.exr", "0002.png"]


def test_the_picture_is_finished_from_the_bytes_that_are_delivered(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, settings=DENOISED))
    world.step(world.worker(tmp_path), 4)
    for name, data in delivered(world).items():
        (tmp_path / name).write_bytes(data)
    full = DENOISED.full_frame
    stored = world.decoder.decode(tmp_path / "0002.exr", ImageFormat.passes(DENOISED, full))
    picture = world.decoder.decode(tmp_path / "0002.png", ImageFormat.of(DENOISED, full))
    from ..fakes.renderer import finished

    assert np.array_equal(finished(DENOISED, stored), picture)


def test_a_region_delivers_passes_alone(tmp_path: Path) -> None:
    world = World()
    tasks = [TaskSpec((1,), region) for region in split(DENOISED.full_frame, 2, 1)]
    world.job(manifest_of(world.scene, tasks, settings=DENOISED, split_columns=2))
    world.step(world.worker(tmp_path), 4)
    assert {task.state for task in world.ledger.tasks(1)} == {TaskState.SUBMITTED}
    assert set(delivered(world)) == set(delivered(world, 1)) == {"0001.exr", RESULT_FILE}


def test_a_machine_that_finishes_differently_each_time_submits_nothing(tmp_path: Path) -> None:
    world = World()
    drift = iter(range(1, 100))

    def drifting(frame: int, pixels: Pixels) -> Pixels:
        return pixels + np.uint8(next(drift))

    world.renderer.retouch_finish = drifting
    world.job(manifest_of(world.scene, settings=DENOISED))
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, check_tiles=2)), 6)
    assert world.sent(TaskClaimed)
    assert world.task().state is TaskState.OPEN
