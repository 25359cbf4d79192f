"""Rectangles in pixels, and their one conversion to Blender's border fractions."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InputError


@dataclass(frozen=True, order=True, slots=True)
class Tile:
    """Pixels x0..x1 by y0..y1 of a full frame, ends exclusive; y counts from the top."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise ValueError(f"not a tile: {self}")

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        return self.width * self.height

    def contains(self, other: Tile) -> bool:
        return self.x0 <= other.x0 and self.y0 <= other.y0 and other.x1 <= self.x1 and other.y1 <= self.y1

    def relative_to(self, outer: Tile) -> Tile:
        """The same pixels counted from ``outer``'s top left corner.

        Raises ValueError when ``outer`` does not contain it.
        """
        if not outer.contains(self):
            raise ValueError(f"{self} is not inside {outer}")
        return Tile(self.x0 - outer.x0, self.y0 - outer.y0, self.x1 - outer.x0, self.y1 - outer.y0)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x0}+{self.y0}"


@dataclass(frozen=True, slots=True)
class Border:
    """A rectangle as Blender's render border: fractions of the frame, y from the bottom."""

    min_x: float
    max_x: float
    min_y: float
    max_y: float

    def __post_init__(self) -> None:
        if not (0 <= self.min_x < self.max_x <= 1 and 0 <= self.min_y < self.max_y <= 1):
            raise ValueError(f"not a border: {self}")


def to_border(tile: Tile, width_px: int, height_px: int) -> Border:
    """The border with which Blender renders exactly the pixels of ``tile``.

    Blender truncates fraction x size at both ends, so each end aims half a pixel past the
    edge it means, and 1 stands for the far edge of the frame (Blender clamps there);
    measured in docs/verification.md. Blender keeps fractions in 32 bits, which this
    survives for every frame up to 65,536 px a side.

    Raises ValueError when the tile leaves the frame.
    """
    if not Tile(0, 0, width_px, height_px).contains(tile):
        raise ValueError(f"{tile} leaves a frame of {width_px}x{height_px}")

    def fraction(edge: int, size: int) -> float:
        return min(1.0, (edge + 0.5) / size)

    return Border(
        min_x=fraction(tile.x0, width_px),
        max_x=fraction(tile.x1, width_px),
        min_y=fraction(height_px - tile.y1, height_px),
        max_y=fraction(height_px - tile.y0, height_px),
    )


@dataclass(frozen=True, slots=True)
class GuardedTile:
    """What to render for a tile, and where the tile lies in it."""

    rendered: Tile  # full-frame pixels: the tile and its guard band, cut at the frame's edge
    crop: Tile  # the tile itself, counted from ``rendered``'s top left corner


def with_guard_band(tile: Tile, guard_band_px: int, full_frame: Tile) -> GuardedTile:
    """``tile`` with ``guard_band_px`` more pixels on each side that the frame has."""
    rendered = Tile(
        max(full_frame.x0, tile.x0 - guard_band_px),
        max(full_frame.y0, tile.y0 - guard_band_px),
        min(full_frame.x1, tile.x1 + guard_band_px),
        min(full_frame.y1, tile.y1 + guard_band_px),
    )
    return GuardedTile(rendered, tile.relative_to(rendered))


@dataclass(frozen=True, slots=True)
class Grid:
    """A region cut into columns x rows of tiles: every pixel in one tile, none in two.

    Tiles differ by at most one pixel a side, so no edge tile is a sliver. They are numbered
    from 0, row by row from the top left.
    """

    region: Tile
    columns: int
    rows: int

    def __post_init__(self) -> None:
        if not (1 <= self.columns <= self.region.width and 1 <= self.rows <= self.region.height):
            raise ValueError(f"{self.region} has no {self.columns}x{self.rows} tiles")

    def __len__(self) -> int:
        return self.columns * self.rows

    def tile(self, number: int) -> Tile:
        if not 0 <= number < len(self):
            raise IndexError(number)
        row, column = divmod(number, self.columns)
        area = self.region
        return Tile(
            area.x0 + column * area.width // self.columns,
            area.y0 + row * area.height // self.rows,
            area.x0 + (column + 1) * area.width // self.columns,
            area.y0 + (row + 1) * area.height // self.rows,
        )

    def tiles(self) -> tuple[Tile, ...]:
        return tuple(self.tile(number) for number in range(len(self)))


def sample_grid(region: Tile, tile_px: int) -> Grid:
    """The tiles that an audit draws from: as few as keep every side at most ``tile_px``."""
    if tile_px < 1:
        raise ValueError(f"a tile has at least one pixel a side, not {tile_px}")
    return Grid(region, -(-region.width // tile_px), -(-region.height // tile_px))


def split(region: Tile, columns: int, rows: int) -> tuple[Tile, ...]:
    """``region`` as columns x rows regions, row by row from the top left.

    Raises:
        InputError: ``split.malformed`` below one column or row; ``split.too_many_regions``
            when there are more of either than pixels.
    """
    if columns < 1 or rows < 1:
        raise InputError(
            "split.malformed",
            f"a split has at least one column and one row, not {columns}x{rows}",
            remedy="write COLUMNSxROWS, such as 4x4",
            columns=columns,
            rows=rows,
        )
    if columns > region.width or rows > region.height:
        raise InputError(
            "split.too_many_regions",
            f"{columns}x{rows} regions are more than {region.width}x{region.height} pixels",
            remedy=f"split into at most {region.width}x{region.height} regions",
            columns=columns,
            rows=rows,
            width_px=region.width,
            height_px=region.height,
        )
    return Grid(region, columns, rows).tiles()
