"""Pixels out of bytes that somebody else made: the header first, the rest in a limited child."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import ImageFormat, Pixels

DECODER = ChildDecoder()


def picture(width: int, height: int, channels: int, depth: int) -> Pixels:
    noise = np.random.default_rng(7).integers(0, 2**depth, (height, width, channels))
    return noise.astype(np.uint8 if depth == 8 else np.uint16)


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


@pytest.mark.parametrize("filter_kind", [0, 1, 2, 3, 4])
def test_every_png_filter_is_undone_in_sixteen_bits(tmp_path: Path, filter_kind: int) -> None:
    pixels = picture(9, 6, 3, 16)
    (tmp_path / "f.png").write_bytes(filtered_png(pixels, filter_kind))
    decoded = DECODER.decode(tmp_path / "f.png", ImageFormat("PNG", 9, 6, 3, 16))
    assert np.array_equal(decoded, pixels)


def filtered_png(pixels: Pixels, kind: int) -> bytes:
    """A 16-bit RGB PNG written with one filter throughout, straight from the specification."""
    import struct
    import zlib

    height, width, channels = pixels.shape
    step = channels * 2
    rows = pixels.astype(">u2").tobytes()
    size = width * step
    above, raw = bytes(size), bytearray()
    for y in range(height):
        line = rows[y * size : (y + 1) * size]
        raw.append(kind)
        for i in range(size):
            left = line[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            up = above[i]
            estimate = left + up - corner
            nearest = min((left, up, corner), key=lambda value: abs(estimate - value))
            guess = (0, left, up, (left + up) // 2, nearest)[kind]
            raw.append((line[i] - guess) & 255)
        above = line

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(raw)))
        + chunk(b"IEND", b"")
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
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(data))
    assert code_of(tmp_path / "a.png", ImageFormat("PNG", 20_000, 20_000, 3, 8)) == "image.undecodable"


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_picture_is_refused_or_decodes_to_its_true_pixels(tmp_path: Path, seed: int) -> None:
    """A single changed byte breaks a checksum; what is still accepted shows the same pixels."""
    chance = random.Random(seed)
    pixels = picture(24, 16, 3, 8 if seed % 2 else 16)
    path = tmp_path / "m.png"
    DECODER.encode_png(pixels, path)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randint(1, 9)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 9))
    path.write_bytes(bytes(data))
    try:
        decoded = DECODER.decode(path, ImageFormat("PNG", 24, 16, 3, 8 if seed % 2 else 16))
    except EvidenceError:
        return
    assert np.array_equal(decoded, pixels)
