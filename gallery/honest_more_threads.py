"""Honest: renders with one thread more than it was told."""

from dataclasses import replace

from tileproof.ports.renderer import Limits, Renderer

from .wrapping import WrappedRenderer

HONEST = True


def dress(renderer: Renderer) -> Renderer:
    def stretch(limits: Limits) -> Limits:
        return replace(limits, threads=limits.threads + 1)

    return WrappedRenderer(renderer, stretch=stretch)
