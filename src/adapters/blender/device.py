"""What this machine renders with: the device class, and the device in words."""

from __future__ import annotations

import functools
import platform
import re
from dataclasses import dataclass
from pathlib import Path

_ARCHITECTURES = {"amd64": "x86_64", "aarch64": "arm64"}
_FOR_AVX2 = frozenset({"sse4_2", "avx", "f16c", "avx2", "fma", "bmi1", "bmi2"})
_FOR_AVX512 = frozenset({"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"})
_LEAST_FAST_MODEL = 70  # of Intel's family 6
_PART_OF_AVX2 = frozenset({"avx2", "fma"})
_SPELT = {
    "avx512": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sse42": "SSE4.2",
    "mixed": "some of AVX2",
}


@dataclass(frozen=True, slots=True)
class Device:
    """``device_class`` is what must match for bit-equality, beside the Blender build."""

    device_class: str
    words: str


def describe_cpu(machine: str, cpuinfo: str) -> Device:
    """The device that Cycles renders with on the processor of this ``/proc/cpuinfo``.

    On x86-64 three libraries choose their code by what the processor offers: Cycles takes
    AVX2's where all of ``_FOR_AVX2`` is there, else SSE4.2's (its documented least); Embree
    AVX2's, AVX's or SSE4.2's; Open Image Denoise AVX-512's where all of ``_FOR_AVX512`` is, else
    AVX2's, else SSE4.1's. Each choice rounds otherwise (docs/adr/0015), so each is a class of
    its own. OpenColorIO's view transform avoids AVX2's gather where that is slow: on AMD's
    processors and Intel's first with AVX2 (models below 70), so that one level of an 8-bit
    picture differs. A processor that has only a part of what goes with AVX2 is of the class ``mixed``,
    which nothing was measured against. Elsewhere there is one kernel.
    """
    architecture = _ARCHITECTURES.get(machine.lower(), machine.lower())
    name = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    called = name[1].strip()[:80] if name else architecture
    if architecture != "x86_64":
        return Device(f"cpu-{architecture}", f"CPU ({called})")
    flags = re.search(r"^flags\s*: (.+)$", cpuinfo, re.MULTILINE)
    kernel = _kernel(frozenset(flags[1].split()) if flags else frozenset())
    if kernel == "avx2" and _gathers_slowly(cpuinfo):
        return Device("cpu-x86_64-avx2-slow_gather", f"CPU ({called}, AVX2 with slow gather)")
    return Device(f"cpu-x86_64-{kernel}", f"CPU ({called}, {_SPELT[kernel]})")


def _gathers_slowly(cpuinfo: str) -> bool:
    vendor = re.search(r"^vendor_id\s*: (\w+)$", cpuinfo, re.MULTILINE)
    model = re.search(r"^model\s*: (\d+)$", cpuinfo, re.MULTILINE)
    if vendor is None or vendor[1] == "GenuineIntel":
        return model is not None and int(model[1]) < _LEAST_FAST_MODEL
    return True


def _kernel(offered: frozenset[str]) -> str:
    if offered >= _FOR_AVX2:
        return "avx512" if offered >= _FOR_AVX512 else "avx2"
    if offered & _PART_OF_AVX2:
        return "mixed"
    return "avx" if "avx" in offered else "sse42"


@functools.cache
def this_device() -> Device:
    """``describe_cpu`` of this machine; a system without /proc counts as one without AVX2."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        cpuinfo = ""
    return describe_cpu(platform.machine(), cpuinfo)
