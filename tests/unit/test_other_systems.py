"""The client on a system without ``fcntl``, ``resource`` and ``os.pipe2``, such as Windows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def elsewhere(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs ``tileproof`` where these are hidden."""
    return subprocess.run(
        [sys.executable, "-m", "tests.services.elsewhere", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_module_imports_there() -> None:
    done = elsewhere()
    assert (done.returncode, done.stdout.strip()) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("client", "inspect", "scene.blend", "--json"),
        ("client", "submit", "scene.blend", "--reward", "1", "--json"),
        ("worker", "run"),
        ("verifier", "run"),
        ("localnet", "up"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_what_opens_a_scene_names_the_way_to_take(arguments: tuple[str, ...], tmp_path: Path) -> None:
    scene = tmp_path / "scene.blend"
    scene.write_bytes(b"BLENDER")
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps({"here": {"me": {"address": "0x1", "private_key": "0x2"}}}))
    accounts.chmod(0o600)
    (tmp_path / "config.toml").write_text(f'account = "me"\n[accounts]\nfile = "{accounts}"\n')
    placed = [str(scene) if each == "scene.blend" else each for each in arguments]
    done = elsewhere("--home", str(tmp_path), *placed)
    assert done.returncode == 4, done.stderr
    assert "machine.unsupported" in done.stderr
    assert "WSL2" in done.stderr
    assert "container" in done.stderr
