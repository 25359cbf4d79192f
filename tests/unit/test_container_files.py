"""What the container files say twice, or say about the product, is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from tileproof.config import ENVIRONMENT
from tileproof.localnet.prepare import REQUESTER, VERIFIERS, WORKERS
from tileproof.provision.table import BPY

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_holds_the_blender_that_every_other_machine_uses() -> None:
    assert re.findall(r"^ARG BLENDER_VERSION=(.+)$", DOCKERFILE, re.MULTILINE) == [BPY.version]


def test_the_base_image_has_one_name() -> None:
    [name] = re.findall(r"^ARG BASE_IMAGE=(.+)$", DOCKERFILE, re.MULTILINE)
    assert f"\nbase={name}\n" in (ROOT / "docker/build-image").read_text()
    assert f"\nname=${{1:-{name}}}\n" in (ROOT / "docker/make-base-image").read_text()


def test_whatever_the_image_copies_is_there_and_goes_to_the_engine() -> None:
    """The files of ``build/image`` are made by ``docker/build-image``."""
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in (source for line in lines for source in line.split()):
        assert source.startswith("build/image/") or (ROOT / source).exists()
        assert any(source == folder or source.startswith(f"{folder}/") for folder in let_in), source


def test_the_image_says_its_own_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.findall(r"^ARG VERSION=(.+)$", DOCKERFILE, re.MULTILINE) == [project["version"]]
    assert f'licenses="{project["license"]}"' in DOCKERFILE


def test_the_bill_of_materials_lists_what_is_installed() -> None:
    folder = Path(pytest.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, ROOT / "docker/sbom.py", "1.2.3", folder],
        capture_output=True,
        text=True,
        check=True,
    )
    bill = json.loads(done.stdout)
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", "1.2.3")
    listed = [each["purl"] for each in bill["components"]]
    assert f"pkg:pypi/pytest@{pytest.__version__}" in listed
    assert listed == sorted(set(listed))


def test_every_service_that_stays_up_has_a_health_check() -> None:
    assert re.search(
        r"^x-role: &role\n(?:  .*\n)*?  healthcheck:\n    test: \[CMD, healthy\]", COMPOSE, re.MULTILINE
    )
    assert re.search(r"^x-kubo: &kubo\n(?:  .*\n)*?  healthcheck:", COMPOSE, re.MULTILINE)
    assert re.search(r"^  devnet:\n(?:    .*\n)*?    healthcheck:", COMPOSE, re.MULTILINE)


@pytest.mark.parametrize(("age", "status"), [(0, 0), (3_600, 1)])
def test_a_role_is_healthy_while_its_heartbeat_is_fresh(tmp_path: Path, age: int, status: int) -> None:
    beat = tmp_path / "heartbeat"
    beat.touch()
    os.utime(beat, (time.time() - age, time.time() - age))
    asked = {**os.environ, "TILEPROOF_HEARTBEAT": str(beat)}
    assert subprocess.run([ROOT / "docker/healthy"], env=asked, check=False).returncode == status


def test_containers_set_only_variables_that_tileproof_reads() -> None:
    for text in (COMPOSE, DOCKERFILE):
        found = set(re.findall(r"\b(?:TILEPROOF|STARKNET|IPFS|BLENDER|JOB)_[A-Z_]+\b", text))
        found.discard("BLENDER_VERSION")  # the build's argument, not the roles'
        assert found
        assert found <= set(ENVIRONMENT)


def test_every_account_with_a_bond_or_a_seat_has_a_container_and_no_other() -> None:
    accounts = re.findall(r"STARKNET_ACCOUNT: (\S+)", COMPOSE)
    [(workers, verifiers)] = re.findall(r'--workers, "(\d)", --verifiers, "(\d)"', COMPOSE)
    expected = [*WORKERS[: int(workers)], *VERIFIERS[: int(verifiers)], REQUESTER]
    assert sorted(accounts) == sorted(expected)


def test_no_service_publishes_a_port_and_no_network_leads_out() -> None:
    assert not re.search(r"^\s*ports:", COMPOSE, re.MULTILINE)
    networks = COMPOSE.split("\nnetworks:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    assert networks
    assert all(line.endswith("{ internal: true }") for line in networks)
