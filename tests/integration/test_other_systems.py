"""Client commands that open no scene, on a real chain, where Unix's own modules are missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tileproof.domain.cid import Cid
from tileproof.domain.job import Terms
from tileproof.domain.money import Fri

from tests.conformance.ledger_world import BOND, FEE, REWARD
from tests.services.devnet import Deployment

pytestmark = pytest.mark.devnet
NO_IPFS = "/ip4/127.0.0.1/tcp/9"
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(deployment: Deployment, tmp_path: Path) -> Run:
    """Runs ``tileproof`` for the first account: its status, its JSON document, its stderr."""
    signer = deployment.signers[0]
    environ = {
        **os.environ,
        "STARKNET_RPC": deployment.rpc_url,
        "JOB_REGISTRY_ADDRESS": str(deployment.contract),
        "STARKNET_ACCOUNT": str(signer.address),
        "STARKNET_PRIVATE_KEY": hex(signer.private_key),
        "IPFS_API": NO_IPFS,
        "TILEPROOF_HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),  # locks of another kind than this process takes
    }

    def ran(*arguments: object) -> tuple[int, Any, str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.services.elsewhere", *map(str, arguments), "--json"],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    return ran


@pytest.fixture
def job(deployment: Deployment) -> int:
    ledger = deployment.connect(0)
    terms = Terms(
        reward=Fri(REWARD), audit_fee=Fri(FEE), worker_bond=Fri(BOND),
        committee_size=3, audit_rate_bps=10_000, lease_seconds=600, commit_blocks=12, reveal_blocks=15,
        appeal_blocks=5, deadline=ledger.head().timestamp + 50_000,
    )  # fmt: skip
    return ledger.create_job(Cid.of_raw_block(b"no manifest"), 1, terms)[0]


def test_a_job_is_listed_looked_at_and_cancelled_there(run: Run, job: int) -> None:
    for look in (("list",), ("status", job), ("logs", job)):
        status, document, said = run("client", *look)
        assert status == 0, said
        assert document
    status, document, said = run("client", "cancel", job)
    assert status == 0, said
    assert document["sent"] is True
    status, _, said = run("client", "watch", job)
    assert status == 0, said


def test_an_account_is_shown_and_moves_money_there(run: Run) -> None:
    status, _, said = run("account", "bond", "2")
    assert status == 0, said
    status, document, said = run("account", "show")
    assert status == 0, said
    assert int(document["withdrawable_fri"]) >= 2 * 10**18


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("fetch",), "content.unreachable"), (("appeal", "0", "--index", "0"), "")],
    ids=["fetch", "appeal"],
)
def test_a_fetch_and_an_appeal_get_as_far_there_as_elsewhere(
    arguments: tuple[str, ...], code: str, run: Run, job: int
) -> None:
    name, *rest = arguments
    status, _, said = run("client", name, job, *rest)
    error = json.loads(said.splitlines()[-1])["error"]
    assert status in (2, 6, 7), said
    assert code in error["code"]
    assert error["code"] not in ("bug", "machine.unsupported", "usage")
