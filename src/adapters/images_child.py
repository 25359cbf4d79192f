"""Decodes one picture to raw pixels on standard output, within limits it sets itself first.

Usage: images_child.py PATH WIDTH HEIGHT CHANNELS DEPTH. Started, never imported. Anything that is
not exactly the picture asked for ends it with status 3 and nothing else that counts.
Output: 8 bits as they are; 16 bits as all high bytes, then all low bytes; 32 bits as
little-endian floats; always rows from the top, pixels, channels.
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
    check_length(packed, (width * channels * depth // 8 + 1) * height)
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


def check_length(packed, size):
    unpack = zlib.decompressobj()
    found = len(unpack.decompress(packed, size + 1))
    if found != size or not unpack.eof or unpack.unused_data or unpack.unconsumed_tail:
        raise ValueError("not exactly as many bytes as the header says")


def exr(path, width, height, channels, depth):
    import numpy
    import OpenEXR

    give_up_rights(path)
    with OpenEXR.File(path, separate_channels=True) as file:
        found = {name: channel.pixels for name, channel in file.channels().items()}
    planes = [found[name] for name in ("R", "G", "B", "A")[:channels]]
    if len(found) != channels or any(p.shape != (height, width) or p.dtype != numpy.float32 for p in planes):
        raise ValueError("another size or type")
    return (numpy.stack(planes, axis=2).astype("<f4").tobytes(),)


def main():
    path = sys.argv[1]
    width, height, channels, depth = (int(text) for text in sys.argv[2:6])
    limit(width * height * channels * depth // 8)
    decode = exr if depth == 32 else png
    try:
        parts = decode(path, width, height, channels, depth)
    except BaseException:  # noqa: BLE001 - whatever it is, the picture is not decoded
        sys.exit(3)
    for part in parts:
        sys.stdout.buffer.write(part)


main()
