"""Relative paths that others chose and that we will write to disk."""

from __future__ import annotations

from .canonical import is_plain_text


def is_safe_path(path: str) -> bool:
    """True for a relative posix path that stays below the folder it is joined to.

    At most 1,024 bytes in all and 255 a part; no empty, ``.`` or ``..`` part, no backslash,
    no control character.
    """
    if not 1 <= len(path.encode("utf-8", "surrogatepass")) <= 1024 or "\\" in path:
        return False
    return is_plain_text(path) and all(
        part not in ("", ".", "..") and len(part.encode()) <= 255 for part in path.split("/")
    )
