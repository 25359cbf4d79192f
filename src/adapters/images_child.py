"""Decodes one picture to raw pixels on standard output, within limits it sets itself first.

Usage: images_child.py PATH WIDTH HEIGHT CHANNELS DEPTH [BODY COMPRESSION]. Started, never imported.
Anything that is not exactly the picture asked for ends it with status 3 and nothing else that counts.
Output: always rows from the top, pixels, channels. A PNG's 8 bits as they are, its 16 bits as all
high bytes, then all low bytes. An EXR's little-endian floats, its channels in the file's order; BODY
is where its header ends, and COMPRESSION a number that the header said.
"""

import io
import os
import resource
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "blender", "sandbox"))

WORKING_BYTES = 768 << 20
CPU_SECONDS = 120
MEANINGFUL = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
"""Ancillary chunks that a reader may take as other pixels: refused. The others are skipped unread."""
EXR_LINES = {0: 1, 2: 1, 3: 16}  # scanlines in a chunk without compression, of ZIPS, of ZIP


def limit(pixel_bytes):
    memory = WORKING_BYTES + 8 * pixel_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def give_up_rights(*readable):
    """From here on no file but ``readable``, no socket, no process. A kernel without Landlock leaves
    the other limits to protect us."""
    import launch

    try:
        launch.prctl(launch.PR_SET_PDEATHSIG, 9)
        launch.drop_capabilities()
        launch.restrict_files_and_net(list(readable), [], None)
        launch.install(launch.filter_program(os.getpid()))
    except (OSError, KeyError):
        pass


def png(path, width, height, channels, depth):
    """Pillow undoes the filters of a PNG that is put together afresh from its IHDR and IDAT. Of 16-bit
    colour it keeps the high bytes; told that the bytes are swapped, it keeps the low ones."""
    from PIL import Image

    Image.preinit()  # reads its modules now, before the right to is gone
    with open(path, "rb") as file:
        data = file.read()
    give_up_rights()
    header, packed = chunks(data)
    unpacked(packed, (width * channels * depth // 8 + 1) * height)
    clean = data[:8] + b"".join(
        chunk(*pair) for pair in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    )
    mode = "RGBA" if channels == 4 else "RGB"
    if depth == 8:
        return (pillow(Image, clean, (width, height), mode, mode),)
    return tuple(pillow(Image, clean, (width, height), mode, f"{mode};16{order}") for order in "BL")


def pillow(image_module, data, size, mode, raw_mode):
    image_module.MAX_IMAGE_PIXELS = None  # the header has been checked against what is expected
    with image_module.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.size != size or image.mode != mode or len(image.tile) != 1:
            raise ValueError("another size or mode")
        image.tile = [image.tile[0]._replace(args=raw_mode)]
        image.load()
        return image.tobytes()


def chunks(data):
    """IHDR's body and all of IDAT. PNG specification (third edition), 5: order and checksums."""
    at, header, parts, idat_over = 8, None, [], False
    while True:
        if at + 12 > len(data):
            raise ValueError("no end")
        length = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        if len(checksum) < 4 or zlib.crc32(name + body) != int.from_bytes(checksum, "big"):
            raise ValueError("a damaged chunk")
        at += 12 + length
        if (name == b"IHDR") != (header is None):
            raise ValueError("IHDR is first, and alone")
        if name == b"IHDR":
            header = body
        elif name == b"IDAT":
            if idat_over:
                raise ValueError("pixels in two places")
            parts.append(body)
        elif name == b"IEND":
            break
        elif name in MEANINGFUL or not name[0] & 32:
            raise ValueError("a chunk that may change the pixels")
        else:
            idat_over = bool(parts)
    if at != len(data) or not parts:
        raise ValueError("bytes after the end, or no pixels")
    return header, b"".join(parts)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def unpacked(packed, size):
    unpack = zlib.decompressobj()
    data = unpack.decompress(packed, size + 1)
    if len(data) != size or not unpack.eof or unpack.unused_data or unpack.unconsumed_tail:
        raise ValueError("not exactly as many bytes as the header says")
    return data


def exr(path, width, height, channels, depth, body, compression):
    """Each chunk where the table of offsets says, one behind the other, and no byte between or behind."""
    import numpy

    with open(path, "rb") as file:
        data = file.read()
    give_up_rights()
    kind = numpy.dtype("<f2" if depth == 16 else "<f4")
    pixels = numpy.empty((height, width, channels), kind)
    lines = EXR_LINES[compression]
    count = -(-height // lines)
    offsets = struct.unpack_from(f"<{count}Q", data, body)
    at = body + 8 * count
    for number, offset in enumerate(offsets):
        first, length = struct.unpack_from("<ii", data, at)
        packed = data[at + 8 : at + 8 + length]
        if offset != at or first != number * lines or length < 0 or len(packed) != length:
            raise ValueError("a chunk is not where, or what, it should be")
        at += 8 + length
        rows = pixels[first : first + lines]
        plain = exr_plain(numpy, packed, rows.nbytes, compression)
        rows[:] = plain.view(kind).reshape(-1, channels, width).transpose(0, 2, 1)
    if at != len(data):
        raise ValueError("bytes after the end")
    return (pixels.tobytes(),)


def exr_plain(numpy, packed, size, compression):
    """A chunk's bytes as stored without compression. What does not get smaller is stored as it is.

    ZIP: deflated differences of neighbours, of all even bytes and then all odd ones. OpenEXR file layout.
    """
    if compression == 0 or len(packed) >= size:
        if len(packed) != size:
            raise ValueError("a chunk of another size")
        return numpy.frombuffer(packed, numpy.uint8)
    steps = numpy.frombuffer(unpacked(packed, size), numpy.uint8).copy()
    steps[1:] -= 128
    halves = numpy.cumsum(steps, dtype=numpy.uint8)
    plain = numpy.empty(size, numpy.uint8)
    plain[::2], plain[1::2] = halves[: (size + 1) // 2], halves[(size + 1) // 2 :]
    return plain


def main():
    path = sys.argv[1]
    width, height, channels, depth, *body = (int(text) for text in sys.argv[2:])
    limit(width * height * channels * depth // 8)
    decode = exr if body else png
    try:
        parts = decode(path, width, height, channels, depth, *body)
    except BaseException:  # noqa: BLE001 - whatever it is, the picture is not decoded
        sys.exit(3)
    for part in parts:
        sys.stdout.buffer.write(part)


main()
