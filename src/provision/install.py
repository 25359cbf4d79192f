"""A tool is found, else downloaded, else built, and then moved into the cache in one step."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from ..domain.errors import MachineError, unsupported
from .bench import Bench, disk_full
from .download import GivenSource, Unavailable, download, for_this_machine, install_given
from .locate import find, in_cache
from .progress import Progress
from .table import Tool


class How(StrEnum):
    FOUND = "found"
    DOWNLOADED = "downloaded"
    COPIED = "copied"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Provided:
    """Where the program is, and how it came there."""

    tool: Tool
    program: Path
    how: How


def provide(
    tool: Tool,
    cache: Path,
    progress: Progress,
    *,
    may_download: bool = True,
    given: GivenSource | None = None,
) -> Provided:
    """Returns the tool, ready to run; what is already there is not looked at twice.

    ``given`` replaces what the cache has.

    A run that is killed leaves no half tool: the cache's folder appears by one rename. Two runs
    at once do the work once. Raises MachineError: ``provision.digest_mismatch``,
    ``provision.no_builder``, ``provision.build_failed``, ``provision.disk_full``,
    ``provision.cache_unusable``; with ``given`` as ``install_given``.
    """
    found = find(tool, cache) if given is None else None
    if found is not None:
        return Provided(tool, found, How.FOUND)
    try:
        with _only_run(tool, cache, progress) as lock:
            found = find(tool, cache) if given is None else None
            if found is not None:
                return Provided(tool, found, How.FOUND)
            how = _install(tool, cache, progress, lock, may_download, given)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(tool.name, cache) from error
        raise MachineError(
            "provision.cache_unusable",
            f"the cache {cache} cannot be used: {error}",
            remedy="name a folder that you may write to in TILEPROOF_CACHE",
            tool=tool.name,
            path=cache,
        ) from error
    return Provided(tool, in_cache(tool, cache), how)


def log_of(tool: Tool, cache: Path) -> Path:
    """What the last build printed."""
    return cache / "build" / f"{tool.folder}.log"


def clear_shared(cache: Path) -> None:
    """Deletes what the builds of several tools share. The next build compiles it again."""
    shutil.rmtree(_shared(cache), ignore_errors=True)


def _shared(cache: Path) -> Path:
    return cache / "build" / "shared"


def _kept(tool: Tool, cache: Path, digest: str) -> Path:
    """Where the part of a download lies that came before the connection ended."""
    return cache / "downloads" / f"{tool.folder}-{digest.partition(':')[2][:16]}.part"


def _install(
    tool: Tool, cache: Path, progress: Progress, lock: int, may_download: bool, given: GivenSource | None
) -> How:
    prefix = cache / "tools" / f".{tool.folder}.partial"
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir()
    try:
        if given is not None:
            how = How.DOWNLOADED if given.is_url else How.COPIED
            with progress.step(tool.title, f"taking {given.place}") as tell:
                install_given(tool, given, prefix, _kept(tool, cache, given.digest), tell)
        else:
            how = _fill(tool, cache, prefix, progress, lock, may_download=may_download)
        target = cache / "tools" / tool.folder
        # Without its program it is not the tool, whatever else it is.
        shutil.rmtree(target, ignore_errors=True)
        prefix.rename(target)
    finally:
        shutil.rmtree(prefix, ignore_errors=True)
    return how


def _fill(tool: Tool, cache: Path, prefix: Path, progress: Progress, lock: int, *, may_download: bool) -> How:
    release = for_this_machine(tool) if may_download else None
    why = "no release is pinned for this machine" if may_download else "as asked"
    if release is not None:
        try:
            with progress.step(tool.title, f"downloading {release.url}") as tell:
                download(tool, release, prefix, _kept(tool, cache, release.digest), tell)
            return How.DOWNLOADED
        except Unavailable as error:
            why = str(error)
            shutil.rmtree(prefix)
            prefix.mkdir()
    _build(tool, cache, prefix, progress, lock, why)
    return How.BUILT


def _build(tool: Tool, cache: Path, prefix: Path, progress: Progress, lock: int, why: str) -> None:
    work = cache / "build" / tool.folder
    work.mkdir(parents=True, exist_ok=True)
    log = log_of(tool, cache)
    log.unlink(missing_ok=True)
    if shutil.disk_usage(cache).free < tool.disk_gib * 2**30:
        raise disk_full(f"{tool.name}, which takes {tool.disk_gib:g} GiB to build", cache)
    what = f"building {tool.what_for}, about {tool.minutes} min on two cores ({why})"
    with progress.step(tool.title, what) as tell:
        tool.recipe.build(Bench(tool.name, prefix, work, _shared(cache), log, lock, tell))
    if not (prefix / tool.program).is_file():
        raise MachineError(
            "provision.build_failed",
            f"building {tool.name} made no {tool.program}",
            remedy=f"its output is in {log}",
            tool=tool.name,
            log=log,
        )
    shutil.rmtree(work)


@contextlib.contextmanager
def _only_run(tool: Tool, cache: Path, progress: Progress) -> Iterator[int]:
    """Holds the tool's lock, which the kernel drops with the last process that has it open.

    A build's processes inherit it, so that those that outlive a killed run hold off the next one. A
    library's lock would be taken from them: it is given up by name, not by closing.
    """
    fcntl = _locks_of_unix()
    (cache / "tools").mkdir(parents=True, exist_ok=True)
    with (cache / "tools" / f".{tool.folder}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step(tool.title, "waiting for another run that makes it"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _locks_of_unix() -> ModuleType:
    """Raises MachineError ``machine.unsupported`` where processes cannot inherit a lock."""
    try:
        import fcntl
    except ImportError:
        raise unsupported("fetching and building tools") from None
    return fcntl
