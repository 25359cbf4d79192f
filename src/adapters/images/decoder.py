"""Decodes pictures that others made: the header here, the rest in a process of the file's own."""

from __future__ import annotations

import errno
import os
import stat
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...domain.errors import EvidenceError, MachineError
from ...ports.images import CHANNEL_NAMES, ImageFormat, Pixels
from . import encode
from .fork_server import ForkServer, Request, ServerFailed
from .headers import HEADER_BYTES, NotThisContainer, exr_body, facts, wanted

DECODE_SECONDS = 180
_REMEDY = "look for want of memory, processes or descriptors on this machine; the picture may be a good one"
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)  # the last two: a link, a socket or pipe
_MOST_DEFLATED = 1100  # deflate makes at most 258 bytes of two bits: nobody's memory is taken for a lie
_DEPTHS = {"PNG": (8, 16), "EXR": (16, 32)}


class ChildDecoder:
    """Decodes each file in a process of its own, limited in memory, processor and wall time, without
    environment, descriptors or rights of ours, and, where the kernel has Landlock, without files.

    The processes are forked from servers that have loaded what decoding needs and never see a byte
    of a file: one for each thread that decodes at a time. They end with ``close``, with the decoder,
    or with this process, whatever ends it. Any number of threads may decode at once.
    """

    def __init__(self) -> None:
        self._idle: list[ForkServer] = []
        weakref.finalize(self, _close_all, self._idle)

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        channels = CHANNEL_NAMES if expected.container == "EXR" else (3, 4)
        if expected.depth not in _DEPTHS.get(expected.container, ()) or expected.channels not in channels:
            raise ValueError(f"no job has pictures like {expected}")
        source = _opened(path)
        try:
            request = _checked(path, source, expected)
            data = self._decoded(source, request)
        finally:
            os.close(source)
        if data is None:
            raise _undecodable(path, "its pixels cannot be decoded within the limits")
        return _as_pixels(data, expected)

    def encode_png(self, pixels: Pixels, path: Path) -> None:
        encode.write_png(pixels, path)

    def encode_exr(self, pixels: Pixels, path: Path) -> None:
        encode.write_exr(pixels, path)

    def close(self) -> None:
        """Ends the servers that wait. A later ``decode`` starts one again."""
        _close_all(self._idle)

    def _decoded(self, source: int, request: Request) -> NDArray[np.uint8] | None:
        """None when the file is to blame; a server that fails itself is replaced once."""
        with suppress(ServerFailed, OSError, MemoryError):
            return self._decoded_once(source, request)
        try:
            return self._decoded_once(source, request)
        except (ServerFailed, OSError, MemoryError) as error:
            raise MachineError(
                "machine.no_decoder",
                f"the process that decodes pictures failed: {error or type(error).__name__}",
                remedy=_REMEDY,
            ) from error

    def _decoded_once(self, source: int, request: Request) -> NDArray[np.uint8] | None:
        try:
            server = self._idle.pop()
        except IndexError:
            server = ForkServer()
        try:
            data = server.decoded(source, request)
        except BaseException:
            server.close()
            raise
        self._idle.append(server)
        return data


def _close_all(servers: list[ForkServer]) -> None:
    while servers:
        servers.pop().close()


def _opened(path: Path) -> int:
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise _missing(path) from error
        raise MachineError(
            "machine.unreadable", f"{path} cannot be opened: {error.strerror}", remedy=_REMEDY, path=path
        ) from error
    if not stat.S_ISREG(os.fstat(source).st_mode):
        os.close(source)
        raise _missing(path)
    return source


def _checked(path: Path, source: int, expected: ImageFormat) -> Request:
    head = os.pread(source, HEADER_BYTES, 0)
    try:
        found = facts(head, expected)
    except NotThisContainer as error:
        raise _undecodable(path, str(error)) from error
    if found != wanted(expected):
        raise EvidenceError(
            "image.wrong_format",
            f"{path.name} has {_in_words(found)}; expected {_in_words(wanted(expected))}",
            path=path,
            found=found,
            expected=wanted(expected),
        )
    pixel_bytes = expected.width * expected.height * expected.channels * expected.depth // 8
    file_bytes = os.fstat(source).st_size
    if file_bytes > 2 * pixel_bytes + 16 * expected.height + HEADER_BYTES:  # 16: an EXR's chunk of a line
        raise _undecodable(path, "it is far larger than its pixels")
    if file_bytes < pixel_bytes // _MOST_DEFLATED:
        raise _undecodable(path, "it is far smaller than its pixels")
    body, compression = exr_body(head) if expected.container == "EXR" else (0, 0)
    return Request(
        expected.width,
        expected.height,
        expected.channels,
        expected.depth,
        file_bytes,
        pixel_bytes,
        body,
        compression,
        1000 * DECODE_SECONDS,
    )


def _in_words(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _as_pixels(data: NDArray[np.uint8], expected: ImageFormat) -> Pixels:
    shape = (expected.height, expected.width, expected.channels)
    if expected.container == "EXR":
        kind = np.dtype("<f2" if expected.depth == 16 else "<f4")
        names = CHANNEL_NAMES[expected.channels]
        order = [sorted(names).index(name) for name in names]
        return data.view(kind).reshape(shape).take(order, axis=2).astype(kind.newbyteorder("="), copy=False)
    if expected.depth == 8:
        return data.reshape(shape)
    high, low = data.reshape(2, *shape)
    return np.stack([low, high], axis=-1).view("<u2")[..., 0].astype(np.uint16, copy=False)


def _missing(path: Path) -> EvidenceError:
    return EvidenceError("image.missing", f"there is no picture {path.name}", path=path)


def _undecodable(path: Path, why: str) -> EvidenceError:
    return EvidenceError("image.undecodable", f"{path.name}: {why}", path=path)
