"""Proxies of the environment: never for this machine itself, and named when they cannot be used."""

from __future__ import annotations

import pytest
from tileproof.adapters.proxies import is_loopback, proxy_for
from tileproof.domain.errors import ConfigError

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::ffff:127.0.0.1"],
)
def test_loopback_is_never_asked_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES[:3]:
        monkeypatch.setenv(name, "socks://127.0.0.1:9")
    url = f"http://[{host}]:5001" if ":" in host else f"http://{host}:5001"
    assert proxy_for(url) is None
    assert is_loopback(host)


def test_the_scheme_of_the_url_chooses_the_proxy_and_no_proxy_exempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://one:1")
    monkeypatch.setenv("all_proxy", "two:2")
    monkeypatch.setenv("NO_PROXY", "exempt.example")
    assert proxy_for("https://node.example/rpc") == "http://one:1"
    assert proxy_for("http://node.example/rpc") == "http://two:2"
    assert proxy_for("https://exempt.example/rpc") is None


@pytest.mark.parametrize(
    "proxy", ["socks://me:hunter2@p:1", "socks5h://p:1", "what://p", "http://", "http://p:x", "::"]
)
def test_a_proxy_that_cannot_be_used_is_named_with_its_variable(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigError) as caught:
        proxy_for("http://node.example/rpc")
    assert caught.value.code == "proxy.unusable"
    assert "ALL_PROXY" in caught.value.message
    assert "NO_PROXY" in caught.value.remedy
    assert "hunter2" not in str(caught.value.as_json())
