"""A job's manifest and scene, fetched within caps and checked."""

from __future__ import annotations

from pathlib import Path

from ..domain.cid import Cid
from ..domain.errors import EvidenceError
from ..domain.job import Job
from ..domain.manifest import MAX_BYTES, Manifest, decode
from ..intake.fetching import Fetcher, SceneCache
from ..ports.clock import Clock
from ..ports.content import ContentStore
from .settings import WorkerSettings


class JobFiles:
    """Each is fetched once. Every method raises as ``Fetcher``."""

    def __init__(self, store: ContentStore, clock: Clock, settings: WorkerSettings, home: Path) -> None:
        self._store, self._clock, self._settings = store, clock, settings
        self._scenes = SceneCache(home / "scenes", settings.scene_cache_bytes)
        self._manifests: dict[Cid, Manifest] = {}

    def manifest(self, job: Job) -> Manifest:
        """The manifest, with as many tasks as the ledger says.

        Raises EvidenceError as ``domain.manifest.decode``, and ``manifest.task_count``.
        """
        if job.manifest not in self._manifests:
            block = self._fetcher(self._settings.manifest_seconds).block(job.manifest, MAX_BYTES)
            manifest = decode(block)
            if len(manifest.tasks) != job.task_count:
                raise EvidenceError(
                    "manifest.task_count",
                    f"job {job.job_id} has {job.task_count} tasks on the ledger and "
                    f"{len(manifest.tasks)} in its manifest",
                    job=job.job_id,
                )
            self._manifests[job.manifest] = manifest
        return self._manifests[job.manifest]

    def scene(self, manifest: Manifest) -> Path:
        """The scene's directory. Raises EvidenceError as ``SceneCache.get``."""
        return self._scenes.get(manifest, self._fetcher(self._settings.fetch_seconds))

    def _fetcher(self, seconds: float) -> Fetcher:
        until = self._clock.monotonic() + min(seconds, self._settings.fetch_seconds)
        return Fetcher(self._store, self._clock, self._settings.poll_seconds, until)
