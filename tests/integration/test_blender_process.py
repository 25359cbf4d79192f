"""Blender as a process: watched, limited, killed with all it started, and never believed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.adapters.blender.sandbox.none import NoSandbox
from tileproof.domain.errors import EvidenceError, MachineError
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.renderer import Limits, RenderSession

from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

pytestmark = pytest.mark.blender

FEW = replace(SETTINGS, samples_per_pixel=1)
SMALL = Tile(0, 0, 8, 8)


def blenders_of(out: Path) -> list[psutil.Process]:
    """Processes below ours whose command line or folder names ``out``'s session."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and "serve.py" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def failure(
    renderer: BlenderRenderer,
    blend: Path,
    out: Path,
    settings: RenderSettings = FEW,
    limits: Limits = LIMITS,
    meanwhile: Callable[[], None] = lambda: None,
) -> MachineError:
    def work(session: RenderSession) -> None:
        session.render(1, SMALL)
        meanwhile()
        for _ in range(2000):
            session.render(1, settings.full_frame)

    with pytest.raises(MachineError) as caught, renderer.open(blend, settings, out, limits) as session:
        work(session)
    assert not blenders_of(out)
    return caught.value


def test_leaving_a_session_leaves_no_process(renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path) -> None:
    with renderer.open(tiny("plain"), FEW, tmp_path, LIMITS) as session:
        session.render(1, SMALL)
        assert blenders_of(tmp_path)
    assert not blenders_of(tmp_path)


def test_a_session_left_by_an_error_leaves_no_process(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), renderer.open(tiny("plain"), FEW, tmp_path, LIMITS):
        raise KeyboardInterrupt
    assert not blenders_of(tmp_path)


def test_a_killed_blender_is_a_crash_with_its_last_words(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    def murder() -> None:
        for process in blenders_of(tmp_path):
            process.send_signal(signal.SIGKILL)

    error = failure(renderer, tiny("plain"), tmp_path, meanwhile=murder)
    assert error.code == "render.crashed"
    assert "Fra:1" in str(error.data["log"])
    assert error.remedy


def test_memory_above_the_limit_ends_the_session(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    error = failure(renderer, tiny("plain"), tmp_path, limits=replace(LIMITS, memory_bytes=64 << 20))
    assert error.code == "render.out_of_memory"


def test_a_frame_that_takes_too_long_is_ended_in_the_middle(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    endless = replace(SETTINGS, samples_per_pixel=1 << 24)
    began = time.monotonic()
    error = failure(renderer, tiny("plain"), tmp_path, endless, replace(LIMITS, wall_seconds=4))
    assert error.code == "render.timeout"
    assert time.monotonic() - began < 20


def test_a_scene_that_names_files_of_this_machine_is_refused(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    """Two honest machines would render it differently, and one of them would lose its bond."""
    for variant in ("foreign_path", "texture_outside"):
        with pytest.raises(EvidenceError) as caught, renderer.open(tiny(variant), FEW, tmp_path, LIMITS):
            pass
        assert caught.value.code == "scene.unsafe_path"


@pytest.mark.parametrize("variant", ["unbaked_simulation", "instanced_simulation", "simulation_nodes"])
def test_a_scene_that_depends_on_visited_frames_is_refused(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path, variant: str
) -> None:
    with pytest.raises(EvidenceError) as caught, renderer.open(tiny(variant), FEW, tmp_path, LIMITS):
        pass
    assert caught.value.code == "scene.unauditable"


def test_scripts_of_a_scene_do_not_run(blender: BlenderBuild, tiny: Tiny, tmp_path: Path) -> None:
    believing = tmp_path / "believing"
    believing.mkdir()
    script = believing / "open.py"
    script.write_text(
        f"import bpy; bpy.ops.wm.open_mainfile(filepath={str(tiny('scripts'))!r}, use_scripts=True)\n"
        "bpy.context.view_layer.update(); import os; os._exit(0)\n"
    )
    subprocess.run([blender.executable, script], cwd=believing, check=True, capture_output=True, timeout=60)
    assert {"driver-ran", "text-ran"} <= {path.name for path in believing.iterdir()}  # they do elsewhere

    out = tmp_path / "out"
    out.mkdir()
    with BlenderRenderer(blender, NoSandbox()).open(tiny("scripts"), FEW, out, LIMITS) as session:
        rendered = session.render(1, SMALL)
    assert list(out.iterdir()) == [rendered.path]


def test_a_scene_writes_nothing_beside_its_pictures(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    with renderer.open(tiny("compositing"), FEW, tmp_path, LIMITS) as session:
        rendered = session.render(1, SMALL)
    assert list(tmp_path.rglob("*")) == [rendered.path]
    assert not (tiny("compositing").parent / "stray").exists()


def test_without_a_sandbox_the_pictures_are_the_same_and_the_report_says_so(
    blender: BlenderBuild, renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    pictures = []
    for each in (renderer, BlenderRenderer(blender, NoSandbox())):
        out = tmp_path / each.report().sandbox
        out.mkdir()
        with each.open(tiny("plain"), FEW, out, LIMITS) as session:
            pictures.append(session.render(1, FEW.full_frame).path.read_bytes())
    assert pictures[0] == pictures[1]
    assert BlenderRenderer(blender, NoSandbox()).report().sandbox == "none"


def test_a_missing_blender_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        find_blender(tmp_path / "blender", tmp_path)
    assert caught.value.code == "blender.missing"
    assert "BLENDER_PATH" in caught.value.remedy
    with pytest.raises(MachineError) as caught:
        find_blender(None, tmp_path)
    assert caught.value.code == "blender.missing"


def test_what_is_no_blender_is_named(tmp_path: Path) -> None:
    impostor = tmp_path / "blender"
    impostor.write_text("#!/bin/sh\necho I am no Blender >&2\nexit 1\n")
    impostor.chmod(0o755)
    with pytest.raises(MachineError) as caught:
        find_blender(impostor, tmp_path)
    assert caught.value.code == "blender.missing"
    assert "I am no Blender" in caught.value.message


def test_a_driver_that_breaks_the_probe_costs_eevee_and_nothing_else(
    blender: BlenderBuild, tmp_path: Path
) -> None:
    facts = json.dumps({"version": "4.5.15", "hash": "5afe", "mounts": ["/usr"]})
    program = tmp_path / "blender"
    program.write_text(f"#!/bin/sh\necho 'TILEPROOF {facts}'\nkill -SEGV $$\n")
    program.chmod(0o755)
    assert find_blender(program, tmp_path).graphics is None
    assert blender.graphics, "this machine has no software OpenGL: see the packages of the README"


def test_another_version_is_refused_by_name(blender: BlenderBuild, tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        find_blender(blender.executable, tmp_path, "4.2.9")
    assert caught.value.code == "blender.wrong_version"
    assert caught.value.data["found"] == "4.5.15"


def test_a_blender_executable_runs_the_same_scripts(
    blender: BlenderBuild, sandbox: Sandbox, tiny: Tiny, tmp_path: Path
) -> None:
    """BLENDER_PATH may name the program itself; a program of that shape is put before bpy here."""
    program = tmp_path / "program" / "blender"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        "# Takes Blender's own flags, then runs the script after --python with the arguments after --\n"
        "seen=\n"
        'while [ "$1" != -- ]; do\n'
        '  case "$1" in --python) script=$2; shift;; --background|--disable-autoexec) seen="$seen$1";; esac\n'
        "  shift\n"
        "done\n"
        '[ "$seen" = --background--disable-autoexec ] || exit 9\n'
        f'exec {blender.executable} -I "$script" "$@"\n'
    )
    program.chmod(0o755)
    found = find_blender(program, tmp_path)
    assert not found.is_module
    assert found.build == blender.build
    out = tmp_path / "out"
    out.mkdir()
    reaching = replace(found, mounts=(*found.mounts, program.parent))
    with BlenderRenderer(reaching, sandbox).open(tiny("plain"), FEW, out, LIMITS) as session:
        assert session.render(1, SMALL).path.is_file()


def test_the_child_does_not_outlive_us(renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path) -> None:
    """kill -9 of the role that started it must not leave a Blender rendering for nobody."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        session = renderer.open(tiny("plain"), FEW, tmp_path, LIMITS)
        session.__enter__()
        children = psutil.Process().children(recursive=True)
        os.write(writer, " ".join(str(child.pid) for child in children).encode())
        signal.pause()
    os.close(writer)
    pids = [int(pid) for pid in os.read(reader, 4096).split()]
    os.close(reader)
    assert pids
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    def all_gone() -> bool:
        return not any(psutil.pid_exists(pid) and alive(pid) for pid in pids)

    assert eventually(all_gone)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
