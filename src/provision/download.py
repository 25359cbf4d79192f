"""A pinned release from the network: what it must be is known before the first byte is asked for."""

from __future__ import annotations

import hashlib
import platform
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx2

from ..domain.errors import MachineError
from .archive import extract_file
from .table import Download, Tool

# Behind a firewall that swallows packets this is all the time that is lost before building.
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_CHUNK_BYTES = 1 << 18


class Unavailable(Exception):
    """The release cannot be had here and now; its text says why. Building is the other way."""


def for_this_machine(tool: Tool) -> Download | None:
    here = (platform.system(), platform.machine())
    return next((d for d in tool.downloads if (d.system, d.machine) == here), None)


def download(tool: Tool, release: Download, prefix: Path, tell: Callable[[str], None]) -> None:
    """Puts the release's program at its place below ``prefix``.

    Nothing is written there before the whole archive has the pinned digest. Raises Unavailable, and
    MachineError ``provision.digest_mismatch`` when what came is complete and something else.
    """
    prefix.mkdir(parents=True, exist_ok=True)
    archive = prefix / "archive"
    digest = _save(release, archive, tell)
    if digest != release.sha512:
        archive.unlink()
        raise MachineError(
            "provision.digest_mismatch",
            f"{release.url} is not the {tool.name} {tool.version} that this version of Tileproof pins; "
            "nothing was installed",
            remedy="find out what your network serves in its place, or build it: "
            f"`python -m tileproof.provision --build {tool.name}`",
            tool=tool.name,
            url=release.url,
            expected=release.sha512,
            got=digest,
        )
    try:
        extract_file(archive, release.member, prefix / tool.program, max_bytes=release.max_bytes)
    except (LookupError, tarfile.TarError, EOFError) as error:
        raise Unavailable(f"{release.url} cannot be unpacked: {error}") from error
    archive.unlink()


def _save(release: Download, target: Path, tell: Callable[[str], None]) -> str:
    """Streams the archive to a file and returns its SHA-512. Raises Unavailable."""
    digest = hashlib.sha512()
    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    try:
        with (
            httpx2.stream("GET", release.url, follow_redirects=True, timeout=timeout) as answer,
            target.open("wb") as file,
        ):
            answer.raise_for_status()
            promised = int(answer.headers.get("content-length", 0))
            if promised > release.max_bytes:
                raise Unavailable(f"{release.url} has {promised:,} bytes, more than {release.max_bytes:,}")
            got = 0
            for chunk in answer.iter_raw(_CHUNK_BYTES):
                got += len(chunk)
                if got > release.max_bytes:
                    raise Unavailable(f"{release.url} has more than {release.max_bytes:,} bytes")
                digest.update(chunk)
                file.write(chunk)
                tell(f"{got / 1e6:.0f} of {promised / 1e6:.0f} MB" if promised else f"{got / 1e6:.0f} MB")
    except httpx2.HTTPStatusError as error:
        raise Unavailable(f"{release.url} answers {error.response.status_code}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Unavailable(f"{release.url} cannot be fetched: {error or type(error).__name__}") from error
    return digest.hexdigest()
