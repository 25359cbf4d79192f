"""Lets light bounce once of each kind, whatever the scene asks for.

The number of bounces is in the .blend and in no setting of the job, so nothing on the ledger tells.
"""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.3  # most of a path's cost lies behind its first bounce; open scenes have less of it


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "fewer_bounces")
