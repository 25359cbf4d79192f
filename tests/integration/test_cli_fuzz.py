"""Arguments and environments drawn by a seed: no bug of ours shows, and no secret."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.user import User

pytestmark = pytest.mark.long
SEED, RUNS = 20_261, 150
SECRETS = ("hunter2hunter2", "0123456789abcdefSECRETKEY", "0x5ec2e7decafbad")
COMMANDS = (
    ("account", "show"),
    ("account", "bond", "1"),
    ("account", "create", "me"),
    ("account", "deploy"),
    ("account", "faucet"),
    ("client", "submit", "scene.blend", "--reward", "1"),
    ("client", "inspect", "scene.blend1"),
    ("client", "fetch", "1"),
    ("client", "preview", "1"),
    ("client", "list"),
    ("client", "manifest", "ipfs://x"),
    ("verifier", "audit", "1", "0"),
    ("verifier", "replay", "nothing"),
    ("contract", "deploy"),
    ("doctor",),
    ("--help",),
)
TEXTS = (
    *("", " ", "0x", "0X1", "-1", "~nobody/x", "~", "/proc/x", "/dev/full", "a\nb", "ü🎬", "x" * 300),
    *("[", "%", ":", os.fsdecode(b"caf\xe9"), *SECRETS),
)
URLS = (
    f"http://me:{SECRETS[0]}@127.0.0.1:9/rpc",
    f"https://127.0.0.1:9/v3/{SECRETS[1]}",
    f"http://127.0.0.1:9/?key={SECRETS[1]}",
    "ws://127.0.0.1:9",
    "127.0.0.1:9",
    "http://[::1",
    "http://127.0.0.1:99999",
    "/ip4/127.0.0.1/tcp/9/http",
    "socks://127.0.0.1:9",
    "::",
)
VARIABLES = {
    "STARKNET_RPC": URLS,
    "IPFS_API": URLS,
    "HTTP_PROXY": URLS,
    "ALL_PROXY": URLS,
    "JOB_REGISTRY_ADDRESS": ("0x1", "1", *TEXTS),
    "STARKNET_ACCOUNT": ("0x2", "me", "a/b.json", *TEXTS),
    "STARKNET_PRIVATE_KEY": (SECRETS[2], *TEXTS),
    "STARKNET_PRIVATE_KEY_FILE": TEXTS,
    "STARKNET_KEYSTORE": TEXTS,
    "TILEPROOF_ACCOUNTS_FILE": TEXTS,
    "TILEPROOF_HOME": TEXTS,
    "TILEPROOF_CACHE": TEXTS,
    "TILEPROOF_NETWORK": TEXTS,
    "TILEPROOF_THREADS": TEXTS,
    "TILEPROOF_LOG_LEVEL": ("debug", *TEXTS),
    "TILEPROOF_PORT": TEXTS,
    "BLENDER_PATH": TEXTS,
    "HOME": TEXTS,
    "TMPDIR": TEXTS,
    "LC_ALL": ("C", "POSIX", "nonsense"),
    "PYTHONIOENCODING": ("ascii", "latin-1"),
    "COLUMNS": ("1", "0", "-3"),
}
OPTIONS = ("--out", "--json", "--dry-run", "--frames", "--account", "--home", "--network", "-v")


@pytest.mark.parametrize("part", range(5))
def test_no_arguments_and_no_environment_end_in_a_bug_or_show_a_secret(part: int, tmp_path: Path) -> None:
    draw = random.Random(SEED + part)
    user = User(tmp_path)
    (tmp_path / "scene.blend").write_bytes(b"BLENDER-v405" + b"ENDB" + bytes(20))
    for _ in range(RUNS // 5):
        names = draw.sample(sorted(VARIABLES), draw.randint(0, 6))
        env = {name: draw.choice(VARIABLES[name]) for name in names}
        before = ["--" + name for name in draw.sample(["home", "network", "account"], draw.randint(0, 1))]
        arguments = [text for flag in before for text in (flag, draw.choice(TEXTS))]
        arguments += draw.choice(COMMANDS)
        for option in draw.sample(OPTIONS, draw.randint(0, 2)):
            arguments += [option] if draw.random() < 0.6 else [option, draw.choice(TEXTS)]
        done = subprocess.run(
            [sys.executable, "-m", "tileproof.cli", *arguments],
            cwd=tmp_path,
            env={**user.environment(), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        what = f"{arguments} with {env}: status {done.returncode}\n{said[-3000:]}"
        assert done.returncode not in (70, 1, 120) and done.returncode >= 0, what  # noqa: PT018
        given = " ".join(arguments)
        assert not [
            secret for secret in SECRETS if secret in said and secret not in given and _is_kept(secret, env)
        ], what


def _is_kept(secret: str, env: dict[str, str]) -> bool:
    """Returns True for a secret that stands where secrets belong, and not as the name of a folder."""
    secretive = ("STARKNET_RPC", "IPFS_API", "HTTP_PROXY", "ALL_PROXY", "STARKNET_PRIVATE_KEY")
    return all(name in secretive for name, text in env.items() if secret in text)
