"""Failures that carry what the reader can do next."""

from __future__ import annotations

from pathlib import Path

import pytest
from tileproof.domain.errors import MachineError, disk_full_named


def test_a_full_disk_is_told_apart_from_other_failures(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as full, disk_full_named(tmp_path, "buy a disk"):
        raise OSError(28, "No space left on device")
    assert full.value.code == "machine.disk_full"
    assert full.value.remedy == "buy a disk"
    assert full.value.data["path"] == tmp_path
    with pytest.raises(PermissionError), disk_full_named(tmp_path):
        raise PermissionError(13, "Permission denied")
