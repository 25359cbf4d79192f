"""What a job's CID names: canonical JSON that fixes the scene, the settings and the tasks.

One value has one encoding, so one manifest has one CID.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .canonical import Fields, dump, load, malformed
from .cid import Cid, Codec, parse_cid
from .errors import EvidenceError, InputError
from .frames import LAST_FRAME, MAX_FRAMES, format_frames, parse_frames
from .paths import is_safe_path
from .policy import HASH, read_policy
from .policy import MAX_SAMPLE_TILES as MAX_SAMPLE_TILES
from .policy import AuditPolicy as AuditPolicy
from .tiles import Grid, Tile

VERSION = 3
MAX_BYTES = 1 << 20
"""One raw block: what every IPFS node will pass on."""
MAX_FILES = 10_000
MAX_TASKS = 10_000
MAX_TASK_FRAMES = 100_000
"""Frames of all tasks together: few bytes may name many frames."""
MAX_SIDE_PX = 65_536

CYCLES, EEVEE = ENGINES = ("CYCLES", "BLENDER_EEVEE_NEXT")
"""Blender's own words for what draws the pixels."""

_VERSION = r"\d{1,2}\.\d{1,2}\.\d{1,3}"
_WORD = r"[A-Z0-9_]{1,64}"
_DEVICE_CLASS = r"[a-z0-9]+(-[a-z0-9_]+)+"
_SHA256 = r"[0-9a-f]{64}"


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Everything that decides a pixel and is not in the .blend, or overrides it.

    Canonical: dithering is always 0 and is therefore no field.
    """

    blender_version: str  # "4.5.15": the build every role of this job renders with
    device_class: str  # "cpu-x86_64-avx2" (see docs/glossary.md)
    engine: str  # one of ENGINES
    camera: str
    view_layer: str
    width_px: int
    height_px: int
    samples_per_pixel: int
    noise_seed: int
    animated_seed: bool
    adaptive_sampling: bool
    adaptive_threshold: float
    sampling_pattern: str  # Cycles' own word, from the scene
    view_transform: str
    transparent: bool
    container: str  # "PNG"
    channels: int  # 3 or 4
    depth: int  # 8 or 16
    guard_band_px: int
    denoise: bool  # finished by Blender's Denoise node, with Cycles' own defaults
    composite: bool  # finished by the scene's own compositing nodes

    @property
    def full_frame(self) -> Tile:
        return Tile(0, 0, self.width_px, self.height_px)

    @property
    def has_equal_crops(self) -> bool:
        """Whether a part of a frame rendered alone is that part of the whole frame. EEVEE looks at
        what is in view, so its frames are rendered and judged whole (docs/adr/0017)."""
        return self.engine == CYCLES

    @property
    def least_tile_px(self) -> int:
        """The edge of the smallest tile that is rendered alone: of a whole frame without equal crops."""
        return 1 if self.has_equal_crops else max(self.width_px, self.height_px)

    def judged_whole(self, policy: AuditPolicy, regions: int) -> bool:
        """Whether a job of ``regions`` to a frame is judged as its engine can be: whole frames by
        likeness where there are no equal crops."""
        whole = policy.lane == HASH and policy.tile_px >= self.least_tile_px and regions == 1
        return self.has_equal_crops or whole

    @property
    def has_passes(self) -> bool:
        """Whether what is rendered is not yet the picture: a tile of it says nothing about the
        finished frame, so results hold the passes that the picture is finished from."""
        return self.denoise or self.composite

    @property
    def pass_channels(self) -> int:
        """Of the noisy picture, and of what the denoiser is guided by: albedo and normal."""
        return self.channels + (6 if self.denoise else 0)


@dataclass(frozen=True, slots=True)
class SceneFile:
    path: str  # relative, posix, no "..", no leading slash
    size: int  # bytes
    sha256: str  # 64 hex digits


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """The frames and the region that one task covers."""

    frames: tuple[int, ...]
    region: Tile


@dataclass(frozen=True, slots=True)
class Manifest:
    version: int
    name: str  # for people; never a path
    scene: Cid  # a directory
    blend: str  # the .blend's path in it
    files: tuple[SceneFile, ...]
    settings: RenderSettings
    audit: AuditPolicy
    tasks: tuple[TaskSpec, ...]
    split_columns: int
    split_rows: int


def encode(manifest: Manifest) -> bytes:
    """The manifest's one raw block.

    Raises:
        InputError: ``manifest.too_large`` above ``MAX_BYTES``.
        EvidenceError: as ``decode``, so that nothing is ever pinned that others would refuse.
    """
    data = dump(_as_json(manifest))
    if len(data) > MAX_BYTES:
        raise InputError(
            "manifest.too_large",
            f"the job's manifest would take {len(data)} bytes, more than {MAX_BYTES}",
            remedy="submit fewer frames, regions or scene files in one job",
            size=len(data),
        )
    if decode(data) != manifest:
        raise ValueError("the manifest does not survive its own encoding")
    return data


def decode(data: bytes) -> Manifest:
    """The manifest in a block that anyone may have written.

    Accepted only when canonical, of known version, strictly typed, within caps, with safe
    and distinct paths, and when its tasks cover every frame they name exactly once.

    Raises:
        EvidenceError: ``manifest.too_large``, ``manifest.malformed`` (says which field),
            ``manifest.inconsistent``.
    """
    fields = load(data, kind="manifest", max_bytes=MAX_BYTES)
    manifest = Manifest(
        version=fields.integer("version", VERSION, VERSION),
        name=fields.text("name"),
        scene=_cid(fields, "scene"),
        blend=fields.text("blend", most=1024),
        files=tuple(_file(each) for each in fields.objects("files", least=1, most=MAX_FILES)),
        settings=_settings(fields.object("settings")),
        audit=read_policy(fields.object("audit")),
        tasks=_tasks(fields),
        split_columns=fields.integer("split_columns", 1, MAX_SIDE_PX),
        split_rows=fields.integer("split_rows", 1, MAX_SIDE_PX),
    )
    fields.done()
    _check_files(manifest)
    _check_tasks(manifest)
    _check_engine(manifest)
    return manifest


def _as_json(manifest: Manifest) -> dict[str, object]:
    settings = manifest.settings
    return {
        "version": manifest.version,
        "name": manifest.name,
        "scene": str(manifest.scene),
        "blend": manifest.blend,
        "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in manifest.files],
        "settings": {name: getattr(settings, name) for name in RenderSettings.__slots__},
        "audit": {name: getattr(manifest.audit, name) for name in AuditPolicy.__slots__},
        "tasks": [
            {
                "frames": format_frames(t.frames),
                "region": [t.region.x0, t.region.y0, t.region.x1, t.region.y1],
            }
            for t in manifest.tasks
        ],
        "split_columns": manifest.split_columns,
        "split_rows": manifest.split_rows,
    }


def _cid(fields: Fields, name: str) -> Cid:
    try:
        cid = parse_cid(fields.text(name))
    except InputError:
        raise fields.fail(name, "is not a CID") from None
    if cid.codec is not Codec.DAG_PB:
        raise fields.fail(name, "does not name a directory")
    return cid


def _file(fields: Fields) -> SceneFile:
    file = SceneFile(
        path=fields.text("path", most=1024),
        size=fields.integer("size", 0, 1 << 40),
        sha256=fields.text("sha256", like=_SHA256),
    )
    if not is_safe_path(file.path):
        raise fields.fail("path", "leaves the scene's directory or is no plain relative path")
    fields.done()
    return file


def _settings(fields: Fields) -> RenderSettings:
    settings = RenderSettings(
        blender_version=fields.text("blender_version", like=_VERSION),
        device_class=fields.text("device_class", most=64, like=_DEVICE_CLASS),
        engine=fields.choice("engine", *ENGINES),
        camera=fields.text("camera"),
        view_layer=fields.text("view_layer"),
        width_px=fields.integer("width_px", 1, MAX_SIDE_PX),
        height_px=fields.integer("height_px", 1, MAX_SIDE_PX),
        samples_per_pixel=fields.integer("samples_per_pixel", 1, 1 << 24),
        noise_seed=fields.integer("noise_seed", 0, 2**31 - 1),
        animated_seed=fields.flag("animated_seed"),
        adaptive_sampling=fields.flag("adaptive_sampling"),
        adaptive_threshold=fields.number("adaptive_threshold", 0.0, 1.0),
        sampling_pattern=fields.text("sampling_pattern", like=_WORD),
        view_transform=fields.text("view_transform", most=64),
        transparent=fields.flag("transparent"),
        container=fields.choice("container", "PNG"),
        channels=fields.integer("channels", 3, 4),
        depth=fields.integer("depth", 8, 16),
        guard_band_px=fields.integer("guard_band_px", 0, 256),
        denoise=fields.flag("denoise"),
        composite=fields.flag("composite"),
    )
    if settings.depth not in (8, 16):
        raise fields.fail("depth", "is neither 8 nor 16")
    fields.done()
    return settings


def _tasks(fields: Fields) -> tuple[TaskSpec, ...]:
    tasks: list[TaskSpec] = []
    left = MAX_TASK_FRAMES
    for each in fields.objects("tasks", least=1, most=MAX_TASKS):
        task = _task(each, min(MAX_FRAMES, left))
        left -= len(task.frames)
        tasks.append(task)
    return tuple(tasks)


def _task(fields: Fields, most: int) -> TaskSpec:
    text = fields.text("frames", most=100_000)
    try:
        frames = parse_frames(text, at_most=most)
    except InputError:
        raise fields.fail("frames", f"is not a list of at most {most} frames in 0..{LAST_FRAME}") from None
    if format_frames(frames) != text:
        raise fields.fail("frames", "is not written canonically")
    edges = fields.items("region", least=4, most=4)
    if any(isinstance(edge, bool) or not isinstance(edge, int) for edge in edges):
        raise fields.fail("region", "is not four whole numbers")
    x0, y0, x1, y1 = (int(str(edge)) for edge in edges)
    if not (0 <= x0 < x1 <= MAX_SIDE_PX and 0 <= y0 < y1 <= MAX_SIDE_PX):
        raise fields.fail("region", "is not a rectangle of pixels")
    fields.done()
    return TaskSpec(frames, Tile(x0, y0, x1, y1))


def _check_files(manifest: Manifest) -> None:
    """Distinct paths in order, none a folder of another, the .blend among them."""
    paths = [file.path for file in manifest.files]
    if paths != sorted(set(paths)):
        raise malformed("manifest", "files are not in the order of their paths, each once")
    known = set(paths)
    for path in paths:
        parts = path.split("/")
        if any("/".join(parts[:at]) in known for at in range(1, len(parts))):
            raise malformed("manifest", f"{path[:80]!r} lies inside another file")
    if manifest.blend not in known or not manifest.blend.endswith(".blend"):
        raise malformed("manifest", "blend does not name one of the files")


def _check_tasks(manifest: Manifest) -> None:
    """Every frame is covered by the split's regions: each once, and nothing else."""
    full = manifest.settings.full_frame
    columns, rows = manifest.split_columns, manifest.split_rows
    if columns > full.width or rows > full.height or columns * rows > MAX_TASKS:
        raise _inconsistent("the split has more regions than pixels or tasks")
    regions = Grid(full, columns, rows).tiles()
    covered: defaultdict[int, list[Tile]] = defaultdict(list)
    known = set(regions)
    for number, task in enumerate(manifest.tasks):
        if task.region not in known:
            raise _inconsistent(f"task {number}'s region {task.region} is none of the split's")
        for frame in task.frames:
            covered[frame].append(task.region)
    for frame, tiles in covered.items():
        if len(tiles) != len(regions) or len(set(tiles)) != len(regions):
            raise _inconsistent(f"frame {frame} is not covered exactly once")


def _check_engine(manifest: Manifest) -> None:
    settings = manifest.settings
    if not settings.judged_whole(manifest.audit, manifest.split_columns * manifest.split_rows):
        raise _inconsistent(f"{settings.engine} is judged as whole frames in the hash lane only")
    if not settings.has_equal_crops and (settings.has_passes or settings.guard_band_px):
        raise _inconsistent(f"{settings.engine} is rendered as whole frames, each a finished picture")


def _inconsistent(why: str) -> EvidenceError:
    return EvidenceError("manifest.inconsistent", f"the manifest contradicts itself: {why}", why=why)
