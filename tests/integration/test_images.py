"""Pixels out of bytes that somebody else made: the header first, the rest in a limited child."""

from __future__ import annotations

import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
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


def test_text_and_colour_profiles_are_passed_over_unread(tmp_path: Path) -> None:
    """A profile that unpacks to a thousand times its size is not unpacked."""
    bomb = b"name\0\0" + zlib.compress(bytes(16 << 20), 9)
    data = chunked((1, b"iCCP", bomb), (1, b"zTXt", bomb), (1, b"gAMA", struct.pack(">I", 1)))
    (tmp_path / "a.png").write_bytes(data)
    decoded = DECODER.decode(tmp_path / "a.png", ImageFormat("PNG", 8, 8, 3, 8))
    assert np.array_equal(decoded, picture(8, 8, 3, 8))


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
def test_passes_that_say_more_than_their_pixels_are_undecodable(
    tmp_path: Path, said: dict[str, object]
) -> None:
    """Frames are finished from the file: what another reader takes for other colours is a cheat there."""
    exr(floats(8, 6, 3).astype(np.float16), tmp_path / "a.exr", header=said)
    assert code_of(tmp_path / "a.exr", ImageFormat("EXR", 8, 6, 3, 16)) == "image.undecodable"


# Mutations: refused, or exactly what an honest reader sees; never a crash, never without end


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4) if data else 0):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(3):
            case 0 if changed:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 9))
    return bytes(changed)


def chunks_changed(data: bytes, chance: random.Random) -> bytes:
    """Behind good checksums: chunks mangled, doubled, dropped, swapped, split, invented."""
    parts = chunks_of(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(parts))
        name, body = parts[at]
        match chance.randrange(6):
            case 0:
                parts[at] = (name, bytes_changed(body, chance))
            case 1:
                parts.insert(at, (name, body))
            case 2 if len(parts) > 1:
                del parts[at]
            case 3:
                parts[at], parts[-1] = parts[-1], parts[at]
            case 4:
                cut = chance.randint(0, len(body))
                parts[at : at + 1] = [(name, body[:cut]), (name, body[cut:])]
            case _:
                name = chance.choice([b"tEXt", b"gAMA", b"sBIT", b"acTL", b"tRNS", b"PLTE", b"qqqq"])
                parts.insert(at, (name, chance.randbytes(chance.randint(0, 12))))
    return joined(parts)


def unpacked_changed(data: bytes, chance: random.Random) -> bytes:
    """Behind a good stream: scanlines with other filters and other bytes."""
    parts = chunks_of(data)
    raw = bytearray(zlib.decompress(parts[1][1]))
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    width, height, depth, colour = struct.unpack(">IIBB", parts[0][1][:10])
    row = 1 + width * {2: 3, 6: 4}[colour] * depth // 8
    raw[chance.randrange(height) * row] = chance.choice([0, 1, 2, 3, 4, 4, 5, 255])  # a filter
    return joined([parts[0], (b"IDAT", zlib.compress(bytes(raw))), parts[2]])


MUTATIONS: dict[str, tuple[Callable[[bytes, random.Random], bytes], int]] = {
    "bytes": (bytes_changed, 60),
    "chunks": (chunks_changed, 120),
    "scanlines": (unpacked_changed, 60),
}


@pytest.mark.parametrize("mutation", list(MUTATIONS))
def test_a_mutated_png_is_refused_or_decodes_as_the_specification_says(tmp_path: Path, mutation: str) -> None:
    mutate, count = MUTATIONS[mutation]

    def try_one(seed: int) -> bool:
        chance = random.Random(f"{mutation} {seed}")
        depth, channels = chance.choice([8, 16]), chance.choice([3, 4])
        data = mutate(png_of(picture(12, 8, channels, depth), chance.randrange(5)), chance)
        path = tmp_path / f"{seed}.png"
        path.write_bytes(data)
        began = time.monotonic()
        try:
            decoded = DECODER.decode(path, ImageFormat("PNG", 12, 8, channels, depth))
        except EvidenceError:
            return False
        finally:
            assert time.monotonic() - began < 60
        assert np.array_equal(decoded, plain_decoding(data)), seed
        return True

    with ThreadPoolExecutor(2) as pool:
        accepted = sum(pool.map(try_one, range(count)))
    assert accepted < count
    if mutation != "bytes":  # else nothing was compared
        assert accepted > 0


def test_a_mutated_exr_is_refused_or_decodes_as_its_own_library_says(tmp_path: Path) -> None:
    """Of a stored EXR any float is an honest float, so most mutations of its pixels are accepted."""

    def try_one(seed: int) -> bool:
        chance = random.Random(f"exr {seed}")
        path = tmp_path / f"{seed}.exr"
        exr(floats(12, 8, 3), path, chance.choice(["NO", "ZIPS", "ZIP"]))
        path.write_bytes(bytes_changed(path.read_bytes(), chance))
        try:
            decoded = DECODER.decode(path, ImageFormat("EXR", 12, 8, 3, 32))
        except EvidenceError:
            return False
        assert decoded.tobytes() == decoded_elsewhere(path), seed
        return True

    with ThreadPoolExecutor(2) as pool:
        accepted = sum(pool.map(try_one, range(60)))
    assert 0 < accepted < 60


def decoded_elsewhere(path: Path) -> bytes:
    """By the plain library, in a process of its own: it was seen to crash on such files."""
    script = (
        "import sys, numpy, OpenEXR\n"
        "file = OpenEXR.File(sys.argv[1], separate_channels=True)\n"
        "planes = [file.channels()[name].pixels for name in 'RGB']\n"
        "sys.stdout.buffer.write(numpy.stack(planes, axis=2).tobytes())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=True)
    return done.stdout


# What Blender writes, and what Blender reads


@pytest.mark.blender
@pytest.mark.parametrize(("container", "depth"), [("PNG", 8), ("PNG", 16), ("EXR", 32)])
@pytest.mark.parametrize("channels", [3, 4])
def test_blender_and_we_see_the_same_pixels_in_a_file_that_blender_wrote(
    blender: BlenderBuild, tmp_path: Path, container: str, depth: int, channels: int
) -> None:
    script, path, dump = tmp_path / "write.py", tmp_path / "a", tmp_path / "dump"
    kind = "OPEN_EXR" if container == "EXR" else "PNG"
    script.write_text(
        "import bpy, array, os, random, sys\n"
        "bpy.ops.wm.read_factory_settings(use_empty=True)\n"
        "image = bpy.data.images.new('i', 19, 7, alpha=True, float_buffer=True, is_data=True)\n"
        "chance = random.Random(5)\n"
        "image.pixels.foreach_set(array.array('f', (chance.random() for _ in range(19 * 7 * 4))))\n"
        "scene = bpy.context.scene\n"
        "scene.view_settings.view_transform = 'Raw'\n"
        "settings = scene.render.image_settings\n"
        f"settings.file_format, settings.color_depth = {kind!r}, {str(depth)!r}\n"
        f"settings.color_mode = {'RGBA' if channels == 4 else 'RGB'!r}\n"
        f"image.save_render({str(path)!r}, scene=scene)\n"
        f"read = bpy.data.images.load({str(path)!r})\n"
        "read.colorspace_settings.name, read.alpha_mode = 'Non-Color', 'CHANNEL_PACKED'\n"
        "pixels = array.array('f', bytes(4 * 19 * 7 * 4))\n"
        "read.pixels.foreach_get(pixels)\n"
        f"open({str(dump)!r}, 'wb').write(pixels.tobytes())\n"
        "sys.stdout.flush()\nos._exit(0)\n"
    )
    subprocess.run(blender.command(script), capture_output=True, check=True, timeout=120)
    theirs = np.frombuffer(dump.read_bytes(), np.float32).reshape(7, 19, 4)[::-1, :, :channels]
    ours = DECODER.decode(path, ImageFormat(container, 19, 7, channels, depth))
    assert len(np.unique(ours)) > 50
    if container == "EXR":
        assert np.array_equal(ours, theirs)
    else:
        assert np.array_equal(ours, np.rint(theirs * (2**depth - 1)))
