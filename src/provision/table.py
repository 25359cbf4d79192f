"""The programs Tileproof needs beside Python packages: one table of versions and recipes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """One program of one version. ``program`` is its path below its folder in the cache.

    ``minutes`` is how long a build takes on two cores; ``version_pattern`` finds the version
    in what ``program --version`` prints.
    """

    name: str
    version: str
    program: str
    what_for: str
    minutes: int
    version_pattern: str = r"(\d+\.\d+\.\d+)"

    @property
    def folder(self) -> str:
        """Its folder below ``<cache>/tools``."""
        return f"{self.name}-{self.version}"


DEVNET = Tool("devnet", "0.10.1", "bin/starknet-devnet", "the local Starknet chain", 15)
KUBO = Tool("kubo", "0.43.0", "bin/ipfs", "the local IPFS nodes", 4)
BPY = Tool("bpy", "4.5.15", "bin/python", "Blender, as a Python environment of its own", 1)
CAIRO = Tool("cairo", "2.16.0", "bin/starknet-compile", "the contract's compiler and tests", 20)
TOOLS = (DEVNET, KUBO, BPY, CAIRO)
