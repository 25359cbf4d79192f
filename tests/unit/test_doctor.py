"""The folders that ``tileproof doctor`` tries are those that the roles write to."""

from __future__ import annotations

from pathlib import Path

from tileproof.cli.doctor import Finding, folder_findings
from tileproof.config import load


def findings(home: Path, network: Path) -> list[Finding]:
    network.mkdir(parents=True, exist_ok=True)
    (network / "network.toml").write_text('rpc_url = "http://127.0.0.1:9/rpc"\n')
    flags = {"home": home, "network": str(network / "network.toml")}
    return folder_findings(load(flags, environ={"TILEPROOF_CACHE": str(network)}))


def test_a_network_beside_whose_file_can_be_written_needs_no_home(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert findings(blocked / "home", tmp_path / "network") == []


def test_a_network_whose_state_cannot_be_written_is_found(tmp_path: Path) -> None:
    network = tmp_path / "network"
    network.mkdir()
    (network / "state").touch()
    [found] = findings(tmp_path / "home", network)
    assert (found.what, found.state) == ("state folder", "wrong")
    assert "TILEPROOF_HOME" in found.remedy
