"""Pixels out of bytes that somebody else made: the header first, the rest in a limited child."""

from __future__ import annotations

import resource
import struct
import subprocess
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender import inside as render_inside
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import ImageFormat, Pixels

DECODER = ChildDecoder()


def picture(width: int, height: int, channels: int, depth: int) -> Pixels:
    noise = np.random.default_rng(7).integers(0, 2**depth, (height, width, channels))
    return noise.astype(np.uint8) if depth == 8 else noise.astype(np.uint16)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_what_was_encoded_is_decoded_to_the_last_bit(tmp_path: Path, channels: int, depth: int) -> None:
    pixels = picture(33, 17, channels, depth)
    DECODER.encode_png(pixels, tmp_path / "a.png")
    decoded = DECODER.decode(tmp_path / "a.png", ImageFormat("PNG", 33, 17, channels, depth))
    assert decoded.dtype == pixels.dtype
    assert np.array_equal(decoded, pixels)


def test_encoding_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    pixels = picture(20, 20, 3, 8)
    DECODER.encode_png(pixels, tmp_path / "a.png")
    DECODER.encode_png(pixels, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("filter_kind", [0, 1, 2, 3, 4])
def test_every_png_filter_is_undone(tmp_path: Path, filter_kind: int, depth: int, channels: int) -> None:
    pixels = picture(9, 6, channels, depth)
    data = png_of(pixels, filter_kind)
    (tmp_path / "f.png").write_bytes(data)
    assert np.array_equal(plain_decoding(data), pixels)
    decoded = DECODER.decode(tmp_path / "f.png", ImageFormat("PNG", 9, 6, channels, depth))
    assert np.array_equal(decoded, pixels)


def png_of(pixels: Pixels, kind: int) -> bytes:
    """A PNG written with one filter throughout, straight from the specification."""
    height, width, channels = pixels.shape
    step = channels * pixels.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    size = width * step
    above, raw = bytes(size), bytearray()
    for y in range(height):
        line = rows[y * size : (y + 1) * size]
        raw.append(kind)
        for i in range(size):
            left = line[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            raw.append((line[i] - predicted(kind, left, above[i], corner)) & 255)
        above = line
    colour = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour, 0, 0, 0)
    return joined([(b"IHDR", header), (b"IDAT", zlib.compress(bytes(raw))), (b"IEND", b"")])


def plain_decoding(data: bytes) -> Pixels:
    """What the pixels of an RGB or RGBA PNG are by the specification, slowly and believing its chunks."""
    parts = chunks_of(data)
    width, height, depth, colour = struct.unpack(">IIBB", parts[0][1][:10])
    channels = {2: 3, 6: 4}[colour]
    step = channels * depth // 8
    raw = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    above, rows = bytes(width * step), bytearray()
    for y in range(height):
        kind, *line = raw[y * (width * step + 1) : (y + 1) * (width * step + 1)]
        for i in range(width * step):
            left = line[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            line[i] = (line[i] + predicted(kind, left, above[i], corner)) & 255
        above = bytes(line)
        rows += above
    dtype = np.dtype(np.uint8) if depth == 8 else np.dtype(">u2")
    shape = (height, width, channels)
    pixels = np.frombuffer(rows, dtype).reshape(shape)
    return pixels.astype(np.uint8) if depth == 8 else pixels.astype(np.uint16)


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    """PNG specification, 9.2."""
    estimate = left + up - corner
    nearest = min((left, up, corner), key=lambda value: abs(estimate - value))
    return (0, left, up, (left + up) // 2, nearest)[kind]


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def joined(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def code_of(path: Path, expected: ImageFormat) -> str:
    with pytest.raises(EvidenceError) as caught:
        DECODER.decode(path, expected)
    return caught.value.code


def test_a_missing_picture_and_a_link_are_missing(tmp_path: Path) -> None:
    expected = ImageFormat("PNG", 4, 4, 3, 8)
    assert code_of(tmp_path / "none.png", expected) == "image.missing"
    DECODER.encode_png(picture(4, 4, 3, 8), tmp_path / "real.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    assert code_of(tmp_path / "link.png", expected) == "image.missing"


def test_another_size_depth_or_colour_is_told_from_the_header_alone(tmp_path: Path) -> None:
    DECODER.encode_png(picture(8, 6, 3, 8), tmp_path / "a.png")
    for wrong in (
        ImageFormat("PNG", 6, 8, 3, 8),
        ImageFormat("PNG", 8, 6, 4, 8),
        ImageFormat("PNG", 8, 6, 3, 16),
    ):
        assert code_of(tmp_path / "a.png", wrong) == "image.wrong_format"


def test_a_jpeg_in_a_png_s_clothes_is_undecodable(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture(8, 8, 3, 8)).save(tmp_path / "a.png", format="JPEG")
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8)) == "image.undecodable"


def test_a_header_that_promises_more_than_the_file_holds_ends_in_bounds(tmp_path: Path) -> None:
    DECODER.encode_png(picture(8, 8, 3, 8), tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = (20_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(data))
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 20_000, 20_000, 3, 8)) == "image.undecodable"


def chunked(*extra: tuple[int, bytes, bytes]) -> bytes:
    """A good 8x8 PNG with chunks put in: (before which, name, body)."""
    parts = chunks_of(png_of(picture(8, 8, 3, 8), 0))
    for at, name, body in extra:
        parts.insert(at, (name, body))
    return joined(parts)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("animation", chunked((1, b"acTL", struct.pack(">II", 2, 0)))),
        ("an end with a body", joined([*chunks_of(chunked())[:2], (b"IEND", b"x")])),
        ("a transparent colour", chunked((1, b"tRNS", bytes(6)))),
        ("a palette", chunked((1, b"PLTE", bytes(6)))),
        ("a second header", chunked((1, *chunks_of(png_of(picture(8, 8, 3, 8), 0))[0]))),
        ("pixels in two places", chunked((2, b"tEXt", b"k\0v"), (3, b"IDAT", b""))),
        ("more pixels than asked for", chunked((2, b"IDAT", b"more"))),
        ("bytes after the end", chunked() + b"hidden"),
        ("an unknown critical chunk", chunked((1, b"EVIL", b""))),
        ("no pixels", joined([chunks_of(chunked())[0], (b"IEND", b"")])),
    ],
)
def test_a_png_that_two_readers_could_take_differently_is_undecodable(
    tmp_path: Path, what: str, data: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8)) == "image.undecodable", what


BOMB = b"name\0\0" + zlib.compress(bytes(16 << 20), 9)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"gAMA", struct.pack(">I", 22_000)),
        (b"cICP", bytes([9, 16, 0, 1])),
        (b"iCCP", BOMB),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"),
        (b"pHYs", struct.pack(">IIB", 1, 2, 0)),
        (b"tEXt", b"Comment\0pay me"),
        (b"zTXt", BOMB),
    ],
)
def test_a_picture_that_says_how_to_show_it_otherwise_is_undecodable(
    tmp_path: Path, name: bytes, body: bytes
) -> None:
    """The artist gets the worker's file: equal pixels under another profile, or turned by Exif, would
    be another picture."""
    (tmp_path / "a.png").write_bytes(chunked((1, name, body)))
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8)) == "image.undecodable"


def test_a_file_far_larger_than_its_pixels_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(chunked((1, b"tEXt", b"k\0" + bytes(1 << 20))))
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8)) == "image.undecodable"


def test_pixels_that_unpack_to_more_than_the_picture_are_refused_within_its_size(tmp_path: Path) -> None:
    header = chunks_of(chunked())[0]
    bomb = zlib.compress(bytes(32 << 20), 9)
    (tmp_path / "a.png").write_bytes(joined([header, (b"IDAT", bomb), (b"IEND", b"")]))
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8)) == "image.undecodable"
    DECODER.close()  # only then is known what its processes took
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with closing(ChildDecoder()) as decoder, pytest.raises(EvidenceError):
        decoder.decode(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 16 << 10  # KiB


# EXR


def exr(
    pixels: Pixels, path: Path, compression: str = "ZIP", header: dict[str, object] | None = None
) -> None:
    import OpenEXR

    names = "RGBA"[: pixels.shape[2]]
    kind = getattr(OpenEXR, f"{compression}_COMPRESSION")
    channels = {name: np.ascontiguousarray(pixels[..., at]) for at, name in enumerate(names)}
    whole = {"compression": kind, "type": OpenEXR.scanlineimage, **(header or {})}
    OpenEXR.File(whole, channels).write(str(path))


def floats(width: int, height: int, channels: int) -> Pixels:
    return np.random.default_rng(3).normal(size=(height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("compression", ["NO", "ZIPS", "ZIP"])
def test_float_pictures_are_decoded_to_the_last_bit(tmp_path: Path, compression: str, channels: int) -> None:
    pixels = floats(21, 35, channels)
    pixels[0, 0] = np.inf
    exr(pixels, tmp_path / "a.exr", compression)
    decoded = DECODER.decode(tmp_path / "a.exr", ImageFormat("EXR", 21, 35, channels, 32))
    assert decoded.tobytes() == pixels.tobytes()


def test_an_exr_of_another_size_or_other_channels_is_told_from_its_header(tmp_path: Path) -> None:
    exr(floats(8, 6, 3), tmp_path / "a.exr")
    for wrong in (ImageFormat("EXR", 6, 8, 3, 32), ImageFormat("EXR", 8, 6, 4, 32)):
        assert code_of(tmp_path / "a.exr", wrong) == "image.wrong_format"


@pytest.mark.parametrize("compression", ["PXR24", "B44", "DWAA", "RLE", "PIZ", "HTJ2K256"])
def test_what_is_lossy_or_needs_a_library_is_undecodable(tmp_path: Path, compression: str) -> None:
    exr(floats(8, 6, 3), tmp_path / "a.exr", compression)
    assert code_of(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 32)) == "image.undecodable"


def test_half_floats_and_whole_ones_are_not_taken_for_each_other(tmp_path: Path) -> None:
    exr(floats(8, 6, 3).astype(np.float16), tmp_path / "a.exr")
    assert code_of(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 32)) == "image.wrong_format"
    DECODER.decode(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 16))


def test_a_shifted_window_is_undecodable(tmp_path: Path) -> None:
    window = (np.array([1, 1], np.int32), np.array([8, 6], np.int32))
    exr(floats(8, 6, 3), tmp_path / "a.exr", header={"dataWindow": window, "displayWindow": window})
    assert code_of(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 32)) == "image.undecodable"


@pytest.mark.parametrize(
    "said",
    [
        {"pixelAspectRatio": 2.0},
        {"screenWindowWidth": 2.0},
        {"chromaticities": (0.7, 0.3, 0.1, 0.8, 0.1, 0.0, 0.3, 0.3)},
        {"Software": "another"},
    ],
    ids=str,
)
def test_an_exr_that_says_more_than_its_pixels_is_undecodable(
    tmp_path: Path, said: dict[str, object]
) -> None:
    """Frames are finished from the file: what another reader takes for other colours is a cheat there."""
    exr(floats(8, 6, 3).astype(np.float16), tmp_path / "a.exr", header=said)
    assert code_of(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 16)) == "image.undecodable"


# What Blender writes, and what Blender reads


@pytest.mark.blender
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_blender_and_we_see_the_same_pixels_in_a_file_that_blender_wrote(
    blender: BlenderBuild, tmp_path: Path, depth: int, channels: int
) -> None:
    script, path, dump = tmp_path / "write.py", tmp_path / "a", tmp_path / "dump"
    inside = Path(render_inside.__file__).parent
    script.write_text(
        "import bpy, array, os, random, sys\n"
        f"sys.path.insert(0, {str(inside)!r})\n"
        "import png\n"
        "bpy.ops.wm.read_factory_settings(use_empty=True)\n"
        "image = bpy.data.images.new('i', 19, 7, alpha=True, float_buffer=True, is_data=True)\n"
        "chance = random.Random(5)\n"
        "image.pixels.foreach_set(array.array('f', (chance.random() for _ in range(19 * 7 * 4))))\n"
        "scene = bpy.context.scene\n"
        "scene.view_settings.view_transform = 'Raw'\n"
        "settings = scene.render.image_settings\n"
        f"settings.file_format, settings.color_depth = 'PNG', {str(depth)!r}\n"
        f"settings.color_mode = {'RGBA' if channels == 4 else 'RGB'!r}\n"
        f"image.save_render({str(path)!r}, scene=scene)\n"
        f"png.reduce_to_pixels({str(path)!r})\n"
        f"read = bpy.data.images.load({str(path)!r})\n"
        "read.colorspace_settings.name, read.alpha_mode = 'Non-Color', 'CHANNEL_PACKED'\n"
        "pixels = array.array('f', bytes(4 * 19 * 7 * 4))\n"
        "read.pixels.foreach_get(pixels)\n"
        f"open({str(dump)!r}, 'wb').write(pixels.tobytes())\n"
        "sys.stdout.flush()\nos._exit(0)\n"
    )
    subprocess.run(blender.command(script), capture_output=True, check=True, timeout=120)
    theirs = np.frombuffer(dump.read_bytes(), np.float32).reshape(7, 19, 4)[::-1, :, :channels]
    ours = DECODER.decode(path, ImageFormat("PNG", 19, 7, channels, depth))
    assert len(np.unique(ours)) > 50
    assert np.array_equal(ours, np.rint(theirs * (2**depth - 1)))
