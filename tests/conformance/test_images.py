"""What every ImageDecoder promises, held against the fake and against the limited child.

What hostile files can do is tests/integration/test_images.py.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import ImageDecoder, ImageFormat, Pixels

from tests.fakes.images import FakeDecoder

RGB8 = ImageFormat("PNG", 17, 9, 3, 8)
DTYPES = {("PNG", 8): np.uint8, ("PNG", 16): np.uint16, ("EXR", 16): np.float16, ("EXR", 32): np.float32}
PNGS = [ImageFormat("PNG", 17, 9, channels, depth) for channels in (3, 4) for depth in (8, 16)]
EXRS = [ImageFormat("EXR", 17, 19, channels, depth) for channels in (3, 4, 9, 10) for depth in (16, 32)]


@pytest.fixture(params=[FakeDecoder, ChildDecoder], ids=["fake", "child"])
def decoder(request: pytest.FixtureRequest) -> ImageDecoder:
    made: ImageDecoder = request.param()
    return made


def picture(of: ImageFormat) -> Pixels:
    """Smooth, so that Pillow chooses filters, with a little noise."""
    y, x, c = np.mgrid[0 : of.height, 0 : of.width, 0 : of.channels]
    noise = np.random.default_rng(7).random((of.height, of.width, of.channels))
    if of.container == "EXR":
        return (noise * 10 - 5).astype(DTYPES["EXR", of.depth])
    share = (x * 3 + y * 5 + c * 7 + noise * 4) / 200
    return (share * (2**of.depth - 1)).astype(DTYPES["PNG", of.depth])  # type: ignore[no-any-return]


def written(decoder: ImageDecoder, of: ImageFormat, path: Path) -> Pixels:
    pixels = picture(of)
    (decoder.encode_exr if of.container == "EXR" else decoder.encode_png)(pixels, path)
    return pixels


def code_of(decoder: ImageDecoder, path: Path, expected: ImageFormat) -> str:
    with pytest.raises(EvidenceError) as caught:
        decoder.decode(path, expected)
    return caught.value.code


@pytest.mark.parametrize("of", [*PNGS, *EXRS], ids=str)
def test_pixels_come_back_to_the_last_bit(decoder: ImageDecoder, tmp_path: Path, of: ImageFormat) -> None:
    pixels = written(decoder, of, tmp_path / "a")
    decoded = decoder.decode(tmp_path / "a", of)
    assert decoded.dtype == DTYPES[of.container, of.depth]
    assert decoded.shape == (of.height, of.width, of.channels)
    assert np.array_equal(decoded, pixels)


@pytest.mark.parametrize("level", [1, 9])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_another_program_wrote_is_read_the_same(
    decoder: ImageDecoder, tmp_path: Path, mode: str, level: int
) -> None:
    of = ImageFormat("PNG", 40, 30, len(mode), 8)
    Image.fromarray(picture(of)).save(tmp_path / "a.png", compress_level=level)
    assert np.array_equal(decoder.decode(tmp_path / "a.png", of), picture(of))


def test_row_zero_is_the_top(decoder: ImageDecoder, tmp_path: Path) -> None:
    pixels = np.zeros((3, 2, 3), np.uint8)
    pixels[0] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert decoder.decode(tmp_path / "a.png", ImageFormat("PNG", 2, 3, 3, 8))[0, 0, 0] == 255


@pytest.mark.parametrize("of", [*PNGS, *EXRS], ids=str)
def test_equal_pixels_are_equal_files_without_metadata(
    decoder: ImageDecoder, tmp_path: Path, of: ImageFormat
) -> None:
    for name in ("a", "b"):
        written(decoder, of, tmp_path / name)
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    assert not any(word in data for word in (b"tEXt", b"tIME", b"eXIf", b"pHYs", b"Date", b"oftware"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_every_bit_pattern_of_a_float_comes_back(
    decoder: ImageDecoder, tmp_path: Path, dtype: type[np.float16] | type[np.float32]
) -> None:
    """NaNs with what they carry, both zeros, the infinities, the subnormal ones."""
    bits = np.arange(65536, dtype=np.uint16)
    whole = bits if dtype is np.float16 else bits.astype(np.uint32) << 16 | bits
    pixels: Pixels = np.repeat(whole.view(dtype).reshape(256, 256, 1), 3, axis=2)
    decoder.encode_exr(pixels, tmp_path / "a.exr")
    expected = ImageFormat("EXR", 256, 256, 3, 8 * pixels.itemsize)
    assert decoder.decode(tmp_path / "a.exr", expected).tobytes() == pixels.tobytes()


def test_passes_are_named_as_the_denoiser_knows_them(decoder: ImageDecoder, tmp_path: Path) -> None:
    import OpenEXR

    pixels = written(decoder, ImageFormat("EXR", 17, 19, 10, 16), tmp_path / "a.exr")
    names = ["R", "G", "B", "A", "Albedo.R", "Albedo.G", "Albedo.B", "Normal.X", "Normal.Y", "Normal.Z"]
    with OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True) as file:
        planes = {name: channel.pixels for name, channel in file.channels().items()}
    assert list(planes) == sorted(names)
    for at, name in enumerate(names):
        assert np.array_equal(planes[name], pixels[..., at]), name


def test_what_is_no_float_or_no_pass_is_no_exr(decoder: ImageDecoder, tmp_path: Path) -> None:
    for pixels in (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 5), np.float16)):
        with pytest.raises(ValueError, match="no EXR"):
            decoder.encode_exr(pixels, tmp_path / "a.exr")
    assert not (tmp_path / "a.exr").exists()


def test_floats_are_no_png(decoder: ImageDecoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float32"):
        decoder.encode_png(np.zeros((2, 2, 3), np.float32), tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_what_is_no_file_is_missing(decoder: ImageDecoder, tmp_path: Path) -> None:
    written(decoder, RGB8, tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("nowhere.png", "link.png", "folder.png"):
        assert code_of(decoder, tmp_path / name, RGB8) == "image.missing"


@pytest.mark.parametrize(
    "wrong",
    [
        ImageFormat("PNG", 9, 17, 3, 8),
        ImageFormat("PNG", 17, 9, 4, 8),
        ImageFormat("PNG", 17, 9, 3, 16),
    ],
    ids=str,
)
def test_another_picture_than_was_asked_for_is_told_with_both(
    decoder: ImageDecoder, tmp_path: Path, wrong: ImageFormat
) -> None:
    written(decoder, RGB8, tmp_path / "a.png")
    with pytest.raises(EvidenceError) as caught:
        decoder.decode(tmp_path / "a.png", wrong)
    assert caught.value.code == "image.wrong_format"
    assert caught.value.data["found"] != caught.value.data["expected"]


@pytest.mark.parametrize("of", [RGB8, *EXRS[:2]], ids=str)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_part_of_a_picture_is_undecodable(
    decoder: ImageDecoder, tmp_path: Path, of: ImageFormat, kept: float
) -> None:
    written(decoder, of, tmp_path / "a")
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * kept)])
    assert code_of(decoder, tmp_path / "a", of) == "image.undecodable"


@pytest.mark.parametrize(
    "wrong",
    [
        ImageFormat("EXR", 19, 17, 9, 16),
        ImageFormat("EXR", 17, 19, 3, 16),
        ImageFormat("EXR", 17, 19, 10, 16),
        ImageFormat("EXR", 17, 19, 9, 32),
    ],
    ids=str,
)
def test_other_passes_than_were_asked_for_are_of_the_wrong_format(
    decoder: ImageDecoder, tmp_path: Path, wrong: ImageFormat
) -> None:
    written(decoder, ImageFormat("EXR", 17, 19, 9, 16), tmp_path / "a.exr")
    assert code_of(decoder, tmp_path / "a.exr", wrong) == "image.wrong_format"


@pytest.mark.parametrize("of", [RGB8, *EXRS[:2]], ids=str)
def test_bytes_behind_the_end_are_undecodable(decoder: ImageDecoder, tmp_path: Path, of: ImageFormat) -> None:
    written(decoder, of, tmp_path / "a")
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes() + b"\0")
    assert code_of(decoder, tmp_path / "a", of) == "image.undecodable"


def test_a_picture_that_says_more_than_its_pixels_is_undecodable(
    decoder: ImageDecoder, tmp_path: Path
) -> None:
    """Shown with another gamma, or for other primaries, equal pixels are another picture."""
    written(decoder, RGB8, tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    gamma = b"gAMA" + struct.pack(">I", 22_000)
    said = struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma))
    (tmp_path / "a.png").write_bytes(data[:33] + said + data[33:])
    assert code_of(decoder, tmp_path / "a.png", RGB8) == "image.undecodable"


def test_one_container_is_not_taken_for_the_other(decoder: ImageDecoder, tmp_path: Path) -> None:
    written(decoder, RGB8, tmp_path / "a")
    written(decoder, EXRS[0], tmp_path / "b")
    assert code_of(decoder, tmp_path / "a", EXRS[0]) == "image.undecodable"
    assert code_of(decoder, tmp_path / "b", RGB8) == "image.undecodable"


def test_a_flipped_bit_is_undecodable(decoder: ImageDecoder, tmp_path: Path) -> None:
    written(decoder, RGB8, tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[60] ^= 1
    (tmp_path / "a.png").write_bytes(bytes(data))
    assert code_of(decoder, tmp_path / "a.png", RGB8) == "image.undecodable"


@pytest.mark.parametrize("count", [-1, 1])
def test_more_or_fewer_pixels_than_the_header_says_are_undecodable(
    decoder: ImageDecoder, tmp_path: Path, count: int
) -> None:
    written(decoder, RGB8, tmp_path / "a.png")
    header = (tmp_path / "a.png").read_bytes()[8:33]
    raw = bytes(9 * (17 * 3 + 1) + count)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    )
    assert code_of(decoder, tmp_path / "a.png", RGB8) == "image.undecodable"
