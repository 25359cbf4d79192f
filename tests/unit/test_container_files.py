"""What the container files say twice, or say about the product, is true."""

from __future__ import annotations

import re
from pathlib import Path

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
