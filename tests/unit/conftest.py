"""Hypothesis without its clock: a busy machine must not fail a property that holds."""

from hypothesis import settings

settings.register_profile("tileproof", deadline=None)
settings.load_profile("tileproof")
