"""Secrets of URLs: masked in whatever shows them, in a library's traceback too."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.adapters.log_lines import JsonFormatter, TextFormatter
from tileproof.cli.console import run
from tileproof.domain.redaction import (
    forget_all,
    holds_secret,
    masked_url,
    redacted,
    remember,
    remember_url,
)

SECRETS = st.text("abcdefXYZ0123456789", min_size=12, max_size=40)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    forget_all()
    yield
    forget_all()


@given(SECRETS, SECRETS)
def test_no_part_of_a_url_that_may_be_a_secret_is_shown(one: str, other: str) -> None:
    for url in (
        f"https://{one}:{other}@node.example:8/rpc/v0_10",
        f"https://node.example:8/starknet/{one}/v0_10?apikey={other}",
        f"https://node.example:8/rpc#{one}{other}",
        f"node.example:8/{one}/{other}",
    ):
        shown = masked_url(url)
        assert one not in shown
        assert other not in shown
        assert "node.example:8" in shown


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5050/rpc",
        "https://node/rpc/v0_10",
        "http://localhost:1",
        "/ip4/127.0.0.1/tcp/5001/http",
    ],
)
def test_a_url_without_a_secret_is_shown_as_it_is(url: str) -> None:
    assert masked_url(url) == url


@given(SECRETS, st.sampled_from(["https://u:{}@node", "https://node/v3/{}", "https://node/rpc?api_key={}"]))
def test_what_a_file_may_not_hold_is_hidden_wherever_the_url_is_shown(secret: str, form: str) -> None:
    url = form.format(secret)
    assert secret not in masked_url(url)
    certain = "/v3/" not in form or (len(secret) >= 20 and not secret.isalpha() and not secret.isdigit())
    assert holds_secret(url) is certain


def test_everything_that_is_hidden_in_a_url_is_taken_out_of_any_text() -> None:
    remember_url("https://operator:hunter2@node/v3/0123456789abcdef?key=Zm9vYmFy")
    text = redacted("GET /v3/0123456789abcdef?key=Zm9vYmFy by operator:hunter2, hunter2")
    assert "hunter2" not in text
    assert "0123456789abcdef" not in text
    assert "Zm9vYmFy" not in text


def test_a_plain_word_of_a_path_stays_readable_elsewhere() -> None:
    remember_url("http://127.0.0.1:5050/wrong")
    assert redacted("ledger.wrong_chain") == "ledger.wrong_chain"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_traceback_in_a_log_shows_no_secret(formatter: logging.Formatter) -> None:
    remember("0123456789abcdef")
    try:
        raise ValueError("asked /v3/0123456789abcdef")
    except ValueError as error:
        record = logging.LogRecord(
            "tileproof.x",
            10,
            "x",
            1,
            "url %s",
            ("0123456789abcdef",),
            (ValueError, error, error.__traceback__),
        )
    assert "0123456789abcdef" not in formatter.format(record)


def test_a_bug_of_ours_shows_its_traceback_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    remember("0123456789abcdef")

    def fails(_: object) -> None:
        raise ValueError("asked /v3/0123456789abcdef")

    assert run(fails, ["--json"]) == 70
    assert "ValueError" in said.getvalue()
    assert "0123456789abcdef" not in said.getvalue()
