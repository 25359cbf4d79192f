"""What this machine renders with: the device class, and the device in words."""

from __future__ import annotations

import functools
import platform
import re
from dataclasses import dataclass
from pathlib import Path

_ARCHITECTURES = {"amd64": "x86_64", "aarch64": "arm64"}
_FOR_AVX2 = frozenset({"sse4_2", "avx", "f16c", "avx2", "fma", "bmi1", "bmi2"})


@dataclass(frozen=True, slots=True)
class Device:
    """``device_class`` is what must match for bit-equality, beside the Blender build."""

    device_class: str
    words: str


def describe_cpu(machine: str, cpuinfo: str) -> Device:
    """The device that Cycles renders with on the processor of this ``/proc/cpuinfo``.

    On x86-64 Cycles has two kernels and takes AVX2's where the processor has all of
    ``_FOR_AVX2``, else SSE4.2's (its documented least; older processors run no current
    Blender). The two differ in the last bit of about 0.01 % of 8-bit pixels
    (docs/verification.md), so they are classes of their own: an honest worker with the one
    is never judged by a verifier with the other. Elsewhere there is one kernel.
    """
    architecture = _ARCHITECTURES.get(machine.lower(), machine.lower())
    name = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    called = name[1].strip()[:80] if name else architecture
    if architecture != "x86_64":
        return Device(f"cpu-{architecture}", f"CPU ({called})")
    flags = re.search(r"^flags\s*: (.+)$", cpuinfo, re.MULTILINE)
    has_avx2 = flags is not None and set(flags[1].split()) >= _FOR_AVX2
    kernel, spelt = ("avx2", "AVX2") if has_avx2 else ("sse42", "SSE4.2")
    return Device(f"cpu-x86_64-{kernel}", f"CPU ({called}, {spelt})")


@functools.cache
def this_device() -> Device:
    """``describe_cpu`` of this machine; a system without /proc counts as one without AVX2."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        cpuinfo = ""
    return describe_cpu(platform.machine(), cpuinfo)
