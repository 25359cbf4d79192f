"""From a scene and a request to the manifest: which pixels, in which tasks, how judged."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from ..audit.plan import LEAST_TILE_PX, choose_sample
from ..domain.canonical import is_plain_text
from ..domain.cid import Cid, Codec
from ..domain.errors import InputError
from ..domain.frames import parse_frames
from ..domain.manifest import CYCLES, MAX_SIDE_PX, VERSION, Manifest, RenderSettings, SceneFile, TaskSpec
from ..domain.paths import is_safe_path
from ..domain.policy import (
    EXACT,
    HASH,
    LEAST_GATED_TILE_PX,
    LEAST_HASHED_TILE_PX,
    AuditPolicy,
    default_policy,
    trouble_of,
)
from ..domain.tiles import split
from ..ports.renderer import RenderReport
from ..ports.scene import PackedScene, SceneFacts
from .request import PictureRequest, Resolution

NOT_YET_PINNED = Cid(Codec.DAG_PB, bytes(32))
"""Stands for the scene's CID in a draft: it is known only once the scene is pinned."""

ADAPTIVE_GUARD_BAND_PX = 4
VOLUME_GUARD_BAND_PX = 16
"""Widths that made crops bit-equal to full frames; measured in docs/verification.md."""

REMEDIES = {
    "compositing": "let the compositing nodes take nothing but Image, Alpha and denoising data from this "
    "scene's render, and no movie, mask or Cryptomatte; or switch off Compositing under Post Processing",
    "sequencer": "switch off Sequencer under Post Processing",
    "path_guiding": "switch off Path Guiding in the render properties",
    "time_limit": "set the Time Limit of the render sampling to 0",
    "unbaked_simulation": "bake every simulation to disk, save, and submit again",
    "eevee": "set the render engine to Cycles; or add `--lane hash`, where likeness decides, never a bond",
    "engine": "set the render engine to Cycles",
}
"""What to do about each name in ``SceneFacts.unauditable``."""


JUDGED_BY_LIKENESS = frozenset({"eevee"})
"""What the hash lane judges all the same."""


def check_scene(facts: SceneFacts, lane: str = EXACT) -> None:
    """Says nothing when the scene can be rendered anywhere and audited in this lane.

    Raises InputError: ``scene.files_missing``, ``scene.unauditable``, each naming all that is
    wrong at once.
    """
    if facts.missing_files:
        named = ", ".join(facts.missing_files[:5]) + (" …" if len(facts.missing_files) > 5 else "")
        raise InputError(
            "scene.files_missing",
            f"the scene uses {len(facts.missing_files)} files that are not there: {named}",
            remedy="put them back, or remake the links with File > External Data > Find Missing Files",
            missing=list(facts.missing_files),
        )
    judged = JUDGED_BY_LIKENESS if lane == HASH else frozenset()
    unauditable = [name for name in facts.unauditable if name not in judged]
    if unauditable:
        ways = [REMEDIES.get(name, f"do without {name}") for name in unauditable]
        raise InputError(
            "scene.unauditable",
            "this scene cannot yet be audited exactly: it uses " + ", ".join(unauditable),
            remedy="; ".join(dict.fromkeys(ways)),
            unauditable=",".join(unauditable),
        )


def render_settings(request: PictureRequest, facts: SceneFacts, report: RenderReport) -> RenderSettings:
    """The canonical settings: what the request says, else the scene, on this Blender build.

    Raises InputError: ``scene.no_camera``, ``scene.unknown_camera``,
    ``scene.unknown_view_layer``, ``resolution.malformed``, ``samples.malformed``, ``depth.unknown``.
    """
    width, height = _size(request.resolution, facts)
    samples = facts.samples_per_pixel if request.samples_per_pixel is None else request.samples_per_pixel
    if not 1 <= samples <= 1 << 24:
        raise InputError(
            "samples.malformed",
            f"{samples} samples per pixel cannot be rendered",
            remedy="ask for 1 to 16777216 samples",
            samples_per_pixel=samples,
        )
    if request.depth not in (8, 16):
        raise InputError("depth.unknown", f"PNG has no {request.depth} bits per channel", remedy="8 or 16")
    is_cycles = facts.engine == CYCLES  # whose switches the scene has, whatever draws it
    return RenderSettings(
        blender_version=report.blender_build.split()[0],
        device_class=report.device_class,
        engine=facts.engine,
        camera=_camera(request.camera, facts),
        view_layer=_view_layer(request.view_layer, facts),
        width_px=width,
        height_px=height,
        samples_per_pixel=samples,
        noise_seed=facts.noise_seed,
        animated_seed=is_cycles and facts.animated_seed,
        adaptive_sampling=is_cycles and facts.adaptive_sampling,
        adaptive_threshold=float(facts.adaptive_threshold),
        sampling_pattern=facts.sampling_pattern,
        view_transform=facts.view_transform,
        transparent=facts.transparent,
        container="PNG",
        channels=4 if facts.transparent else 3,
        depth=request.depth,
        guard_band_px=max(
            ADAPTIVE_GUARD_BAND_PX if facts.adaptive_sampling else 0,
            VOLUME_GUARD_BAND_PX if facts.has_volumes else 0,
        )
        if is_cycles
        else 0,
        denoise=facts.denoise,
        composite=facts.composite,
    )


def draft_manifest(
    request: PictureRequest, facts: SceneFacts, settings: RenderSettings, scene: PackedScene
) -> Manifest:
    """The manifest but for the scene's CID (``NOT_YET_PINNED``).

    Raises InputError: as ``parse_frames`` (within the scene's own range) and ``split``;
    ``policy.malformed``; ``scene.whole_frames_only``; ``scene.unsafe_file``.
    """
    if any(each is not None and each < 1 for each in _counts(request)):
        raise InputError(
            "policy.malformed",
            "frames per task, tile size and sample tiles are at least 1",
            remedy="leave them out to get sensible values",
        )
    text = request.frames or f"{facts.frame_start}-{facts.frame_end}x{facts.frame_step}"
    frames = parse_frames(text, first=facts.frame_start, last=facts.frame_end)
    regions = split(settings.full_frame, request.columns, request.rows)
    policy = audit_policy(request, settings, TaskSpec(frames[: request.frames_per_task], regions[0]))
    _check_whole(settings, len(regions), policy)
    groups = [
        frames[at : at + request.frames_per_task] for at in range(0, len(frames), request.frames_per_task)
    ]
    tasks = tuple(TaskSpec(group, region) for group in groups for region in regions)
    return Manifest(
        version=VERSION,
        name=_plain_name(request.blend),
        scene=NOT_YET_PINNED,
        blend=scene.blend,
        files=list_files(scene.root),
        settings=settings,
        audit=policy,
        tasks=tasks,
        split_columns=request.columns,
        split_rows=request.rows,
    )


def audit_policy(request: PictureRequest, settings: RenderSettings, spec: TaskSpec) -> AuditPolicy:
    """The lane asked for, with its default thresholds where none are named, and the sample that fits
    a task such as ``spec`` where none is.

    Raises InputError ``policy.malformed`` for thresholds out of bounds, or of another lane.
    """
    least_px = LEAST_TILE_PX if request.lane == EXACT else LEAST_GATED_TILE_PX
    tile_px = request.tile_px
    if tile_px is None and request.lane == HASH:  # hashes see whole pictures, not their parts
        tile_px = max(spec.region.width, spec.region.height, LEAST_HASHED_TILE_PX)
    sample = choose_sample(
        settings, spec, tile_px=tile_px, sample_tiles=request.sample_tiles, least_px=least_px
    )
    policy = default_policy(request.lane, sample.tile_px, sample.sample_tiles)
    if request.accept_db is not None:
        policy = replace(policy, accept_db=float(request.accept_db))
    if request.reject_db is not None:
        policy = replace(policy, reject_db=float(request.reject_db))
    if request.hash_bits is not None:
        phash, dhash, whash = request.hash_bits
        policy = replace(policy, phash_bits=phash, dhash_bits=dhash, whash_bits=whash)
    if request.band_bits is not None:
        policy = replace(policy, band_bits=request.band_bits)
    trouble = trouble_of(policy)
    if trouble is not None:
        raise InputError(
            "policy.malformed",
            f"results cannot be judged so: the lane {trouble}",
            remedy="leave the thresholds out to get those of the lane (docs/verification.md)",
            lane=policy.lane,
        )
    return policy


def _check_whole(settings: RenderSettings, regions: int, policy: AuditPolicy) -> None:
    if settings.judged_whole(policy, regions):
        return
    raise InputError(
        "scene.whole_frames_only",
        f"parts of a frame that {settings.engine} renders alone are not those of the whole frame",
        remedy="submit it with `--lane hash`, without a split and without a size of tiles",
        engine=settings.engine,
    )


def _counts(request: PictureRequest) -> tuple[int | None, ...]:
    return request.frames_per_task, request.tile_px, request.sample_tiles


def list_files(root: Path) -> tuple[SceneFile, ...]:
    """Every regular file below ``root``: path, size and SHA-256, in order of the paths.

    Raises InputError ``scene.unsafe_file`` for links and for names that cannot travel.
    """
    files: list[SceneFile] = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.is_symlink() or not path.is_file() or not is_safe_path(relative):
                raise InputError(
                    "scene.unsafe_file",
                    f"{relative!r} cannot travel: it is a link, or its name is unsafe elsewhere",
                    remedy="rename it, or replace the link by the file",
                    path=relative,
                )
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            files.append(SceneFile(relative, path.stat().st_size, digest))
    return tuple(sorted(files, key=lambda file: file.path))


def _size(resolution: Resolution | None, facts: SceneFacts) -> tuple[int, int]:
    wanted = resolution or Resolution(percent=facts.resolution_percentage)
    width, height = wanted.width_px, wanted.height_px
    if wanted.percent:
        # Blender truncates here as well (BKE_render_resolution).
        width = facts.width_px * wanted.percent // 100
        height = facts.height_px * wanted.percent // 100
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise InputError(
            "resolution.malformed",
            f"a frame of {width}x{height} pixels cannot be rendered",
            remedy=f"each side has 1 to {MAX_SIDE_PX} pixels",
            width_px=width,
            height_px=height,
        )
    return width, height


def _camera(wanted: str | None, facts: SceneFacts) -> str:
    if not facts.cameras or (wanted is None and facts.active_camera is None):
        raise InputError(
            "scene.no_camera",
            "the scene has no camera" if not facts.cameras else "the scene has no active camera",
            remedy="add a camera in Blender and save"
            if not facts.cameras
            else "name one with --camera: " + ", ".join(facts.cameras),
        )
    camera = wanted or facts.active_camera or ""
    return _known("camera", camera, facts.cameras)


def _view_layer(wanted: str | None, facts: SceneFacts) -> str:
    return _known("view_layer", wanted or facts.view_layers[0], facts.view_layers)


def _known(what: str, name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise InputError(
            f"scene.unknown_{what}",
            f"the scene has no {what.replace('_', ' ')} {name!r}",
            remedy="choose one of: " + ", ".join(names),
            name=name,
        )
    return name


def _plain_name(blend: Path) -> str:
    name = "".join(letter for letter in blend.stem if is_plain_text(letter))[:200]
    return name or "scene"
