"""Renders honestly, announces a CID, and gives the result to nobody."""

import os
from pathlib import Path

from tileproof.domain.cid import Cid, Codec
from tileproof.ports.content import ContentStore, Progress

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered


class Withholding:
    """Passes everything on but directories, which it never keeps: their CIDs lead nowhere."""

    def __init__(self, inner: ContentStore) -> None:
        self._inner = inner

    def add_directory(self, path: Path, *, progress: Progress | None = None) -> Cid:
        return Cid(Codec.DAG_PB, os.urandom(32))

    def pin(self, cid: Cid, *, timeout: float) -> None:
        pass  # else the worker would find out what it has announced

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def dress_store(store: ContentStore) -> ContentStore:
    return Withholding(store)  # type: ignore[return-value]  # the rest is passed on by name
