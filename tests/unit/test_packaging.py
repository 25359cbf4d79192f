"""Files about the package itself and what it is installed with, which must agree."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
DEV = PROJECT["dependency-groups"]["dev"]
ARTIFACTS = resources.files("tileproof.contract_artifacts")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; .*)? \\$")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def locked(name: str) -> dict[str, set[Version]]:
    """Returns the versions that a lock file pins, by package; several where markers tell systems apart."""
    found: dict[str, set[Version]] = {}
    for line in (ROOT / name).read_text().splitlines():
        pinned = PINNED.match(line)
        if pinned is not None:
            found.setdefault(canonicalize_name(pinned[1]), set()).add(Version(pinned[2]))
    return found


@pytest.mark.parametrize(
    ("name", "wanted"), [("requirements.lock", RUNTIME), ("requirements-dev.lock", [*RUNTIME, *DEV])]
)
def test_a_lock_file_covers_what_pyproject_asks_for(name: str, wanted: list[str]) -> None:
    pinned = locked(name)
    unmet = [
        text
        for text in wanted
        for asked in [Requirement(text)]
        if not (versions := pinned.get(canonicalize_name(asked.name)))
        or not all(asked.specifier.contains(version, prereleases=True) for version in versions)
    ]
    assert unmet == [], "`make lock` refreshes both files"


def test_what_users_get_is_what_developers_test_with() -> None:
    for_users, for_developers = locked("requirements.lock"), locked("requirements-dev.lock")
    assert for_users.items() <= for_developers.items()
    assert "pytest" not in for_users


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_has_nothing_but_versions_and_hashes(name: str) -> None:
    """No index and no address: where packages come from is for pip's own settings to say."""
    lines = (ROOT / name).read_text().splitlines()
    assert [line for line in lines if not PINNED.match(line) and not HASH.fullmatch(line)] == []
    text = "\n".join(lines)
    assert not re.search(r"==\S+(?: ; [^\\\n]*)? \\\n(?!    --hash)", text), "each version has a hash"


def test_the_image_and_a_developer_install_by_hash() -> None:
    assert "--require-hashes --requirement requirements.lock" in (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --requirement requirements-dev.lock" in (ROOT / "Makefile").read_text()
    assert "!requirements.lock" in (ROOT / ".dockerignore").read_text().splitlines()


def test_what_reads_strangers_bytes_is_not_older_than_its_known_repairs() -> None:
    floors = {"aiohttp": "3.14.3", "pillow": "13", "jinja2": "3.1.6"}
    asked = {each.name: each for each in map(Requirement, RUNTIME)}
    for name, least in floors.items():
        assert not asked[name].specifier.contains(Version(f"{least}.dev0"), prereleases=True)
        assert min(locked("requirements.lock")[name]) >= Version(least)


def test_the_abi_is_that_of_the_packed_class() -> None:
    packed = json.loads(gzip.decompress(ARTIFACTS.joinpath("registry.contract_class.json.gz").read_bytes()))
    assert json.loads(ARTIFACTS.joinpath("registry.abi.json").read_text()) == packed["abi"]


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert resources.files("tileproof").joinpath("py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["tileproof"]


def test_pictures_of_the_readme_show_wherever_it_is_read() -> None:
    home = PROJECT["project"]["urls"]["Repository"]
    raw = home.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert pictures
    for address in pictures:
        assert address.startswith(raw)
        assert (ROOT / address.removeprefix(raw)).is_file()
