"""Jobs whose frames are finished from passes: what a worker delivers, what an audit finds, what a
requester gets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.audit.report import AuditReport
from tileproof.client.fetch import Fetched, fetch
from tileproof.client.finishing import Finisher
from tileproof.client.status import JobStatus
from tileproof.domain.cid import Cid
from tileproof.domain.errors import MachineError
from tileproof.domain.job import Ground, Job, TaskState, Terms, Verdict
from tileproof.domain.manifest import Manifest, RenderSettings
from tileproof.domain.money import Fri
from tileproof.domain.result import RESULT_FILE, ResultFile, ResultManifest, encode, files_of
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels

from ..fakes.clock import FakeClock
from ..fakes.content import FakeStore
from ..fakes.images import FakeDecoder
from ..fakes.renderer import LIMITS, FakeRenderer
from .client_world import ME, task_in
from .test_verifier_audit import audit
from .verifier_world import BLEND, MACHINE, SMALL, World

DENOISED = replace(SMALL, denoise=True)
CODEC = FakeDecoder()
Meddle = Callable[[dict[str, Path], RenderSettings], None]


def honest(files: dict[str, Path], settings: RenderSettings) -> None:
    pass


def result_files(
    tmp: Path,
    manifest: Manifest,
    number: int = 0,
    *,
    renderer: FakeRenderer | None = None,
    meddle: Meddle = honest,
) -> dict[str, bytes]:
    """What a worker with this renderer would deliver; ``meddle`` changes files before it does."""
    out = tmp / f"worker-{number}"
    out.mkdir()
    scene = tmp / "glass.blend"
    scene.write_bytes(BLEND)
    settings, spec = manifest.settings, manifest.tasks[number]
    listed, contents = [], {}
    with (renderer or FakeRenderer(machine=MACHINE)).open(scene, settings, out, LIMITS) as session:
        for frame in spec.frames:
            names = files_of(settings, spec, frame)
            made = {names[0]: session.render(frame, spec.region).path}
            if len(names) > 1:
                made[names[1]] = session.finish(frame, made[names[0]]).path
            meddle(made, settings)
            for name, path in made.items():
                contents[name] = data = path.read_bytes()
                listed.append(ResultFile(name, len(data), hashlib.sha256(data).hexdigest(), frame, 1.0))
    account = ResultManifest(3, 1, number, 0, "4.5.15 a", settings.device_class, "CPU", "none", tuple(listed))
    return {**contents, RESULT_FILE: encode(account)}


def world_of(tmp: Path, *, settings: RenderSettings = DENOISED, columns: int = 1) -> World:
    world = World(settings=settings, columns=columns)
    world.renderer = FakeRenderer(machine=MACHINE)
    return world


def audited(tmp: Path, world: World, **wanted: object) -> AuditReport:
    world.result = world.theirs.put(result_files(tmp, world.manifest, **wanted))  # type: ignore[arg-type]
    return audit(world, tmp)


def test_honest_work_is_accepted_with_its_finishes(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    report = audited(tmp_path, world)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert [each.frame for each in report.finishes] == sorted({each.sample.frame for each in report.tiles})
    assert report.equal_finishes == len(report.finishes) > 0
    assert world.renderer.sessions == 2  # one for all tiles and finishes, one for previews


def repainted(files: dict[str, Path], settings: RenderSettings) -> None:
    """One level of one pixel of the final picture, far from any tile's passes."""
    picture = files[next(name for name in files if name.endswith(".png"))]
    form = ImageFormat.of(settings, settings.full_frame)
    pixels = CODEC.decode(picture, form).copy()
    pixels[0, 0, 0] ^= 1
    CODEC.encode_png(pixels, picture)


def test_a_picture_that_its_own_passes_do_not_finish_to_is_rejected(tmp_path: Path) -> None:
    report = audited(tmp_path, world_of(tmp_path), meddle=repainted)
    assert (report.judgement.verdict, report.judgement.ground) == (Verdict.REJECT, Ground.TILE)
    assert report.equal_tiles == len(report.tiles)
    assert report.equal_finishes == 0
    assert report.judgement.index == 0
    assert report.confirmation is not None
    assert report.confirmation.agrees


def test_passes_of_fewer_samples_are_rejected_however_well_they_are_finished(tmp_path: Path) -> None:
    cheap = FakeRenderer(
        machine=MACHINE, lie=lambda s: replace(s, samples_per_pixel=s.samples_per_pixel // 2)
    )
    report = audited(tmp_path, world_of(tmp_path), renderer=cheap)
    assert report.judgement.verdict is Verdict.REJECT
    assert report.equal_tiles == 0
    assert report.finishes == (), "what is finished from false passes says nothing more"


def test_passes_that_no_blender_can_finish_do_not_save_who_rendered_them_falsely(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    cheap = FakeRenderer(machine=MACHINE, lie=lambda s: replace(s, samples_per_pixel=1))
    files = result_files(tmp_path, world.manifest, renderer=cheap)

    def crash(frame: int, pixels: Pixels) -> Pixels:
        raise MachineError("render.crashed", "the denoiser is gone")

    world.renderer = FakeRenderer(machine=MACHINE, retouch_finish=crash)
    world.result = world.theirs.put(files)
    assert audit(world, tmp_path).judgement.verdict is Verdict.REJECT


@pytest.mark.parametrize(
    ("change", "ground"),
    [
        (lambda path: path.unlink(), Ground.MISSING),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), Ground.UNDECODABLE),
        (lambda path: path.write_bytes(b"EXR"), Ground.UNDECODABLE),
    ],
)
def test_passes_that_cannot_be_judged_are_named(
    tmp_path: Path, change: Callable[[Path], object], ground: Ground
) -> None:
    world = world_of(tmp_path)
    files = result_files(tmp_path, world.manifest)
    broken = tmp_path / "broken.exr"
    broken.write_bytes(files["0002.exr"])
    change(broken)
    del files["0002.exr"]
    if broken.exists():
        files["0002.exr"] = broken.read_bytes()
    world.result = world.theirs.put(files)
    report = audit(world, tmp_path)
    assert (report.judgement.verdict, report.judgement.ground) == (Verdict.REJECT, ground)
    assert report.judgement.index == 1


def test_a_machine_that_finishes_differently_every_time_accuses_nobody(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    drift = iter(range(1, 100))

    def drifting(frame: int, pixels: Pixels) -> Pixels:
        return pixels + np.uint8(next(drift))

    files = result_files(tmp_path, world.manifest)
    world.renderer = FakeRenderer(machine=MACHINE, retouch_finish=drifting)
    world.result = world.theirs.put(files)
    assert audit(world, tmp_path).judgement.verdict is Verdict.INCONCLUSIVE


def test_a_region_of_a_split_still_is_judged_by_its_passes_alone(tmp_path: Path) -> None:
    world = world_of(tmp_path, columns=2)
    report = audited(tmp_path, world)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert report.finishes == ()
    assert not [name for name in world.theirs.files(world.result) if name.endswith(".png")]


def fetched(tmp: Path, columns: int) -> Fetched:
    """The pictures of a paid job, its frames split over as many tasks."""
    world = world_of(tmp, columns=columns)
    store: FakeStore = world.theirs
    terms = Terms(Fri(1), Fri(1), Fri(1), 1, 10_000, 60, 10, 10, 10, 0)
    tasks = []
    for number in range(columns):
        result: Cid = store.put(result_files(tmp, world.manifest, number))
        tasks.append(replace(task_in(TaskState.PAID, 1, number), result=result))
    job = Job(1, ME, world.manifest_cid, columns, terms, 1, False, False, 0, 0)
    with Finisher(
        world.manifest,
        store=store,
        clock=FakeClock(),
        decoder=CODEC,
        renderer=lambda: FakeRenderer(machine=MACHINE),
        cache=tmp / "cache",
        timeout=1,
        threads=1,
        memory_bytes=1 << 30,
    ) as finisher:
        return fetch(
            JobStatus(job, tuple(tasks)),
            world.manifest,
            tmp / "out",
            store=store,
            decoder=CODEC,
            cache=tmp / "cache",
            timeout=1,
            finisher=finisher,
        )


@pytest.mark.parametrize("columns", [2, 3])
def test_a_split_still_is_finished_once_and_equals_the_picture_of_one_worker(
    tmp_path: Path, columns: int
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "split").mkdir()
    whole, parts = fetched(tmp_path / "whole", 1), fetched(tmp_path / "split", columns)
    assert whole.frames == parts.frames == (1, 2)
    assert whole.is_whole
    assert parts.is_whole
    for frame in whole.frames:
        one, other = (np.asarray(Image.open(each.folder / f"{frame:04d}.png")) for each in (whole, parts))
        assert np.array_equal(one, other)


def test_what_is_finished_of_a_part_alone_would_have_a_seam(tmp_path: Path) -> None:
    """The fake's finishing is of the kind that split stills are joined before."""
    (tmp_path / "a").mkdir()
    scene = tmp_path / "glass.blend"
    scene.write_bytes(BLEND)
    half = Tile(0, 0, SMALL.width_px // 2, SMALL.height_px)
    small = replace(DENOISED, width_px=half.width)
    renderer = FakeRenderer(machine=MACHINE)
    with renderer.open(scene, DENOISED, tmp_path / "a", LIMITS) as session:
        whole = CODEC.decode(
            session.finish(1, session.render(1, DENOISED.full_frame).path).path,
            ImageFormat.of(DENOISED, DENOISED.full_frame),
        )
        part = session.render(1, half).path
    (tmp_path / "b").mkdir()
    with renderer.open(scene, small, tmp_path / "b", LIMITS) as session:
        alone = CODEC.decode(session.finish(1, part).path, ImageFormat.of(small, half))
    assert not np.array_equal(alone, whole[:, : half.width])
