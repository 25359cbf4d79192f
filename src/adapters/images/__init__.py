"""The ImageDecoder port: headers are read here, pixels in processes that cannot hurt us."""

from .decoder import ChildDecoder

__all__ = ["ChildDecoder"]
