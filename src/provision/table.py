"""The programs Tileproof needs beside Python packages: one table of versions, digests and recipes."""

from __future__ import annotations

from dataclasses import dataclass

from .recipes import CargoInstall, GoBuild, PipEnvironment, Recipe


@dataclass(frozen=True, slots=True)
class Download:
    """A published archive (.tar.gz) that holds the program.

    ``system`` and ``machine`` are what ``platform`` calls them. ``digest`` is that of the archive, such
    as ``sha512:6af2...``; ``sha256:`` is understood, too. ``member`` is the program's path in
    the archive, ``max_bytes`` a bound above the archive's size and above the program's.
    """

    system: str
    machine: str
    url: str
    digest: str
    member: str
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Tool:
    """One program of one version. ``program`` is its path below its folder in the cache.

    ``minutes`` is how long a build takes on two cores and ``disk_gib`` the room it needs meanwhile;
    ``version_pattern`` finds the version in what ``program --version`` prints. ``on_path``: whether
    the program alone, wherever it lies, is the tool.
    """

    name: str
    version: str
    program: str
    what_for: str
    minutes: int
    recipe: Recipe
    disk_gib: float
    downloads: tuple[Download, ...] = ()
    version_pattern: str = r"(\d+\.\d+\.\d+)"
    on_path: bool = True

    @property
    def title(self) -> str:
        """Its name and version for people."""
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> str:
        """Its folder below ``<cache>/tools``."""
        return f"{self.name}-{self.version}"


# Devnet has releases on GitHub (github.com/0xSpaceShard/starknet-devnet/releases), but the digests
# of v0.10.1 could not be learned from a second source, and what is not checked is not run. So it is
# built, or taken from where `tileproof setup --from` says. Its dependencies ask for Rust 1.94.
DEVNET = Tool(
    "devnet",
    "0.10.1",
    "bin/starknet-devnet",
    "the local Starknet chain",
    15,
    CargoInstall(crates=(("starknet-devnet", "0.10.1"),), least_rust=(1, 94)),
    disk_gib=4,
)

# The digests are those of the release's own .sha512 files, as several projects pin them.
# Kubo 0.43.1 replaces a dependency by a fork that no registry has.
_KUBO = "https://github.com/ipfs/kubo/releases/download/v0.43.0/kubo_v0.43.0_linux"
KUBO = Tool(
    "kubo",
    "0.43.0",
    "bin/ipfs",
    "the local IPFS nodes",
    4,
    GoBuild("github.com/ipfs/kubo", "v0.43.0", "./cmd/ipfs", "ipfs", least_go=(1, 22)),
    disk_gib=3,
    downloads=(
        Download(
            "Linux",
            "x86_64",
            f"{_KUBO}-amd64.tar.gz",
            "sha512:6af21cd24a307d94326807b3d3827064c74fb7122f83b6940af250e6ae40da25"
            "0e0ec0e1f3551256b78cd204623ed56c32ce735bbe28bdcc787b36943c52458a",
            "kubo/ipfs",
            200 << 20,
        ),
        Download(
            "Linux",
            "aarch64",
            f"{_KUBO}-arm64.tar.gz",
            "sha512:aae6c766ec2436f27bbd2d6ab5f8de7d2ced4dc83abc5b54b17bd58a80c28f1e"
            "a2e38840305e22f08bd01c55cf8263745675da1bbda2ac0bcde268e9e61e3818",
            "kubo/ipfs",
            200 << 20,
        ),
    ),
)

BPY = Tool(
    "bpy",
    "4.5.15",
    "bin/python",
    "Blender, as a Python environment of its own",
    1,
    PipEnvironment("bpy==4.5.15", python=(3, 11)),
    disk_gib=2,
    on_path=False,
)

# The corelib is published in no crate of its own; this one carries that of 2.16.0, byte for byte.
_CORELIB = (("cairo-native", "0.9.0-rc.4", "corelib"),)
CAIRO = Tool(
    "cairo",
    "2.16.0",
    "bin/starknet-compile",
    "the contract's compilers",
    15,
    CargoInstall(
        crates=(("starknet-compile", "2.16.0"), ("starknet-sierra-compile", "2.16.0")),
        least_rust=(1, 89),
        carried=_CORELIB,
    ),
    disk_gib=4,
    on_path=False,
)
CAIRO_TEST = Tool(
    "cairo-test",
    "2.16.0",
    "bin/cairo-test",
    "the runner of the contract's own tests",
    8,
    CargoInstall(crates=(("cairo-test", "2.16.0"),), least_rust=(1, 89), carried=_CORELIB),
    disk_gib=4,
    on_path=False,
)
TOOLS = (DEVNET, KUBO, BPY, CAIRO, CAIRO_TEST)
