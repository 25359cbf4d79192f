"""A shell completes networks, accounts and jobs from files, and asks nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.client.submit import KIND

Complete = Callable[[str], set[str]]
PROGRAM = "import sys; from tileproof.cli.__main__ import main; main()"


@pytest.fixture
def complete(tmp_path: Path) -> Complete:
    """Asks, as bash does, what may follow ``tileproof`` and these words."""
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps({"here": {"mine": {}, "mother": {}}, "there": {"other": {}}}))
    for network in ("testnet", "tiny"):
        file = tmp_path / "networks" / f"{network}.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text('[accounts]\nfile = "../accounts.json"\nnetwork = "here"\n')
    for job in (7, 8):
        (tmp_path / f"job-{job}").mkdir()
    with closing(SqliteJournal(tmp_path / "state" / "client" / "0x1" / "journal.sqlite")) as journal:
        journal.put(KIND, "manifest", {"state": "escrowed", "job_id": 71})
        journal.put(KIND, "another", {"state": "pinned"})

    def completed(words: str) -> set[str]:
        line = f"tileproof --home {tmp_path} {words}"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={
                **os.environ,
                "_TILEPROOF_COMPLETE": "complete_bash",
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(line.split(" ")) - 1),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        return set(done.stdout.split())

    return completed


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--network t", {"testnet", "tiny"}),
        ("--network te", {"testnet"}),
        ("--network tiny --account m", {"mine", "mother"}),
        ("client status 7", {"7", "71"}),
        ("client st", {"status"}),
        ("--network nowhere --account m", set()),
    ],
    ids=["networks", "one network", "accounts", "jobs", "commands", "unknown network"],
)
def test_what_may_follow_comes_from_this_machines_files(
    words: str, wanted: set[str], complete: Complete
) -> None:
    assert complete(words) == wanted
