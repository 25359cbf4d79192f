"""Looking into scenes and packing them: what is wrong is named before anything is spent."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
import zstandard
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.pack import BatPacker
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.adapters.blender.scene import BlenderInspector, check_header
from tileproof.domain.errors import InputError

from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny, make_scene

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def inspector(blender: BlenderBuild, sandbox: Sandbox) -> BlenderInspector:
    return BlenderInspector(blender, sandbox)


def refusal(blend: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        check_header(blend)
    return caught.value


def test_a_plain_scene_is_described(inspector: BlenderInspector, tiny: Tiny) -> None:
    facts = inspector.inspect(tiny("plain"))
    assert facts.blender_file_version.startswith("4.5")
    assert (facts.engine, facts.sampling_pattern, facts.view_transform) == (
        "CYCLES",
        "TABULATED_SOBOL",
        "AgX",
    )
    assert facts.cameras == ("Camera", "Side")
    assert facts.active_camera == "Camera"
    assert facts.view_layers == ("ViewLayer",)
    assert (facts.frame_start, facts.frame_end, facts.frame_step) == (1, 10, 1)
    assert (facts.width_px, facts.height_px, facts.resolution_percentage) == (64, 36, 100)
    assert (facts.samples_per_pixel, facts.noise_seed, facts.animated_seed) == (4, 7, False)
    assert not facts.adaptive_sampling
    assert not facts.transparent
    assert not facts.has_volumes
    assert facts.unauditable == facts.missing_files == facts.external_files == ()


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ("compositing", "compositing"),
        ("path_guiding", "path_guiding"),
        ("time_limit", "time_limit"),
        ("unbaked_simulation", "unbaked_simulation"),
        ("instanced_simulation", "unbaked_simulation"),
        ("simulation_nodes", "unbaked_simulation"),
        ("eevee", "eevee"),
        ("scripts", "scripts"),
        ("camera_markers", "camera_markers"),
        ("stereo", "stereo"),
    ],
)
def test_what_cannot_be_audited_is_named(
    inspector: BlenderInspector, tiny: Tiny, variant: str, name: str
) -> None:
    assert inspector.inspect(tiny(variant)).unauditable == (name,)


def test_what_frames_are_finished_with_is_seen(inspector: BlenderInspector, tiny: Tiny) -> None:
    found = {name: inspector.inspect(tiny(name)) for name in ("plain", "denoising", "replayable_nodes")}
    assert {name: (each.denoise, each.composite) for name, each in found.items()} == {
        "plain": (False, False),
        "denoising": (True, False),
        "replayable_nodes": (True, True),
    }
    assert not any(each.unauditable for each in found.values())


def test_volumes_transparency_and_adaptive_sampling_are_seen(inspector: BlenderInspector, tiny: Tiny) -> None:
    assert inspector.inspect(tiny("volume")).has_volumes
    assert inspector.inspect(tiny("transparent")).transparent
    adaptive = inspector.inspect(tiny("adaptive"))
    assert adaptive.adaptive_sampling
    assert adaptive.adaptive_threshold == pytest.approx(0.05)
    assert adaptive.unauditable == ()


def test_a_scene_without_a_camera_has_none(inspector: BlenderInspector, tiny: Tiny) -> None:
    facts = inspector.inspect(tiny("no_camera"))
    assert facts.cameras == ()
    assert facts.active_camera is None


def test_linked_files_and_missing_ones_are_named(inspector: BlenderInspector, tiny: Tiny) -> None:
    assert inspector.inspect(tiny("texture")).external_files == ("//textures/checks.png",)
    assert inspector.inspect(tiny("texture")).missing_files == ()
    assert inspector.inspect(tiny("missing_texture")).missing_files == ("//textures/gone.png",)
    assert inspector.inspect(tiny("library")).external_files == ("//parts/ball.blend",)
    beside = inspector.inspect(tiny("texture_outside"))
    assert beside.external_files == ("//../assets/checks.png",)
    assert beside.missing_files == ()


def test_inspecting_changes_no_file(inspector: BlenderInspector, tiny: Tiny) -> None:
    folder = tiny("compositing").parent
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    inspector.inspect(tiny("compositing"))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.blend").code == "scene.missing"
    assert refusal(tmp_path).code == "scene.missing"


def test_other_files_are_no_scenes(tmp_path: Path) -> None:
    for name, data in (
        ("text", b"hello"),
        ("empty", b""),
        ("zip", b"PK\3\4" + bytes(100)),
        ("zstd of something else", zstandard.compress(b"hello" * 100)),
        ("gzip of something else", gzip.compress(b"hello" * 100)),
    ):
        path = tmp_path / f"{name}.blend"
        path.write_bytes(data)
        assert refusal(path).code == "scene.not_blend", name


def test_compressed_scenes_are_scenes(
    inspector: BlenderInspector, blender: BlenderBuild, tiny: Tiny, tmp_path: Path
) -> None:
    by_blender = tmp_path / "by-blender.blend"
    make_scene(blender, "tiny.py", "--out", str(by_blender), "--compress")
    assert by_blender.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    check_header(by_blender)
    assert inspector.inspect(by_blender).active_camera == "Camera"
    old = tmp_path / "gzip.blend"
    old.write_bytes(gzip.compress(tiny("plain").read_bytes(), 1))
    check_header(old)
    assert inspector.inspect(old).active_camera == "Camera"


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("kind", ["plain", "zstd", "gzip"])
def test_half_a_scene_is_truncated(tiny: Tiny, tmp_path: Path, kind: str, kept: float) -> None:
    data = tiny("plain").read_bytes()
    data = {"plain": data, "zstd": zstandard.compress(data), "gzip": gzip.compress(data, 1)}[kind]
    path = tmp_path / "half.blend"
    path.write_bytes(data[: int(len(data) * kept)])
    assert refusal(path).code == "scene.truncated"


def test_a_scene_damaged_inside_is_unreadable_and_no_traceback(
    inspector: BlenderInspector, tiny: Tiny, tmp_path: Path
) -> None:
    data = bytearray(tiny("plain").read_bytes())
    data[7:12] = b"x" * 5  # the header's pointer size and version
    path = tmp_path / "damaged.blend"
    path.write_bytes(bytes(data))
    with pytest.raises(InputError) as caught:
        inspector.inspect(path)
    assert caught.value.code == "scene.unreadable"


@pytest.mark.parametrize("variant", ["plain", "texture", "texture_outside", "library"])
def test_a_packed_scene_renders_alone_as_the_original_did(
    inspector: BlenderInspector, renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path, variant: str
) -> None:
    blend = tiny(variant)
    before = hashlib.sha256(blend.read_bytes()).digest()
    into = tmp_path / "packed"
    into.mkdir()
    packed = BatPacker(inspector).pack(blend, into)
    assert hashlib.sha256(blend.read_bytes()).digest() == before
    assert packed.root == into
    files = {path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file()}
    assert packed.blend in files
    assert len(files) == (1 if variant == "plain" else 2), files
    assert not any(path.is_symlink() for path in into.rglob("*"))
    out = tmp_path / "out"
    out.mkdir()
    with renderer.open(into / packed.blend, SETTINGS, out, LIMITS) as session:
        alone = session.render(1, SETTINGS.full_frame).path.read_bytes()
    if variant != "texture_outside":  # whose original the renderer refuses: it leaves its folder
        with renderer.open(blend, SETTINGS, tmp_path, LIMITS) as session:
            assert session.render(1, SETTINGS.full_frame).path.read_bytes() == alone


def test_packing_names_missing_files_and_leaves_nothing(
    inspector: BlenderInspector, tiny: Tiny, tmp_path: Path
) -> None:
    for packer in (BatPacker(), BatPacker(inspector)):
        with pytest.raises(InputError) as caught:
            packer.pack(tiny("missing_texture"), tmp_path)
        assert caught.value.code == "scene.files_missing"
        assert "gone.png" in str(caught.value.data["missing"])
        assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_named(
    inspector: BlenderInspector, blender: BlenderBuild, tiny: Tiny, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    make_scene(blender, "tiny.py", "--out", str(folder / "library.blend"), "--variant", "library")
    (folder / "parts" / "ball.blend").unlink()
    into = tmp_path / "packed"
    into.mkdir()
    with pytest.raises(InputError) as caught:
        BatPacker(inspector).pack(folder / "library.blend", into)
    assert caught.value.code == "scene.files_missing"
    assert "ball.blend" in str(caught.value.data["missing"])
