"""``tileproof setup``: programs are found or named, the user's file is written once and on request only."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
import typer
from tileproof.cli.__main__ import assembled, command
from tileproof.cli.console import can_ask, note, run
from tileproof.cli.show import transaction_url
from tileproof.config import check_user_file, load, write_user_file
from tileproof.domain.errors import ConfigError
from tileproof.provision.locate import in_cache
from tileproof.provision.table import BPY, DEVNET, KUBO, TOOLS

SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a cache that has every program already; nothing is on PATH."""
    for name in [name for name in os.environ if name.startswith(("TILEPROOF_", "STARKNET_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("BLENDER_PATH", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("TILEPROOF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TILEPROOF_CACHE", str(tmp_path / "cache"))
    for tool in TOOLS:
        program = in_cache(tool, tmp_path / "cache")
        program.parent.mkdir(parents=True)
        program.touch()
    return tmp_path / "home"


def tileproof(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(command, arguments)
    return (status, *capsys.readouterr())


# --- config.toml ---


def test_without_a_terminal_the_options_are_written_and_nothing_is_asked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = tileproof(
        capsys, "setup", "--network", "localnet", "--account", "requester", "--reward", "1.5", "--json"
    )
    assert status == 0
    written = tomllib.loads((home / "config.toml").read_text())
    assert written == {"network": "localnet", "account": "requester", "terms": {"reward": "1.5"}}
    document = json.loads(out)
    assert document["config"]["written"]
    assert set(document["programs"]) == {BPY.name, KUBO.name}


def test_without_options_and_a_terminal_no_file_is_written(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = tileproof(capsys, "setup", "--localnet")
    assert status == 0
    assert DEVNET.name in out
    assert not home.exists()


def test_a_file_that_is_there_is_never_replaced_unasked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "config.toml").write_text('account = "mine"\n')
    status, _, err = tileproof(capsys, "setup", "--account", "other")
    assert (status, "setup.config_exists" in err) == (2, True)
    assert (home / "config.toml").read_text() == 'account = "mine"\n'
    assert tileproof(capsys, "setup", "--account", "other", "--overwrite")[0] == 0
    assert load().account == "other"


def test_a_dry_run_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = tileproof(capsys, "setup", "--account", "me", "--dry-run")
    assert (status, "would hold account me" in out) == (0, True)
    assert not home.exists()


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--rpc", "https://me:secret@node/rpc", "config.secret_in_file"),
        ("--rpc", "https://node/v2/a8Kd93jfLs0fjw8FJs93jfkslq", "config.secret_in_file"),
        ("--rpc", "https://node/rpc?apikey=abc", "config.secret_in_file"),
        ("--contract", "no address", "config.invalid"),
        ("--reward", "much", "config.invalid"),
        ("--network", "unheard-of", "config.unknown_network"),
    ],
)
def test_what_cannot_be_used_or_must_not_be_written_is_refused_before_anything_is_fetched(
    home: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, code: str
) -> None:
    status, out, err = tileproof(capsys, "setup", option, value)
    assert (status, out) == (3, "")
    assert code in err
    assert not home.exists()


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "back\\slash", "tab\tnew\nline", "é\x7f"])
def test_what_is_written_is_read_again_as_it_was(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep" / "config.toml"
    check_user_file({"account": text, "accounts.file": "/a"}, path)
    write_user_file({"account": text, "accounts.file": "/a"}, path)
    assert tomllib.loads(path.read_text()) == {"account": text, "accounts": {"file": "/a"}}
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        write_user_file({"account": "me"}, tmp_path / "file" / "config.toml")
    assert caught.value.code == "config.not_writable"


def test_a_terminal_is_asked_once_for_network_and_account(home: Path) -> None:
    first = typed(("setup", "--localnet"), "\n\n")
    assert "network" in first
    assert load(needs_network=False).account == "requester"
    assert tomllib.loads((home / "config.toml").read_text())["network"] == "localnet"
    assert "account (" not in typed(("setup", "--localnet"), "")


def typed(arguments: tuple[str, ...], answers: str) -> str:
    """What a terminal shows on which a person types the answers."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "tileproof.cli", *arguments], stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            os.write(ours, answers.encode())
            shown = b"".join(chunks(ours))
        assert process.returncode == 0, shown.decode()
        return shown.decode()
    finally:
        os.close(ours)


def chunks(terminal: int) -> Iterator[bytes]:
    """What comes until nobody has the other side open."""
    while True:
        try:
            yield os.read(terminal, 4096)
        except OSError:
            return


def test_the_local_network_can_be_chosen_before_it_exists(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "config.toml").write_text('network = "localnet"\n')
    status, out, _ = tileproof(capsys, "localnet", "status")
    assert (status, "is down" in out) == (0, True)
    status, _, err = tileproof(capsys, "client", "list")
    assert (status, "tileproof localnet up" in err) == (3, True)


# --- folders ---


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / "config"))
    monkeypatch.setattr(platformdirs, "user_state_dir", lambda name: str(tmp_path / "state"))
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / "data"))
    return tmp_path


def test_configuration_and_state_lie_in_folders_of_their_own(folders: Path) -> None:
    (folders / "config" / "networks").mkdir(parents=True)
    (folders / "config" / "networks" / "test.toml").write_text('rpc_url = "http://test"\n')
    (folders / "config" / "config.toml").write_text('network = "test"\nkeystore = "key.json"\n')
    settings = load(environ={})
    assert settings.rpc_url == "http://test"
    assert settings.keystore == folders / "config" / "key.json"
    assert settings.home == folders / "state"
    assert settings.state == folders / "state" / "networks" / "test" / "state"


def test_one_home_holds_everything(folders: Path) -> None:
    settings = load(environ={"TILEPROOF_HOME": str(folders / "home")})
    assert (settings.home, settings.user_file) == (folders / "home", folders / "home" / "config.toml")


def test_the_folder_of_an_earlier_version_is_read_with_a_notice(
    folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folders / "data").mkdir()
    (folders / "data" / "config.toml").write_text('account = "mine"\n')
    settings = load(environ={})
    assert (settings.account, settings.home) == ("mine", folders / "data")
    assert str(folders / "data") in caplog.text
    caplog.clear()
    (folders / "state").mkdir()
    assert load(environ={}).account is None
    assert caplog.text == ""


# --- programs from elsewhere ---


def test_a_file_with_the_digest_that_its_publisher_gives_is_installed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "starknet-devnet"
    program.write_text("#!/bin/sh\necho starknet-devnet 0.10.1\n")
    digest = f"devnet=sha256:{hashlib.sha256(program.read_bytes()).hexdigest()}"
    assert tileproof(capsys, "setup", "devnet", "--from", f"devnet={program}", "--digest", digest)[0] == 0
    installed = in_cache(DEVNET, tmp_path / "cache")
    assert installed.read_text() == program.read_text()
    assert os.access(installed, os.X_OK)
    program.write_text("something else")
    status, _, err = tileproof(capsys, "setup", "devnet", "--from", f"devnet={program}", "--digest", digest)
    assert (status, "provision.digest_mismatch" in err) == (4, True)
    assert installed.read_text() != program.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--from", "devnet=/a"), "provision.digest_missing"),
        (("--from", "bpy=/a"), "provision.bad_source"),
        (("--from", "devnet"), "provision.bad_source"),
        (("--digest", "devnet=sha256:" + "0" * 64), "provision.bad_source"),
        (("--from", "devnet=/a", "--digest", "devnet=sha256:12"), "provision.bad_digest"),
        (("--from", "devnet=/a", "--digest", "devnet=md5:" + "0" * 32), "provision.bad_digest"),
        (("hammer",), "provision.unknown_tool"),
    ],
)
def test_a_source_that_cannot_be_checked_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
) -> None:
    status, _, err = tileproof(capsys, "setup", *arguments)
    assert (status, code in err) == (2, True)


def test_a_file_that_is_not_there_has_its_own_code(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digest = "devnet=sha256:" + "0" * 64
    status, _, err = tileproof(capsys, "setup", "--from", "devnet=/nowhere/x", "--digest", digest)
    assert (status, "provision.unavailable" in err) == (4, True)


# --- submit ---


def test_without_a_reward_and_a_terminal_nothing_is_opened_or_spent(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not can_ask()
    status, _, err = tileproof(capsys, "client", "submit", "scene.blend")
    assert (status, "submit.no_reward" in err) == (2, True)
    home.mkdir()
    (home / "config.toml").write_text('[terms]\nreward = "1"\n')
    status, _, err = tileproof(capsys, "client", "submit", "scene.blend")
    assert (status, "--yes" in err) == (2, True)
    status, _, err = tileproof(capsys, "client", "submit", "scene.blend", "--yes")
    assert "submit.no_reward" not in err


# --- what messages name ---


def texts_of(path: Path) -> Iterator[str]:
    """Every text of a module apart from docstrings; what is put into one is a space."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "<>" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | inside:
            yield node.value


def test_every_command_that_a_message_names_exists() -> None:
    app = typer.main.get_command(assembled(()))
    named = []
    for path in sorted(SRC.rglob("*.py")):
        for text in texts_of(path):
            if path.parent.name == "provision" and path.stem == "__main__":
                continue  # it names itself; people type `tileproof setup`
            assert "python -m tileproof" not in text, path
            assert re.search(r"`make\b", text) is None, path
            found = re.findall(r"(?:`|: |, then |, and )tileproof ([^`,;]+)", text)
            named += [(path.name, words) for words in found]
    assert len(named) > 10
    for where, words in named:
        at = app
        wanted = words.split()
        while wanted and hasattr(at, "commands"):
            word = wanted.pop(0)
            if word.startswith(("-", "<>", "…")):
                takes_value = word in ("--network", "--account", "--home")
                wanted = wanted[1:] if takes_value else wanted
                continue
            assert word in at.commands, f"{where}: tileproof {words}"
            at = at.commands[word]
        options = {name for each in at.params for name in (*each.opts, *each.secondary_opts)}
        for word in wanted:
            assert not word.startswith("--") or word in {*options, "--help"}, f"{where}: tileproof {words}"


# --- links ---


def test_a_transaction_is_a_page_of_the_explorer_where_one_is_set(home: Path) -> None:
    assert transaction_url("https://explorer.example/", 0x1F) == "https://explorer.example/tx/0x1f"
    assert transaction_url(None, 0x1F) is None
    assert transaction_url("https://explorer.example", 0) is None
    with pytest.raises(ConfigError):
        load({"explorer_url": "javascript:alert(1)"})


def test_a_pipe_gets_a_transactions_hash_without_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    note("transaction ", link=("0x1f", "https://explorer.example/tx/0x1f"))
    assert capsys.readouterr().err == "transaction  0x1f\n"
