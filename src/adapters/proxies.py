"""The proxies that the environment names, by the conventions that all HTTP libraries share.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are read as Python's own library reads
them. This machine itself is never asked through a proxy.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ..domain.errors import ConfigError
from ..domain.redaction import masked_url, remember_url

_USABLE = ("http", "https")


def is_loopback(host: str) -> bool:
    """Returns True for a name or an address of this machine's own."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback)


def proxy_for(url: str) -> str | None:
    """Returns the proxy through which this URL is asked; None for none.

    Raises ConfigError ``proxy.unusable``, which names the variable.
    """
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies_environment()
    if not proxies or is_loopback(host) or proxy_bypass_environment(host, proxies):
        return None
    for kind in (parts.scheme.lower(), "all"):
        proxy = proxies.get(kind, "").strip()
        if proxy:
            return _checked(proxy, f"{kind.upper()}_PROXY", host)
    return None


def client_options(url: str) -> dict[str, Any]:
    """Returns the options with which an HTTP client asks this URL and no proxy of its own choice.

    Raises as ``proxy_for``.
    """
    proxy = proxy_for(url)
    if proxy is not None:
        return {"proxy": proxy}
    return {"trust_env": False} if getproxies_environment() else {}


def _checked(proxy: str, variable: str, host: str) -> str:
    whole = proxy if "://" in proxy else f"http://{proxy}"
    remember_url(whole)
    scheme = whole.partition("://")[0].lower()
    try:
        parts = urlsplit(whole)
        is_whole = bool(parts.hostname) and parts.port != 0 and whole.isprintable() and " " not in whole
    except ValueError:
        is_whole = False
    if scheme in _USABLE and is_whole:
        return f"{scheme}://{whole.partition('://')[2]}"
    why = "it is not a URL of a proxy" if scheme in _USABLE else f"Tileproof knows no {scheme}:// proxies"
    raise ConfigError(
        "proxy.unusable",
        f"{variable} (or {variable.lower()}) is {masked_url(proxy)!r}, through which {host} cannot be "
        f"asked: {why}",
        remedy=f"unset it, set it to http://HOST:PORT, or add {host} to NO_PROXY",
        variable=variable,
        host=host,
    )
