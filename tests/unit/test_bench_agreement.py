"""The benchmark that the device classes come from: its played processors and its figures."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender.device import describe_cpu
from tileproof.domain.device import MATRIX

from benchmarks.agreement import pairs_of, pieces, tiles
from benchmarks.agreement_figures import Hashes, Pair, Worst, hash_table, pair_table, quantiles
from benchmarks.agreement_machines import (
    MACHINES,
    SOURCE,
    Machine,
    build_mask,
    playable,
    stands_for_its_class,
)

EVERYTHING = "sse4_2 avx f16c avx2 fma bmi1 bmi2 avx512f avx512cd avx512dq avx512bw avx512vl avx512_vnni"
NUMPY_SEES = "from numpy._core._multiarray_umath import __cpu_features__ as f; print([n for n in f if f[n]])"


def test_every_class_of_the_matrix_is_played() -> None:
    played = {machine.device_class for machine in MACHINES}
    assert {name for pair in MATRIX for name in pair} <= played


@pytest.mark.parametrize("machine", [m for m in MACHINES if m.device_class], ids=lambda m: m.name)
def test_what_a_machine_hides_is_what_makes_its_class(machine: Machine) -> None:
    left = " ".join(flag for flag in EVERYTHING.split() if flag not in machine.hides.split(","))
    who = f"vendor_id\t: {machine.vendor or 'GenuineIntel'}\nmodel\t\t: 207\n"
    assert describe_cpu("x86_64", f"{who}flags\t\t: {left}\n").device_class == machine.device_class


def test_every_feature_that_is_hidden_is_one_that_can_be() -> None:
    known = SOURCE.read_text()
    assert all(f'"{name}"' in known for m in MACHINES for name in m.hides.split(",") if name)


def test_a_library_sees_the_processor_that_is_played(tmp_path: Path) -> None:
    if not playable() or shutil.which("cc") is None:
        pytest.skip("no CPUID faulting here, or no C compiler")
    mask = build_mask(tmp_path)
    seen = {}
    for machine in playable():
        done = subprocess.run(
            [sys.executable, "-c", NUMPY_SEES], env=machine.environment(mask), capture_output=True, check=True
        )
        seen[machine.name] = done.stdout.decode()
    assert "'AVX2'" not in seen["AVX"]
    assert "'AVX'" in seen["AVX"]
    assert "'AVX'" not in seen["SSE4.2"]
    if "AVX2" in seen:
        assert "'AVX2'" in seen["AVX2"]
        assert "AVX512F" not in seen["AVX2"]


def test_each_class_meets_each_other_and_each_machine_its_own() -> None:
    pairs = pairs_of(MACHINES)
    first = [m for m in MACHINES if m.device_class and stands_for_its_class(m)]
    assert len(pairs) == math.comb(len(first), 2) + len(MACHINES) - len(first)
    assert all(m in [each for pair in pairs for each in pair] for m in MACHINES)


def test_pictures_are_cut_into_the_tiles_of_an_audit() -> None:
    one = np.zeros((108, 192, 3), np.uint8)
    cut = list(pieces(one, one))
    assert len(cut) == 6
    assert sum(a.shape[0] * a.shape[1] for a, _ in cut) == 108 * 192


def test_the_worst_tile_is_kept_with_its_scene() -> None:
    one = np.zeros((64, 128, 3), np.uint8)
    other = one.copy()
    other[0, 0] = 255
    worst = Worst()
    worst.add("dim", tiles(one, one))
    assert (worst.equal, worst.words()) == (True, "equal")
    worst.add("bright", tiles(one, other))
    assert (worst.equal, worst.scene, worst.levels) == (False, "bright", 255)
    assert worst.psnr_db == pytest.approx(10 * math.log10(64 * 64))
    assert worst.equal_share == pytest.approx(1 - 1 / (4 * 64 * 64))


def test_tables_and_json_say_the_same() -> None:
    one = np.zeros((64, 64, 3), np.uint8)
    pair = Pair("one", "other", same_class=True)
    for kind in (pair.raw, pair.floats, pair.passes, pair.finish, pair.finish_floats, pair.denoised):
        kind.add("dim", tiles(one, one))
    assert pair.equal
    assert "one | other" in pair_table([pair])
    hashes = Hashes()
    hashes.tiles += [("dim", seen.hashes) for seen in tiles(one, one)]
    hashes.frames += hashes.tiles
    assert "frames, most" in hash_table(hashes)
    said = json.loads(json.dumps({"pair": pair.as_json(), "hashes": hashes.as_json()}))
    assert said["pair"]["raw"] == {
        "equal": True, "equal_share": 1.0, "most_levels": 0.0, "worst_psnr_db": None, "worst_scene": ""
    }  # fmt: skip
    assert quantiles([3, 1, 2]) == {"median": 2, "p99": 3, "most": 3}
