"""How a program is built from what package registries have. Each recipe fills an empty prefix."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .archive import extract_folder
from .bench import Bench, Version

# The full optimisation takes more than half as long again, and nothing that a job waits for is
# faster by it.
_QUICKER_BUILD = {
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_DEBUG": "0",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_LTO": "off",
}


class Recipe(Protocol):
    """One way to build a program."""

    def build(self, bench: Bench) -> None:
        """Fills ``bench.prefix``, which exists and is empty.

        Another try finds ``bench.work`` again; the builds of other tools find ``bench.shared``. The
        prefix is moved afterwards, so nothing in it may name its own place.

        Raises MachineError: ``provision.no_builder``, ``provision.build_failed`` and
        ``provision.disk_full``.
        """
        ...


@dataclass(frozen=True, slots=True)
class CargoInstall:
    """Crates of exact versions with their own lock files, compiled in the target folder of all such tools.

    ``carried`` names folders that are published inside another crate only: (crate, version, folder).
    """

    crates: tuple[tuple[str, str], ...]
    least_rust: Version
    carried: tuple[tuple[str, str, str], ...] = ()

    def build(self, bench: Bench) -> None:
        cargo = bench.need("cargo", self.least_rust, "install Rust from https://rustup.rs")
        # Devnet and the Cairo tools share many crates: one target folder compiles those once.
        variables = {"CARGO_TARGET_DIR": str(bench.shared / "cargo-target"), **_QUICKER_BUILD}
        for crate, version in self.crates:
            bench.run(
                [cargo, "install", crate, "--version", version, "--locked", "--root", str(bench.prefix)],
                variables,
            )
        for crate, version, folder in self.carried:
            bench.run([cargo, "info", f"{crate}@{version}"])
            # Where cargo keeps a crate is said by a variable of its own, else it is the default.
            found = bench.run(
                [
                    "sh",
                    "-c",
                    'ls "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/' + f"{crate}-{version}.crate",
                ]
            )
            extract_folder(Path(found.splitlines()[0]), f"{crate}-{version}/{folder}", bench.prefix / folder)


@dataclass(frozen=True, slots=True)
class GoBuild:
    """A program of a Go module, built with that module's own requirements.

    A module proxy may refuse to list versions, which `go install module@version` asks for: the
    module is downloaded by its exact version and built where it lies.
    """

    module: str
    version: str
    package: str
    output: str
    least_go: Version

    def build(self, bench: Bench) -> None:
        go = bench.need("go", self.least_go, "install Go from https://go.dev/dl")
        told = bench.run([go, "mod", "download", "-json", f"{self.module}@{self.version}"])
        source = json.loads(told)["Dir"]
        target = bench.prefix / "bin" / self.output
        # The module cache is read-only, so its go.mod is not to be touched.
        build = [go, "build", "-C", source, "-mod=readonly", "-trimpath", "-ldflags=-s -w"]
        bench.run([*build, "-o", str(target), self.package])


@dataclass(frozen=True, slots=True)
class PipEnvironment:
    """A virtual environment of its own for a package whose wheels fit one Python only."""

    requirement: str
    python: Version

    def build(self, bench: Bench) -> None:
        name = "python" + ".".join(map(str, self.python))
        same = sys.version_info[:2] == self.python
        python = (
            sys.executable if same else bench.need(name, self.python, f"install {name} and its venv module")
        )
        bench.run([python, "-m", "venv", str(bench.prefix)])
        inside = str(bench.prefix / "bin" / "python")
        pip = [inside, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        bench.run([*pip, "install", "--no-cache-dir", "--progress-bar", "off", self.requirement])
        # What names the place it was made in would not work where it is going; `python -m` does.
        place = str(bench.prefix).encode()
        for script in (bench.prefix / "bin").iterdir():
            if not script.is_symlink() and place in script.read_bytes():
                script.unlink()
