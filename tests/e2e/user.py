"""Somebody at a terminal, for tests that go through the command line's own process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tileproof.config import ENVIRONMENT

from tests.services.blender import CACHE

WITHOUT_LANDLOCK = """
import ctypes, os, struct, sys
# Load the system call's number; 444..446 are Landlock's, the same on every architecture.
program = b"".join(
    struct.pack("HBBI", *step)
    for step in [
        (0x20, 0, 0, 0),
        (0x35, 0, 2, 444),
        (0x25, 1, 0, 446),
        (0x06, 0, 0, 0x00050000 | 38),  # as if the kernel had none (ENOSYS)
        (0x06, 0, 0, 0x7FFF0000),
    ]
)
code = ctypes.create_string_buffer(program, len(program))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
whole = Program(len(program) // 8, ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0, "no new privileges"
assert libc.prctl(22, 2, ctypes.byref(whole), 0, 0) == 0, "seccomp"
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A program that runs the rest of its command line on a kernel without Landlock; with a PATH that
has no bwrap, no sandbox is left."""


def on_a_small_disk(folder: Path, size: str) -> tuple[str, ...]:
    """A command before a command, which then sees a disk of this size at ``folder``; nobody else does.

    Skips the test where mount namespaces are refused.
    """
    folder.mkdir()
    mount = f"mount -t tmpfs -o size={size} none '{folder}' && exec \"$@\""
    under = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh")
    if subprocess.run([*under, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs a mount namespace of its own, for a disk that is full")
    return under


@dataclass
class User:
    """A user with folders of their own, and a cache of their own so that what is left in it is
    seen; the programs in it are everybody's."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    under: tuple[str, ...] = ()
    """A command that runs the rest of its command line: put before every command."""

    def __post_init__(self) -> None:
        self.home.mkdir()
        self.cache.mkdir()
        (self.cache / "tools").symlink_to(CACHE / "tools")

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def command(self, *arguments: str) -> list[str]:
        return [*self.under, sys.executable, "-m", "tileproof.cli", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        theirs = {"TILEPROOF_HOME": str(self.home), "TILEPROOF_CACHE": str(self.cache)}
        return {**ours, **theirs, **self.env, **more}

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**env),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def answer(self, *arguments: str, **env: str) -> Any:
        """The one JSON document of a command that must succeed."""
        done = self.run(*arguments, "--json", **env)
        assert done.returncode == 0, f"tileproof {' '.join(arguments)}:\n{done.stderr[-3000:]}"
        return json.loads(done.stdout)

    def refused(self, arguments: list[str], status: int, code: str, **env: str) -> dict[str, Any]:
        """The error that the command was refused with, as promised; it changed no file."""
        before = self.files()
        done = self.run(*arguments, "--json", **env)
        assert done.stdout == "", "a failure prints no result"
        assert "Traceback" not in done.stderr
        error: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])["error"]
        assert (done.returncode, error["code"]) == (status, code), error
        assert error["message"]
        assert error["remedy"], f"{code} does not say what to do next"
        assert self.files() == before
        return error

    def files(self) -> dict[str, str]:
        """Every file of theirs by content, and every folder; journals left out."""
        found = {path.relative_to(self.folder): path for path in self.folder.rglob("*")}
        return {
            name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for name, path in found.items()
            if "state" not in name.parts
        }
