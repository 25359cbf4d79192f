"""Kubo nodes of one's own: loopback only, on a private swarm, with nobody else to talk to."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from ..domain.errors import ServiceError
from .child import Child

READY_SECONDS = 60.0
INIT_SECONDS = 60.0

_CONFIG: dict[str, object] = {
    "Addresses.API": "/ip4/127.0.0.1/tcp/0",
    "Addresses.Gateway": [],
    "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"],
    "AutoConf.Enabled": False,
    "AutoTLS.Enabled": False,
    "Bootstrap": [],
    "DNS.Resolvers": {},
    "Ipns.DelegatedPublishers": [],
    "Routing.DelegatedRouters": [],
    "Routing.Type": "none",
    "Discovery.MDNS.Enabled": False,
    "Swarm.DisableNatPortMap": True,
    "Swarm.RelayClient.Enabled": False,
    "Swarm.RelayService.Enabled": False,
    # A private swarm speaks over TCP only.
    "Swarm.Transports.Network": {
        "QUIC": False,
        "Relay": False,
        "WebRTCDirect": False,
        "WebTransport": False,
        "Websocket": False,
    },
}


@dataclass(frozen=True, slots=True)
class KuboNode:
    """A running node. ``api`` is the multiaddr of its admin API."""

    api: str
    url: str
    child: Child

    def connect(self, other: KuboNode) -> None:
        """Makes this node a peer of ``other``. Raises ServiceError ``content.refused``."""
        identity = httpx2.post(f"{other.url}/id", timeout=10, trust_env=False).json()
        address = next(a for a in identity["Addresses"] if a.startswith("/ip4/127.0.0.1/tcp/"))
        answer = httpx2.post(
            f"{self.url}/swarm/connect", params={"arg": address}, timeout=30, trust_env=False
        )
        if answer.status_code != 200:
            raise ServiceError("content.refused", f"the nodes cannot reach each other: {answer.text[:300]}")


def make_swarm_key(path: Path) -> Path:
    """A new private swarm's key; nodes with the same key talk to each other and to nobody else."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}\n")
        path.chmod(0o600)
    return path


@contextmanager
def running_kubo(program: Path, *, repo: Path, log: Path, swarm_key: Path) -> Iterator[KuboNode]:
    """A node that is stopped, whatever happens, when the context ends; its repo stays."""
    env = private_repo(program, repo, swarm_key)
    (repo / "api").unlink(missing_ok=True)
    child = Child("kubo", [program, "daemon", "--migrate=false"], log=log, env=env)
    try:
        child.wait_until(lambda: _ready(repo), seconds=READY_SECONDS, what="no answer from its API")
        api = _api(repo)
        yield KuboNode(f"{api}/http", _url(api), child)
    finally:
        child.stop(5.0)


def private_repo(
    program: Path, repo: Path, swarm_key: Path, changes: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Makes, or brings up to date, a repo whose node talks only to holders of this key; returns what
    its daemon needs in the environment. ``changes`` overrule our configuration, by dotted key.

    Raises ServiceError ``localnet.not_ready``.
    """
    env = {"IPFS_PATH": str(repo), "IPFS_TELEMETRY": "off", "LIBP2P_FORCE_PNET": "1"}
    if not (repo / "config").exists():
        _run(program, env, "init", "--empty-repo")
    (repo / "swarm.key").write_bytes(swarm_key.read_bytes())
    _configure(repo / "config", {**_CONFIG, **(changes or {})})
    return env


def _configure(path: Path, settings: Mapping[str, object]) -> None:
    config = json.loads(path.read_text())
    for dotted, value in settings.items():
        *tables, key = dotted.split(".")
        at = config
        for table in tables:
            at = at.setdefault(table, {})
        at[key] = value
    path.write_text(json.dumps(config, indent=2))


def _api(repo: Path) -> str:
    return (repo / "api").read_text().strip()


def _url(api: str) -> str:
    _, _, host, _, port = api.split("/")[:5]
    return f"http://{host}:{port}/api/v0"


def _ready(repo: Path) -> bool:
    try:
        return httpx2.post(f"{_url(_api(repo))}/version", timeout=2, trust_env=False).status_code == 200
    except (OSError, ValueError, httpx2.HTTPError):
        return False


def _run(program: Path, env: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [str(program), *arguments],
        env={**os.environ, **env},
        capture_output=True,
        timeout=INIT_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise ServiceError(
            "localnet.not_ready",
            f"kubo {arguments[0]} failed: {done.stderr.decode(errors='replace')[-500:]}",
            remedy="remove its repo with `tileproof localnet reset`",
        )
