"""What `pip install` gets is what the tree has: the wheel is built, installed alone, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

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
