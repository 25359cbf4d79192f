"""The address of a Kubo API, in the forms that users of Kubo write it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ...domain.errors import ConfigError
from ...domain.felt_text import pasted
from ...domain.redaction import masked_url, remember_url

_MULTIADDR = re.compile(
    r"/(ip4|ip6|dns|dns4|dns6)/([^/\s]+)/tcp/(\d{1,5})(?:/(http|https|tls/http))?(?:/api/v0)?/*", re.I
)
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})(?:/api/v0)?/*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?")
_API_PATH = re.compile(r"/*(api/v0)?/*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """Where a Kubo API is; ``kind`` is the multiaddr's protocol of the host."""

    kind: str
    host: str
    port: int
    scheme: str
    user: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def multiaddr(self) -> str:
        return f"/{self.kind}/{self.host}/tcp/{self.port}/{self.scheme}"

    @property
    def root(self) -> str:
        """The server's own URL, without credentials."""
        host = f"[{self.host}]" if self.kind == "ip6" else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_api_address(text: str) -> ApiAddress:
    """Returns what a multiaddr, a URL or ``HOST:PORT`` means.

    Raises ConfigError ``content.bad_address``, which names the forms expected.
    """
    given = pasted(text)
    try:
        if given.startswith("/"):
            match = _MULTIADDR.fullmatch(given)
            if match is None:
                raise ValueError
            kind, host, port = match[1].lower(), match[2], int(match[3])
            scheme = "http" if (match[4] or "http").lower() == "http" else "https"
            return _checked(kind, host, port, scheme, None)
        if "://" in given:
            return _of_url(given)
        match = _HOST_AND_PORT.fullmatch(given)
        if match is None:
            raise ValueError
        return _checked(None, match[1].strip("[]"), int(match[2]), "http", None)
    except ValueError:
        raise ConfigError(
            "content.bad_address",
            f"{masked_url(given)[:200]!r} is not the address of a Kubo API",
            remedy="set IPFS_API to a multiaddr such as /ip4/127.0.0.1/tcp/5001/http, a URL such as "
            "http://127.0.0.1:5001, or HOST:PORT",
            address=masked_url(given)[:200],
        ) from None


def _of_url(given: str) -> ApiAddress:
    parts = urlsplit(given)
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or parts.query or parts.fragment or not _API_PATH.fullmatch(parts.path):
        raise ValueError
    user = None
    if parts.username is not None or parts.password is not None:
        remember_url(given)
        user = (unquote(parts.username or ""), unquote(parts.password or ""))
    port = _DEFAULT_PORTS[scheme] if parts.port is None else parts.port
    return _checked(None, parts.hostname or "", port, scheme, user)


def _checked(kind: str | None, host: str, port: int, scheme: str, user: tuple[str, str] | None) -> ApiAddress:
    """Returns the address; ``kind`` None is found out from the host. Raises ValueError."""
    if not 0 < port < 65536:
        raise ValueError
    if kind in (None, "ip4", "ip6"):
        try:
            found = f"ip{ipaddress.ip_address(host).version}"
        except ValueError:
            found = "dns"
        if kind not in (None, found):
            raise ValueError
        kind = found
    if kind.startswith("dns") and not _HOST.fullmatch(host):
        raise ValueError
    return ApiAddress(kind, host, port, scheme, user)
