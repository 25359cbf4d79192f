"""Decodes pictures to raw pixels, each in a fork of its own, within limits that the fork sets itself first.

Usage: decode_child.py, with a SOCK_SEQPACKET as standard input. Started, never imported. It says
``r`` when it is ready. A message is nine numbers (fork_server.Request) with two descriptors, a file
to read and a pipe to write. One letter answers it when the fork has ended: ``d``, the pixels went
into the pipe; ``x``, the file is not exactly the picture asked for; ``m``, this machine was short of
memory. The end of the socket ends everything.

Pixels: rows from the top, pixels, channels. A PNG's 8 bits as they are, its 16 bits as all high
bytes, then all low bytes. An EXR's little-endian floats, its channels in the file's order.
"""

import io
import os
import resource  # at the start: a fork, which may open no file, could not import it
import select
import signal
import socket
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blender", "sandbox"))

import launch
import numpy
from PIL import Image

WORKING_BYTES = 768 << 20
CPU_SECONDS = 120
SHORT_OF_MEMORY = 4
"""A fork's exit status. No file takes more than an honest one of its size: what is unpacked is counted."""
EXR_LINES = {0: 1, 2: 1, 3: 16}  # scanlines in a chunk without compression, of ZIPS, of ZIP


def limit(pixel_bytes):
    memory = WORKING_BYTES + 8 * pixel_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The soft limit's signal tells the file's doing from that of a machine that ends us with SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def give_up_rights():
    """From here on no file is opened and no capability regained, by this process and its forks."""
    each_on_its_own(launch.drop_capabilities, lambda: launch.restrict_files_and_net([], [], None))


def give_up_more_rights():
    """A fork opens no socket, starts no process, and reaches none."""
    each_on_its_own(
        lambda: launch.prctl(launch.PR_SET_PDEATHSIG, signal.SIGKILL),
        lambda: launch.install(launch.filter_program(os.getpid())),
    )


def each_on_its_own(*steps):
    """What one kernel lacks leaves us the others."""
    for step in steps:
        try:
            step()
        except (OSError, KeyError):
            continue


def png(data, width, height, channels, depth):
    """Pillow undoes the filters of a PNG that is put together afresh from its IHDR and IDAT. Of 16-bit
    colour it keeps the high bytes; told that the bytes are swapped, it keeps the low ones."""
    header, packed = chunks(data)
    unpacked(packed, (width * channels * depth // 8 + 1) * height)
    clean = data[:8] + b"".join(
        chunk(*pair) for pair in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    )
    mode = "RGBA" if channels == 4 else "RGB"
    if depth == 8:
        return (pillow(clean, (width, height), mode, mode),)
    return tuple(pillow(clean, (width, height), mode, f"{mode};16{order}") for order in "BL")


def pillow(data, size, mode, raw_mode):
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.size != size or image.mode != mode or len(image.tile) != 1:
            raise ValueError("another size or mode")
        image.tile = [image.tile[0]._replace(args=raw_mode)]
        image.load()
        return image.tobytes()


def chunks(data):
    """IHDR's body and all of IDAT, of a file that holds IHDR, IDAT and IEND and nothing beside them:
    a profile or an orientation would show other pixels than were compared. PNG specification, 5."""
    at, header, parts, name = 8, None, [], None
    while name != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        if len(checksum) != 4 or zlib.crc32(name + body) != int.from_bytes(checksum, "big"):
            raise ValueError("a damaged chunk, or no end")
        at += 12 + length
        if name == b"IHDR" and header is None:
            header = body
        elif name == b"IDAT" and header is not None:
            parts.append(body)
        elif name != b"IEND" or body:
            raise ValueError("a chunk that honest pictures do not have")
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


def exr(data, width, height, channels, depth, body, compression):
    """Each chunk where the table of offsets says, one behind the other, and no byte between or behind."""
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
        plain = exr_plain(packed, rows.nbytes, compression)
        rows[:] = plain.view(kind).reshape(-1, channels, width).transpose(0, 2, 1)
    if at != len(data):
        raise ValueError("bytes after the end")
    return (pixels.data.cast("B"),)


def exr_plain(packed, size, compression):
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


def decode_in_fork(descriptors, numbers):
    source, sink = descriptors
    width, height, channels, depth, file_bytes, pixel_bytes, body, compression, _ = numbers
    limit(pixel_bytes)
    give_up_more_rights()
    os.lseek(source, 0, os.SEEK_SET)  # a fork before this one may have read it
    with open(source, "rb") as file:
        data = file.read(file_bytes + 1)
    if len(data) != file_bytes:
        raise ValueError("the file changed")
    shape = (width, height, channels, depth)
    parts = exr(data, *shape, body, compression) if body else png(data, *shape)
    with open(sink, "wb") as file:
        for part in parts:
            file.write(part)


def outcome(parent, fork, milliseconds):
    """Waits for the fork; ends it when its time is up or the parent is gone."""
    watched = select.poll()
    over = os.pidfd_open(fork)
    watched.register(over, select.POLLIN)
    watched.register(parent, select.POLLIN)
    ended = over in dict(watched.poll(milliseconds))
    os.close(over)
    if not ended:
        os.kill(fork, signal.SIGKILL)
    _, status = os.waitpid(fork, 0)
    if ended and status in (SHORT_OF_MEMORY << 8, signal.SIGKILL):
        return b"m"
    return b"d" if ended and status == 0 else b"x"


def load_all():
    """What decoding loads when it is first needed is loaded now, while it may be."""
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = None  # headers are checked against what is expected
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(7))), (b"IEND", b""))
    png(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts), 1, 1, 3, 16)
    exr(struct.pack("<Qii", 8, 0, 6) + bytes(6), 1, 1, 3, 16, 0, 0)


def main():
    parent = socket.socket(fileno=0)
    load_all()
    give_up_rights()
    parent.send(b"r")
    while True:
        message, descriptors, _, _ = socket.recv_fds(parent, 128, 2)
        if not message:
            return
        numbers = struct.unpack("=9q", message)
        fork = os.fork()
        if fork == 0:
            parent.close()
            try:
                decode_in_fork(descriptors, numbers)
            except MemoryError:
                os._exit(SHORT_OF_MEMORY)
            except BaseException:  # noqa: BLE001 - whatever it is, the picture is not decoded
                os._exit(3)
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        parent.send(outcome(parent, fork, numbers[-1]))


main()
