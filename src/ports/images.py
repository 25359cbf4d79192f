"""Pixels out of bytes that somebody else made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..domain.manifest import RenderSettings
from ..domain.tiles import Tile

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
"""Rows x columns x channels; row 0 is the top of the picture."""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """What a file must be: anything else is refused from its header alone.

    ``depth`` is bits per channel: 8 or 16 (PNG), 32 (EXR float).
    """

    container: str  # "PNG" or "EXR"
    width: int
    height: int
    channels: int  # 3 or 4
    depth: int

    @staticmethod
    def of(settings: RenderSettings, tile: Tile) -> ImageFormat:
        """What a picture of this tile, a region or whole frame included, is under these settings."""
        return ImageFormat(settings.container, tile.width, tile.height, settings.channels, settings.depth)


class ImageDecoder(Protocol):
    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        """The file's pixels, decoded in a limited child process.

        Raises EvidenceError: ``image.missing``, ``image.undecodable`` (not this container,
        broken, or beyond the child's limits of time and memory), ``image.wrong_format``
        (size, channels or depth differ from ``expected``; both are in its data).
        """
        ...

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        """Writes our own pixels, without loss or metadata, deterministically."""
        ...
