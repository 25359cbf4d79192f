"""Pixels out of bytes that somebody else made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..domain.manifest import RenderSettings
from ..domain.tiles import Tile

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float16] | NDArray[np.float32]
"""Rows x columns x channels; row 0 is the top of the picture. Floats are scene-linear."""

GUIDES = ("Albedo.R", "Albedo.G", "Albedo.B", "Normal.X", "Normal.Y", "Normal.Z")
"""What the denoiser is guided by, behind the noisy picture's own channels."""
CHANNEL_NAMES = {3: tuple("RGB"), 4: tuple("RGBA"), 9: (*"RGB", *GUIDES), 10: (*"RGBA", *GUIDES)}
"""By their number: the channels' names in the order of ``Pixels``. (An EXR stores them by the alphabet.)"""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """What a file must be: anything else is refused from its header alone."""

    container: str  # "PNG" or "EXR"
    width: int
    height: int
    channels: int  # 3 or 4; of an EXR also 9 or 10: see CHANNEL_NAMES
    depth: int  # bits per channel: 8 or 16 of a PNG; 16 (half) or 32 (float) of an EXR

    @staticmethod
    def of(settings: RenderSettings, tile: Tile) -> ImageFormat:
        """What a picture of this tile, a region or whole frame included, is under these settings."""
        return ImageFormat(settings.container, tile.width, tile.height, settings.channels, settings.depth)

    @staticmethod
    def passes(settings: RenderSettings, tile: Tile) -> ImageFormat:
        """What the picture of this tile is finished from: half floats, the guides where it is denoised."""
        return ImageFormat("EXR", tile.width, tile.height, settings.pass_channels, 16)

    @staticmethod
    def audited(settings: RenderSettings, tile: Tile) -> ImageFormat:
        """What tiles are rendered as and compared by: the passes where there are any, else the picture."""
        return (ImageFormat.passes if settings.has_passes else ImageFormat.of)(settings, tile)


class ImageDecoder(Protocol):
    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        """The file's pixels, decoded in a limited child process; NaNs keep their bits.

        One file has one reading. It holds what ``encode_png`` or ``encode_exr`` write, however it is
        compressed, and nothing beside: no profile, orientation or note by which another program
        shows other pixels than these, no byte that belongs to nothing.

        Raises EvidenceError: ``image.missing``, ``image.undecodable`` (not this container,
        broken, or beyond the child's limits of time), ``image.wrong_format``
        (size, channels or depth differ from ``expected``; both are in its data). MachineError where
        this machine fails, short of memory too, which says nothing about the file.
        """
        ...

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        """Writes our own pixels, without loss or metadata, deterministically."""
        ...

    def encode_exr(self, pixels: Pixels, path: Path) -> None:
        """As ``encode_png``, of half or 32-bit floats in 3, 4, 9 or 10 channels: ``CHANNEL_NAMES``."""
        ...
