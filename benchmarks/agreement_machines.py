"""The processors that ``benchmarks.agreement`` compares, all played by this one.

Every library in Blender picks its code by what CPUID tells it. Linux can fault on CPUID
(``arch_prctl(ARCH_SET_CPUID)``), so a small preloaded library answers in its place and hides
features or the maker's name: Cycles, Embree, Open Image Denoise and the rest then run exactly what
they run on a machine without those features. glibc looks before anything is preloaded, so it is
told by its own tunable.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("agreement_processor.c")
CANNOT_HIDE = 97
"""Exit status of a program whose kernel cannot fault on CPUID."""

_AVX512 = (
    "avx512f,avx512dq,avx512ifma,avx512cd,avx512bw,avx512vl,avx512vbmi,avx512_vbmi2,avx512_vnni,"
    "avx512_bitalg,avx512_vpopcntdq,avx512_fp16,avx512_bf16,avx_vnni,amx_bf16,amx_tile,amx_int8"
)
_AVX2 = f"{_AVX512},avx2,fma,f16c,bmi1,bmi2,vaes,vpclmulqdq"
_AVX = f"{_AVX2},avx"
_NO_AVX512 = "-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
_NO_AVX2 = f"{_NO_AVX512},-AVX2,-FMA,-BMI1,-BMI2"


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor as programs see it. ``device_class`` is the class it belongs to."""

    name: str
    device_class: str
    hides: str = ""
    vendor: str = ""
    glibc: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def environment(self, mask: Path) -> dict[str, str]:
        played = {"PATH": os.environ.get("PATH", ""), **self.more}
        if self.hides or self.vendor:
            played |= {"LD_PRELOAD": str(mask), "PROCESSOR_HIDES": self.hides}
            played |= {"PROCESSOR_VENDOR": self.vendor}
        if self.glibc:
            played["GLIBC_TUNABLES"] = f"glibc.cpu.hwcaps={self.glibc}"
        return played


MACHINES = (
    Machine("AVX-512", "cpu-x86_64-avx512"),
    Machine("AVX-512, again", "cpu-x86_64-avx512"),
    Machine("AVX-512, by AMD", "cpu-x86_64-avx512", vendor="AuthenticAMD"),
    Machine("AVX2", "cpu-x86_64-avx2", hides=_AVX512, glibc=_NO_AVX512),
    Machine(
        "AVX2, by AMD", "cpu-x86_64-avx2-slow_gather", hides=_AVX512, vendor="AuthenticAMD", glibc=_NO_AVX512
    ),
    Machine("AVX", "cpu-x86_64-avx", hides=_AVX2, glibc=_NO_AVX2),
    Machine("SSE4.2", "cpu-x86_64-sse42", hides=_AVX, glibc=f"{_NO_AVX2},-AVX"),
    Machine("AVX-512, Cycles' switch", "", more={"CYCLES_CPU_NO_AVX2": "1"}),
)
"""The first of a class stands for it and renders every scene, the others the small ones. The last is of
no class: Cycles alone believes that it is on an older processor, which is what its own switch does and
no real machine is."""


def stands_for_its_class(machine: Machine) -> bool:
    return machine == next(each for each in MACHINES if each.device_class == machine.device_class)


def playable(machines: tuple[Machine, ...] = MACHINES) -> tuple[Machine, ...]:
    """Those that this processor can play: it must offer what they do not hide."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ()
    flags = re.search(r"^flags\s*: (.+)$", cpuinfo, re.MULTILINE)
    has = set(flags[1].split()) if flags else set()
    if platform.machine() != "x86_64" or "cpuid_fault" not in has:
        return ()
    needs = {
        "avx512": "avx512f",
        "avx2": "avx2",
        "slow_gather": "avx2",
        "avx": "avx",
        "sse42": "sse4_2",
        "": "avx2",
    }
    return tuple(m for m in machines if needs[m.device_class.rpartition("-")[2]] in has)


def build_mask(folder: Path) -> Path:
    """Compiles the preloaded library with the system's C compiler."""
    mask = folder / "processor.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(mask), str(SOURCE)], check=True)
    return mask
