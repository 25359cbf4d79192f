"""Secrets kept out of what people and files get to read.

URLs of services carry passwords and API keys, so they are shown masked. Everything secret that the
settings hold is remembered, and ``redacted`` takes it out of any text, a traceback of a library too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

MASK = "***"
LEAST_LENGTH = 5
"""Shorter secrets are only masked where they stand: elsewhere they may be any word."""
_OPEN_SEGMENT = re.compile(
    r"|rpc|ws|api|starknet|juno|pathfinder|mainnet|sepolia|testnet|devnet|v\d{1,2}([._]\d{1,2}){0,2}", re.I
)
_WORD = re.compile(r"[a-z_-]{0,11}|.{0,7}", re.S)
"""A part of a URL that may stand in a message for another reason: it is masked in the URL only."""
_known: set[str] = set()


def masked_url(url: str) -> str:
    """Returns the URL without credentials: scheme, host and the parts of its path that many share."""
    url = url.strip()
    if url.startswith("/"):
        return url  # a multiaddr has no credentials
    scheme, host, segments, has_user, has_query = _parts(url)
    shown = "/".join(part if _OPEN_SEGMENT.fullmatch(part) else MASK for part in segments)
    user = f"{MASK}@" if has_user else ""
    return f"{scheme}{user}{host}{'/' if segments else ''}{shown}{'?' + MASK if has_query else ''}"


def holds_secret(url: str) -> bool:
    """Returns True if the URL certainly has a secret: a password, or a part that looks like an API key.

    ``masked_url`` hides more: whatever might be one. A file is refused only for what certainly is.
    """
    after = url.partition("://")[2]
    has_password = "@" in after.partition("/")[0]
    looks_random = re.search(r"[/=](?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}", after)
    return has_password or looks_random is not None or re.search(r"[?&]\w*(key|token)\w*=", url) is not None


def remember(secret: str) -> None:
    """Makes ``redacted`` mask this text from now on."""
    if len(secret) >= LEAST_LENGTH:
        _known.add(secret)


def remember_url(url: str) -> None:
    """Makes ``redacted`` mask everything in this URL that ``masked_url`` hides."""
    for secret in _secrets_of(url):
        remember(secret)
        remember(unquote(secret))


def redacted(text: str) -> str:
    """Returns the text with every remembered secret masked, the longest first."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def forget_all() -> None:
    """Forgets every secret; for tests."""
    _known.clear()


def _secrets_of(url: str) -> Iterator[str]:
    body = url.partition("://")[2] or url
    before, _, query = body.partition("?")
    user, at, _ = before.rpartition("@")
    if at:
        yield user
        name, _, password = user.partition(":")
        yield password or name
    hidden = [part for part in _parts(url)[2] if not _OPEN_SEGMENT.fullmatch(part)]
    values = [query, *(pair.partition("=")[2] for pair in query.split("&"))]
    yield from (part for part in (*hidden, *values) if not _WORD.fullmatch(part))


def _parts(url: str) -> tuple[str, str, list[str], bool, bool]:
    """Returns scheme, host with port, segments of the path, and if there are a user and a query."""
    scheme, separator, body = url.partition("://")
    if not separator:
        scheme, body = "", url
    body, _, fragment = body.partition("#")
    body, _, query = body.partition("?")
    has_user, (_, _, body) = "@" in body, body.rpartition("@")
    host, slash, path = body.partition("/")
    return f"{scheme}{separator}", host, path.split("/") if slash else [], has_user, bool(query or fragment)
