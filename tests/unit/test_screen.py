"""The cheap look at every frame."""

from __future__ import annotations

import numpy as np
from tileproof.audit.screen import Oddity, against_preview, facts_of, screen

from .test_compare import scene


def test_ordinary_frames_are_not_odd() -> None:
    frames = [np.roll(scene(), shift, axis=1) for shift in range(4)]
    assert screen([facts_of(n, frame) for n, frame in enumerate(frames)]) == ()


def test_a_blank_frame_is_found() -> None:
    findings = screen([facts_of(1, scene()), facts_of(2, np.full((8, 8, 3), 7, np.uint8))])
    assert [(f.oddity, f.frame) for f in findings] == [(Oddity.BLANK, 2)]


def test_a_repeated_frame_is_found_and_names_the_first() -> None:
    findings = screen([facts_of(1, scene()), facts_of(2, scene()[::-1]), facts_of(3, scene())])
    assert [(f.oddity, f.frame) for f in findings] == [(Oddity.REPEATED, 3)]
    assert "frame 1" in findings[0].detail


def test_a_frame_of_another_scene_is_unlike_its_preview() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    finding = against_preview(facts_of(5, noise), scene(16))
    assert finding is not None
    assert (finding.oddity, finding.frame) == (Oddity.UNLIKE_PREVIEW, 5)


def test_a_small_noisy_preview_of_the_same_frame_is_like_it() -> None:
    preview = np.clip(scene(24) + np.random.default_rng(0).normal(0, 15, (24, 24, 3)), 0, 255)
    assert against_preview(facts_of(5, scene()), preview.astype(np.uint8)) is None
