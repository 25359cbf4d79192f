"""Our end of decode_child.py, which forks once for every file, and what comes back from the forks."""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CHILD = Path(__file__).parent / "decode_child.py"
_ENV = {"OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
_START_SECONDS = 60
_GRACE_SECONDS = 10
_READY, _DECODED, _REFUSED, _NO_MEMORY = b"r", b"d", b"x", b"m"


class Request(NamedTuple):
    """Numbers of 64 bits, in decode_child.py's order."""

    width: int
    height: int
    channels: int
    depth: int
    file_bytes: int
    pixel_bytes: int  # exactly what comes back
    body: int  # where an EXR's header ends; 0 for a PNG
    compression: int  # the EXR's
    milliseconds: int  # by the wall clock


class ServerFailed(Exception):
    """This machine and not the file: the server did not start, has ended, or lacked memory."""


class ForkServer:
    """One file at a time. After ServerFailed only ``close`` is left."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_CHILD)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_ENV,
                cwd="/",
                start_new_session=True,
            )
        self._started = False

    def decoded(self, source: int, request: Request) -> NDArray[np.uint8] | None:
        """The pixels' bytes as decode_child.py gives them, None when the file does not decode to exactly that
        many within the limits. ``source`` is open for reading and stays open.

        Raises ServerFailed.
        """
        if not self._started:
            self._expect(_START_SECONDS, (_READY,))
            self._started = True
        deadline = time.monotonic() + request.milliseconds / 1000 + _GRACE_SECONDS
        sink, theirs = os.pipe()
        try:
            try:
                socket.send_fds(self._socket, [struct.pack("=9q", *request)], [source, theirs])
            except OSError as error:
                raise ServerFailed from error
            finally:
                os.close(theirs)
            data = _read(sink, request.pixel_bytes, deadline)
        finally:
            os.close(sink)  # before the answer is awaited: who still writes is ended by it
        answer = self._expect(deadline - time.monotonic(), (_DECODED, _REFUSED, _NO_MEMORY))
        if answer == _NO_MEMORY:
            raise ServerFailed("there was not enough memory")
        return data if answer == _DECODED else None

    def close(self) -> None:
        self._socket.close()  # upon which the server ends its fork, and itself
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _expect(self, seconds: float, answers: tuple[bytes, ...]) -> bytes:
        self._socket.settimeout(max(0.001, seconds))
        try:
            answer = self._socket.recv(16)
        except OSError as error:
            raise ServerFailed from error
        if answer not in answers:
            raise ServerFailed
        return answer


def _read(sink: int, size: int, deadline: float) -> NDArray[np.uint8] | None:
    """All that is written, None when it is not ``size`` bytes or takes too long."""
    data, at = np.empty(0, np.uint8), 0
    poll = select.poll()
    poll.register(sink, select.POLLIN)
    while events := poll.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
        if not events[0][1] & select.POLLIN:
            return data if at == size else None
        if not at:  # not before there is something to fill it with
            data = np.empty(size, np.uint8)
        got = os.readv(sink, [data[at : at + (1 << 20)].data]) if at < size else 0
        if not got:
            return None
        at += got
    return None
