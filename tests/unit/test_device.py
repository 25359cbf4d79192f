"""The device class: what must match for two renders to be equal to the last bit."""

from __future__ import annotations

import pytest
from tileproof.adapters.blender.device import describe_cpu, this_device

AVX2 = "sse4_2 avx f16c avx2 fma bmi1 bmi2"
AVX512 = "avx512f avx512cd avx512dq avx512bw avx512vl"


def cpuinfo(flags: str, name: str = "Some CPU @ 3 GHz") -> str:
    return f"processor\t: 0\nmodel name\t: {name}\nflags\t\t: fpu {flags} sse\n\n"


def class_of(flags: str) -> str:
    return describe_cpu("x86_64", cpuinfo(flags)).device_class


def test_machines_whose_libraries_take_different_code_are_of_different_classes() -> None:
    assert class_of(f"{AVX2} {AVX512}") == "cpu-x86_64-avx512"
    assert class_of(AVX2) == "cpu-x86_64-avx2"
    assert class_of("sse4_2 avx f16c") == "cpu-x86_64-avx"
    assert describe_cpu("AMD64", cpuinfo("sse4_2")).device_class == "cpu-x86_64-sse42"


@pytest.mark.parametrize("lacking", AVX2.split())
def test_a_processor_that_lacks_any_part_is_not_of_the_avx2_class(lacking: str) -> None:
    rest = " ".join(flag for flag in AVX2.split() if flag != lacking)
    assert class_of(rest) == "cpu-x86_64-mixed"


@pytest.mark.parametrize("lacking", AVX512.split())
def test_a_denoiser_that_lacks_any_part_of_avx512_is_avx2s(lacking: str) -> None:
    rest = " ".join(flag for flag in AVX512.split() if flag != lacking)
    assert class_of(f"{AVX2} {rest}") == "cpu-x86_64-avx2"


@pytest.mark.parametrize(
    ("vendor", "model", "slow"),
    [("AuthenticAMD", 1, True), ("GenuineIntel", 60, True), ("GenuineIntel", 85, False)],
)
def test_avx2_whose_gather_is_slow_is_a_class_of_its_own(vendor: str, model: int, slow: bool) -> None:
    who = f"vendor_id\t: {vendor}\nmodel\t\t: {model}\n"
    assert describe_cpu("x86_64", who + cpuinfo(AVX2)).device_class.endswith("slow_gather") == slow
    assert describe_cpu("x86_64", who + cpuinfo(f"{AVX2} {AVX512}")).device_class == "cpu-x86_64-avx512"


def test_features_beyond_those_asked_for_change_no_class() -> None:
    assert class_of(f"{AVX2} {AVX512} avx512_vnni avx512_fp16 amx_tile") == "cpu-x86_64-avx512"
    assert class_of(f"{AVX2} avx_vnni vaes") == "cpu-x86_64-avx2"


def test_arm_has_one_class_whatever_it_calls_itself() -> None:
    assert describe_cpu("aarch64", "").device_class == describe_cpu("arm64", "").device_class == "cpu-arm64"


def test_the_device_in_words_names_processor_and_kernel() -> None:
    assert describe_cpu("x86_64", cpuinfo(AVX2)).words == "CPU (Some CPU @ 3 GHz, AVX2)"
    assert len(describe_cpu("x86_64", cpuinfo(AVX2, "x" * 4000)).words) < 120


def test_a_machine_that_says_nothing_of_itself_has_a_class_all_the_same() -> None:
    assert describe_cpu("x86_64", "").device_class == "cpu-x86_64-sse42"
    assert this_device().device_class.startswith("cpu-")
