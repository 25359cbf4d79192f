"""Programs that others built: their digest is known before the first byte is asked for."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from ..domain.errors import InputError, MachineError
from .archive import extract_file
from .table import Download, Tool

if TYPE_CHECKING:
    from hashlib import _Hash

# Behind a firewall that swallows packets this is all the time that is lost before building.
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_GIVEN_MAX_BYTES = 1 << 30
_GZIP_MAGIC = b"\x1f\x8b"
_HEX_DIGITS = {"sha256": 64, "sha512": 128}
_URL = re.compile(r"https?://", re.IGNORECASE)


class Unavailable(Exception):
    """The release cannot be had here and now; its text says why. Building is the other way."""


class _Cut(Unavailable):
    """The connection ended before the archive did; what came is kept."""


@dataclass(frozen=True, slots=True)
class GivenSource:
    """A program that the user names in place of the table's release: a file or an http(s) address."""

    place: str
    digest: str

    @property
    def is_url(self) -> bool:
        return _URL.match(self.place) is not None


def for_this_machine(tool: Tool) -> Download | None:
    here = (platform.system(), platform.machine())
    return next((d for d in tool.downloads if (d.system, d.machine) == here), None)


def parse_digest(text: str) -> str:
    """Returns the digest in small letters. Raises InputError ``provision.bad_digest``."""
    name, _, digits = text.strip().lower().partition(":")
    if len(digits) != _HEX_DIGITS.get(name) or re.fullmatch(r"[0-9a-f]+", digits) is None:
        raise InputError(
            "provision.bad_digest",
            f"{text!r} is no digest",
            remedy="give sha256: and 64 hex digits, or sha512: and 128",
        )
    return f"{name}:{digits}"


def download(tool: Tool, release: Download, prefix: Path, kept: Path, tell: Callable[[str], None]) -> None:
    """Puts the release's program at its place below ``prefix``.

    Nothing is written there before the whole archive has the pinned digest. ``kept`` holds what came
    before the connection ended; the next call asks for the rest. Raises Unavailable, and MachineError
    ``provision.digest_mismatch`` when what came is complete and something else.
    """
    _save(release.url, release.digest, kept, release.max_bytes, tell, tool)
    try:
        extract_file(kept, release.member, prefix / tool.program, max_bytes=release.max_bytes)
    except (LookupError, tarfile.TarError, EOFError) as error:
        raise Unavailable(f"{release.url} cannot be unpacked: {error}") from error
    finally:
        kept.unlink()


def install_given(
    tool: Tool, source: GivenSource, prefix: Path, kept: Path, tell: Callable[[str], None]
) -> None:
    """Puts the program that the user names at its place below ``prefix``.

    The source is the program itself or a .tar.gz that holds it. Raises MachineError
    ``provision.digest_mismatch``, ``provision.unavailable``.
    """
    try:
        if source.is_url:
            _save(source.place, source.digest, kept, _GIVEN_MAX_BYTES, tell, tool)
            archive = kept
        else:
            archive = Path(source.place).expanduser()
            got = _digest_of(archive, source.digest)
            if got != source.digest:
                raise _mismatch(tool, source.place, source.digest, got)
        _unpack(tool, archive, prefix / tool.program)
    except (Unavailable, OSError, LookupError, tarfile.TarError, EOFError) as error:
        raise MachineError(
            "provision.unavailable",
            f"{tool.name} cannot be taken from {source.place}: {error}",
            remedy=f"name another place, or leave it to `tileproof setup {tool.name}`",
            tool=tool.name,
            place=source.place,
        ) from error
    if source.is_url:
        kept.unlink()


def _unpack(tool: Tool, source: Path, target: Path) -> None:
    with source.open("rb") as file:
        is_packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    if is_packed:
        extract_file(source, target.name, target, max_bytes=_GIVEN_MAX_BYTES)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _save(
    url: str, expected: str, kept: Path, max_bytes: int, tell: Callable[[str], None], tool: Tool
) -> None:
    """Streams ``url`` to ``kept`` until it has the expected digest.

    Goes on where an earlier call was cut off, as long as each request brings more. Raises Unavailable;
    MachineError ``provision.digest_mismatch``.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    while True:
        began = kept.stat().st_size if kept.exists() else 0
        try:
            _fetch(url, kept, began, max_bytes, tell)
        except _Cut:
            if kept.stat().st_size > began:
                continue
            raise
        got = _digest_of(kept, expected)
        if got == expected:
            return
        kept.unlink()
        if not began:  # a file put together from two answers may be wrong where one answer is not
            raise _mismatch(tool, url, expected, got)


def _fetch(url: str, kept: Path, began: int, max_bytes: int, tell: Callable[[str], None]) -> None:
    """Adds to ``kept`` what the server has from ``began`` on, or all of it where it serves no ranges."""
    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={began}-"} if began else {})
    got = 0
    try:
        with httpx2.stream("GET", url, headers=headers, follow_redirects=True, timeout=timeout) as answer:
            if answer.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE and began:
                return  # it is complete, or it is something else: the digest tells
            answer.raise_for_status()
            goes_on = answer.headers.get("content-range", "").startswith(f"bytes {began}-")
            got = began if began and answer.status_code == httpx2.codes.PARTIAL_CONTENT and goes_on else 0
            whole = int(answer.headers.get("content-length", 0))
            whole += got if whole else 0
            if whole > max_bytes:
                raise Unavailable(f"{url} has {whole:,} bytes, more than {max_bytes:,}")
            with kept.open("ab" if got else "wb") as file:
                for chunk in answer.iter_raw():
                    got += len(chunk)
                    if got > max_bytes:
                        raise Unavailable(f"{url} has more than {max_bytes:,} bytes")
                    file.write(chunk)
                    tell(f"{got / 1e6:.0f} of {whole / 1e6:.0f} MB" if whole else f"{got / 1e6:.0f} MB")
    except Unavailable:
        kept.unlink(missing_ok=True)
        raise
    except httpx2.HTTPStatusError as error:
        raise Unavailable(f"{url} answers {error.response.status_code}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        why = f"{url} cannot be fetched: {error or type(error).__name__}"
        raise (_Cut(why) if kept.exists() else Unavailable(why)) from error


def _digest_of(path: Path, like: str) -> str:
    """Returns the file's digest of the kind that ``like`` has."""
    kind = like.partition(":")[0]
    with path.open("rb") as file:
        digest: _Hash = hashlib.file_digest(file, kind)
    return f"{kind}:{digest.hexdigest()}"


def _mismatch(tool: Tool, place: str, expected: str, got: str) -> MachineError:
    return MachineError(
        "provision.digest_mismatch",
        f"{place} is not the {tool.name} of digest {expected}; nothing was installed",
        remedy=f"find out what is served in its place, or build it: `tileproof setup --build {tool.name}`",
        tool=tool.name,
        url=place,
        expected=expected,
        got=got,
    )
