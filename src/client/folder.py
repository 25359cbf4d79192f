"""The folder that fetched frames go to, and its own record of what is whole in it.

``fetched.json`` says for every finished frame which file it is and that file's SHA-256, so
that a fetch resumes and people can check. A folder holds the frames of one picture
only: jobs that retry parts of another share its folder, any other job is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..domain.canonical import dump
from ..domain.errors import InputError, MachineError
from ..domain.manifest import Manifest
from ..domain.result import frame_file

RECORD = "fetched.json"
CONTACT_SHEET = "contact-sheet.png"


@dataclass(frozen=True, slots=True)
class FrameRecord:
    frame: int
    sha256: str
    results: tuple[str, ...]  # CIDs it was made of, in the order of its regions


class Folder:
    """Opens or makes ``path`` for this manifest's frames.

    Raises InputError ``fetch.other_job`` when it holds another picture's frames.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self._picture = picture_of(manifest)
        self._frames: dict[int, FrameRecord] = {}
        record = path / RECORD
        if record.exists():
            self._load(record)

    def frame_path(self, frame: int) -> Path:
        return self.path / frame_file(frame)

    def holds(self, frame: int) -> bool:
        """Whether the frame was fetched before and its file is still what it was."""
        record = self._frames.get(frame)
        return record is not None and sha256_of(self.frame_path(frame)) == record.sha256

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(frame for frame in sorted(self._frames) if self.holds(frame))

    def put(self, frame: int, made: Path, results: tuple[str, ...], *, overwrite: bool) -> None:
        """Moves a finished picture to its place; durable and whole, or not there at all.

        Raises InputError ``fetch.would_overwrite`` when a different file has that name and
        ``overwrite`` is not asked for.
        """
        target, digest = self.frame_path(frame), sha256_of(made)
        there = sha256_of(target)
        if there is not None and there != digest and not overwrite:
            raise InputError(
                "fetch.would_overwrite",
                f"{target} exists and differs from the frame that was fetched",
                remedy="move it away, fetch into another folder with --out, or say --overwrite",
                path=target,
            )
        if digest is None:
            raise MachineError("machine.file_lost", f"{made} disappeared", remedy="fetch again")
        self.path.mkdir(parents=True, exist_ok=True)
        _move(made, target)
        self._frames[frame] = FrameRecord(frame, digest, results)
        self._save()

    def _load(self, record: Path) -> None:
        try:
            value = json.loads(record.read_text("utf-8"))
            picture = value["picture"]
            frames = [
                FrameRecord(int(each["frame"]), str(each["sha256"]), tuple(each["results"]))
                for each in value["frames"]
            ]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise InputError(
                "fetch.record_broken",
                f"{record} is not a record that Tileproof wrote",
                remedy="move it away, or fetch into another folder with --out",
                path=record,
            ) from error
        if picture != self._picture:
            raise InputError(
                "fetch.other_job",
                f"{self.path} holds frames of another job",
                remedy="fetch into another folder with --out",
                path=self.path,
            )
        self._frames = {each.frame: each for each in frames}

    def _save(self) -> None:
        value = {
            "picture": self._picture,
            "frames": [
                {
                    "frame": each.frame,
                    "file": frame_file(each.frame),
                    "sha256": each.sha256,
                    "results": list(each.results),
                }
                for _, each in sorted(self._frames.items())
            ],
        }
        new = self.path / (RECORD + ".new")
        try:
            new.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
            os.replace(new, self.path / RECORD)
        finally:
            new.unlink(missing_ok=True)


def _move(made: Path, target: Path) -> None:
    """As ``os.replace``, from whatever disk ``made`` is on."""
    new = target.with_name(f".{target.name}.new")
    try:
        with made.open("rb") as source, new.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)
    made.unlink()


def picture_of(manifest: Manifest) -> str:
    """What makes two jobs parts of the same picture: scene, settings and split."""
    settings = manifest.settings
    value = {
        "scene": str(manifest.scene),
        "blend": manifest.blend,
        "settings": {name: getattr(settings, name) for name in type(settings).__slots__},
        "split": [manifest.split_columns, manifest.split_rows],
    }
    return hashlib.sha256(dump(value)).hexdigest()


def sha256_of(path: Path) -> str | None:
    """The file's digest in hex; None when there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
