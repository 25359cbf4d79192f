"""A scene without Blender: facts as a test sets them, files as a test writes them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from tileproof.domain.errors import InputError
from tileproof.ports.scene import PackedScene, SceneFacts

_HEADER_BYTES = 12

PLAIN_FACTS = SceneFacts(
    blender_file_version="4.5.15",
    engine="CYCLES",
    cameras=("Camera", "Side"),
    active_camera="Camera",
    view_layers=("ViewLayer",),
    frame_start=1,
    frame_end=10,
    frame_step=1,
    width_px=64,
    height_px=48,
    resolution_percentage=100,
    samples_per_pixel=8,
    noise_seed=0,
    animated_seed=False,
    adaptive_sampling=False,
    adaptive_threshold=0.01,
    sampling_pattern="TABULATED_SOBOL",
    view_transform="AgX",
    transparent=False,
    missing_files=(),
    denoise=False,
    composite=False,
    unauditable=(),
    external_files=(),
    has_volumes=False,
)


@dataclass
class FakeScenes:
    """Inspector and packer in one: any file that starts like a .blend holds ``facts``."""

    facts: SceneFacts = PLAIN_FACTS

    def with_facts(self, **changes: object) -> FakeScenes:
        return FakeScenes(replace(self.facts, **changes))  # type: ignore[arg-type]

    def inspect(self, blend: Path) -> SceneFacts:
        _check_header(blend)
        return self.facts

    def pack(self, blend: Path, into: Path) -> PackedScene:
        _check_header(blend)
        links = [name.removeprefix("//") for name in self.facts.external_files]
        absent = [name for name in links if not (blend.parent / name).is_file()]
        missing = (*self.facts.missing_files, *absent)
        if missing:
            raise InputError("scene.files_missing", f"{blend} uses {', '.join(missing)}", missing=missing)
        for name in (blend.name, *links):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(blend.parent / name, into / name)
        return PackedScene(into, blend.name)


def _check_header(blend: Path) -> None:
    if not blend.is_file():
        raise InputError("scene.missing", f"there is no file {blend}", path=blend)
    data = blend.read_bytes()
    if not data.startswith(b"BLENDER"):
        raise InputError("scene.not_blend", f"{blend} is not a .blend", path=blend)
    if len(data) < _HEADER_BYTES:
        raise InputError("scene.truncated", f"{blend} ends too early", path=blend)
