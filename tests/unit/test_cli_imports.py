"""Short commands load no more than they need: modules are counted, as a clock lies on a busy machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

HEAVY = (
    "PIL",
    "aiohttp",
    "bpy",
    "httpx2",
    "imagehash",
    "ipfshttpclient",
    "jinja2",
    "marshmallow",
    "numpy",
    "requests",
    "scipy",
    "starknet_py",
    "sympy",
)
NOT_FOR_HELP = (*HEAVY, "asyncio", "rich", "sqlite3", "ssl", "tenacity", "urllib3")
HELP = "from tileproof.cli.__main__ import main; main()"
READS = """
import tileproof.cli.__main__, tileproof.cli.client, tileproof.cli.show_job, tileproof.cli.wiring
import tileproof.config, tileproof.client.status
import tileproof.adapters.starknet.accounts, tileproof.adapters.starknet.ledger
"""


def loaded_by(program: str, arguments: Sequence[str] = ()) -> set[str]:
    """Returns the names of all modules that a fresh process has in the end."""
    told = "import atexit, sys, json; atexit.register(lambda: print(json.dumps(sorted(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{told}\n{program}", *arguments], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("client", "--help")], ids=" ".join)
def test_help_loads_no_library_but_that_of_the_command_line(arguments: Sequence[str]) -> None:
    assert loaded_by(HELP, arguments) & set(NOT_FOR_HELP) == set()


def test_help_of_one_group_does_not_import_the_others() -> None:
    loaded = loaded_by(HELP, ("client", "--help"))
    assert "tileproof.cli.client" in loaded
    assert not {"tileproof.cli.worker", "tileproof.cli.localnet", "tileproof.cli.account"} & loaded


def test_what_lists_jobs_loads_no_library_that_signs_renders_or_talks_to_ipfs() -> None:
    assert loaded_by(READS) & set(HEAVY) == set()
