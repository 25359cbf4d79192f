"""What `pip install` gets is what the tree has: the wheel is built, installed alone, and used."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.services.blender import CACHE

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
IMPORT_ALL = """
import importlib, json, pathlib, sys
import tileproof
names = json.loads(sys.argv[1])
for name in names:
    importlib.import_module(name)
print(json.dumps([str(pathlib.Path(sys.modules[name].__file__)) for name in names]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the tree, and without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("src", "contracts/artifacts"):
        shutil.copytree(ROOT / name, source / name, ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run("-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, source)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel alone; what it depends on is lent by the present one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    run("-m", "pip", "--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    return folder


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    places = {"tileproof": ROOT / "src", "tileproof/contract_artifacts": ROOT / "contracts" / "artifacts"}
    in_tree = {
        f"{name}/{path.relative_to(place).as_posix()}"
        for name, place in places.items()
        for path in place.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == in_tree


def test_the_installed_package_imports_whole_from_its_own_files(installed: Path) -> None:
    programs = ("inside", "launch", "decode_child", "__main__")
    modules = [
        ".".join(("tileproof", *path.relative_to(ROOT / "src").with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for path in sorted((ROOT / "src").rglob("*.py"))
        if not set(programs) & {path.stem, *path.parts}
    ]
    answer = run_installed(
        installed, "-c", IMPORT_ALL, json.dumps([*modules, "tileproof.contract_artifacts"])
    )
    places = [Path(place) for place in json.loads(answer)]
    assert [place for place in places if not place.is_relative_to(installed)] == []


def test_the_installed_package_has_the_contract_and_the_reports_page(installed: Path) -> None:
    script = (
        "from importlib.resources import files; import json;"
        "facts = json.loads((files('tileproof.contract_artifacts') / 'registry.json').read_text());"
        "print(facts['class_hash'], len((files('tileproof.audit') / 'report.html.jinja').read_text()))"
    )
    class_hash, page_length = run_installed(installed, "-c", script).split()
    ours = json.loads((ROOT / "contracts" / "artifacts" / "registry.json").read_text())
    assert class_hash == ours["class_hash"]
    assert int(page_length) > 0


def test_the_installed_command_answers(installed: Path) -> None:
    told = subprocess.run(
        [installed / "bin" / "tileproof", "--version"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("tileproof ")


def environment() -> dict[str, str]:
    """A path by which packages are found without what makes an editable install work."""
    return {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1"}


def run_installed(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [folder / "bin" / "python", *arguments],
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x = scene.render.resolution_y = 64
scene.render.resolution_percentage = 100
scene.frame_start = scene.frame_end = 1
scene.cycles.samples = 4
scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""


@pytest.fixture(scope="module")
def wheelhouse() -> Path:
    """The dependencies as wheels: the folder that TILEPROOF_WHEELS names, else one that is filled once."""
    lock = ROOT / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = Path(os.environ.get("TILEPROOF_WHEELS") or CACHE / "wheels" / digest)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent))
        run("-m", "pip", "wheel", "-q", "-w", partial, "-r", lock)
        partial.rename(folder)
    return folder


@pytest.mark.blender
@pytest.mark.devnet
@pytest.mark.kubo
def test_a_newcomer_with_the_wheel_alone_gets_from_setup_to_a_submitted_job(
    wheel: Path, wheelhouse: Path, tmp_path: Path
) -> None:
    """Nothing of this environment is lent: only the tools that the cache has already."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=False)
    inside = place / "bin" / "python"
    install = ("-m", "pip", "--python", inside, "install", "-q", "--no-index", "--find-links", wheelhouse)
    run(*install, wheel)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TILEPROOF_CACHE": str(CACHE), "LC_ALL": "C.UTF-8"}

    def tileproof(*arguments: str) -> str:
        done = subprocess.run(
            [place / "bin" / "tileproof", *arguments],
            env=env,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    options = ("--network", "localnet", "--account", "requester", "--reward", "1")
    written = json.loads(tileproof("setup", "--localnet", *options, "--json"))
    assert set(written["programs"]) == {"bpy", "kubo", "devnet"}
    assert Path(written["config"]["path"]) == tmp_path / ".config" / "tileproof" / "config.toml"
    scene = tmp_path / "scene.blend"
    subprocess.run([written["programs"]["bpy"], "-c", SCENE, scene], env=env, check=True, capture_output=True)
    tileproof("localnet", "up", "--detach", "--workers", "0", "--verifiers", "1")
    try:
        submitted = json.loads(tileproof("client", "submit", "scene.blend", "--yes", "--json"))
        assert submitted["job"]["job_id"] == 1
        assert "1" in tileproof("client", "list")
    finally:
        tileproof("localnet", "down")
    assert (tmp_path / ".local" / "state" / "tileproof" / "localnet").is_dir()
