"""Settings: four layers, one schema, and secrets that stay secret."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from tileproof.adapters.starknet.node import endpoints_of
from tileproof.cli.wiring import worker_settings
from tileproof.config import ENVIRONMENT, SECRETS, Settings, load
from tileproof.domain.errors import ConfigError
from tileproof.domain.job import Address
from tileproof.domain.money import Fri, parse_strk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"TILEPROOF_HOME": str(tmp_path), "TILEPROOF_CACHE": str(tmp_path / "cache")}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_layer_overrules_the_one_before(tmp_path: Path, env: dict[str, str]) -> None:
    network = write(
        tmp_path / "n.toml",
        'rpc_url = "http://network"\nipfs_api = "/ip4/1.1.1.1/tcp/1"\naccount = "network"\nthreads = 1\n',
    )
    write(tmp_path / "config.toml", 'ipfs_api = "/ip4/2.2.2.2/tcp/2/http"\naccount = "user"\nthreads = 2\n')
    env |= {"STARKNET_ACCOUNT": "environment", "TILEPROOF_THREADS": "3"}
    settings = load({"network": str(network), "threads": 4}, environ=env)
    assert settings.rpc_url == "http://network"
    assert settings.ipfs_api == "/ip4/2.2.2.2/tcp/2/http"
    assert settings.account == "environment"
    assert settings.threads == 4


def test_a_network_that_a_flag_names_is_not_mixed_with_what_the_environment_says_of_another(
    tmp_path: Path, env: dict[str, str]
) -> None:
    network = write(tmp_path / "n.toml", 'rpc_url = "http://network"\ncontract = "0x1"\n')
    write(tmp_path / "config.toml", 'rpc_url = "http://user"\n')
    env |= {"STARKNET_RPC": "http://elsewhere", "JOB_REGISTRY_ADDRESS": "0x2"}
    named = load({"network": str(network)}, environ=env)
    assert (named.rpc_url, named.contract) == ("http://network", Address(1))
    by_environment = load(environ={**env, "TILEPROOF_NETWORK": str(network)})
    assert (by_environment.rpc_url, by_environment.contract) == ("http://elsewhere", Address(2))


def test_tables_of_two_layers_are_joined_key_by_key(tmp_path: Path, env: dict[str, str]) -> None:
    network = write(tmp_path / "n.toml", "[terms]\ncommittee_size = 1\nlease_seconds = 60\n")
    write(tmp_path / "config.toml", '[terms]\naudit_fee = "0.5"\nlease_seconds = 90\n')
    terms = load({"network": str(network)}, environ=env).terms
    assert (terms.committee_size, terms.lease_seconds, terms.audit_fee) == (1, 90, parse_strk("0.5"))


def test_the_network_may_be_named_by_the_user_file_too(tmp_path: Path, env: dict[str, str]) -> None:
    write(tmp_path / "networks" / "test.toml", 'rpc_url = "http://test"\n')
    write(tmp_path / "config.toml", 'network = "test"\n')
    assert load(environ=env).rpc_url == "http://test"


def test_localnet_lies_in_the_home_folder_and_says_how_to_start_it(
    tmp_path: Path, env: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"network": "localnet"}, environ=env)
    assert caught.value.code == "config.unknown_network"
    assert "localnet up" in caught.value.remedy
    write(
        tmp_path / "localnet" / "network.toml",
        'rpc_url = "http://127.0.0.1:5"\ncontract = "0x12"\ntoken = "0x13"\n'
        'ipfs_api = "/ip4/127.0.0.1/tcp/6/http"\n[accounts]\nfile = "accounts.json"\n'
        '[nodes]\na = "x"\nb = "y"\n[ports]\ndevnet = 5\n[pids]\ndevnet = 99\n',
    )
    settings = load({"network": "localnet"}, environ=env)
    assert settings.contract == Address(0x12)
    assert settings.accounts.file == tmp_path / "localnet" / "accounts.json"
    assert settings.state == tmp_path / "localnet" / "state"


def test_named_networks_never_share_a_journal(tmp_path: Path, env: dict[str, str]) -> None:
    states = set()
    for name in ("main", "test"):
        write(tmp_path / "networks" / f"{name}.toml", 'rpc_url = "http://node"\n')
        states.add(load({"network": name}, environ=env).state)
    states.add(load({}, environ=env).state)
    assert len(states) == 3


@pytest.mark.parametrize(
    "text",
    ["rcp_url = 'x'\n", "[terms]\nrewards = 1\n", "[nodes]\na = 1\n", "[worker]\nmin_reward = 0.1\n"],
)
def test_a_key_nobody_knows_or_of_the_wrong_kind_is_an_error_that_names_the_file(
    tmp_path: Path, env: dict[str, str], text: str
) -> None:
    write(tmp_path / "config.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(environ=env)
    assert caught.value.code in ("config.unknown_key", "config.invalid")
    assert str(tmp_path / "config.toml") in caught.value.message


def test_a_variable_with_our_prefix_that_nobody_knows_is_a_warning_without_its_value(
    env: dict[str, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Container platforms set such as TILEPROOF_PORT for a service of this name."""
    monkeypatch.setattr(logging.getLogger("tileproof"), "propagate", True)
    load(environ=env | {"TILEPROOF_PORT": "tcp://10.0.0.1:80", "TILEPROOF_ACOUNT": "secretive"})
    assert "TILEPROOF_PORT" in caplog.text
    assert "TILEPROOF_ACOUNT" in caplog.text
    assert "secretive" not in caplog.text


SECRET_VARIABLES = ["STARKNET_PRIVATE_KEY", "STARKNET_KEYSTORE_PASSWORD"]


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_a_secret_may_lie_in_a_file_that_a_variable_names(
    name: str, tmp_path: Path, env: dict[str, str]
) -> None:
    file = write(tmp_path / "secret", " with blanks inside \n")
    file.chmod(0o600)
    settings = load(environ=env | {f"{name}_FILE": str(file)})
    secret = settings.private_key if "PRIVATE" in name else settings.keystore_password
    assert secret is not None
    assert secret.get_secret_value() == " with blanks inside "


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_a_file_with_a_secret_is_private_there_and_not_empty(
    name: str, tmp_path: Path, env: dict[str, str]
) -> None:
    file = write(tmp_path / "secret", "0xdecafbad")
    codes = {}
    for mode in (0o644, 0o640):
        file.chmod(mode)
        codes[mode] = _refusal(env | {f"{name}_FILE": str(file)})
    assert {code for code, _ in codes.values()} == {"account.key_exposed"}
    file.chmod(0o600)
    assert _refusal(env | {f"{name}_FILE": str(file), name: "0x1"})[0] == "config.secret_twice"
    file.write_text("\n")
    assert _refusal(env | {f"{name}_FILE": str(file)})[0] == "config.unreadable"
    file.write_bytes(b"\xff\xfe\xfd")
    assert _refusal(env | {f"{name}_FILE": str(file)})[0] == "config.unreadable"
    missing = _refusal(env | {f"{name}_FILE": str(tmp_path / "none")})
    assert missing[0] == "config.unreadable"
    assert f"{name}_FILE" in missing[1]


def _refusal(environ: dict[str, str]) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        load(environ=environ)
    assert "decafbad" not in str(caught.value.as_json())
    return caught.value.code, caught.value.message


def test_a_bad_value_in_the_environment_names_its_variable(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ=env | {"JOB_REGISTRY_ADDRESS": "0xnope"})
    assert caught.value.code == "config.invalid"
    assert "JOB_REGISTRY_ADDRESS" in caught.value.message


def test_an_empty_variable_counts_as_not_set(env: dict[str, str]) -> None:
    assert load(environ=env | {"STARKNET_RPC": "", "BLENDER_PATH": ""}).rpc_url is None


def test_a_broken_file_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    write(tmp_path / "config.toml", "rpc_url = ")
    with pytest.raises(ConfigError) as caught:
        load(environ=env)
    assert caught.value.code == "config.unreadable"


def test_a_secret_in_a_file_is_refused_without_being_repeated(tmp_path: Path, env: dict[str, str]) -> None:
    write(tmp_path / "config.toml", 'private_key = "0xdecafbad"\n')
    with pytest.raises(ConfigError) as caught:
        load(environ=env)
    assert caught.value.code == "config.secret_in_file"
    assert "decafbad" not in f"{caught.value.as_json()}"


def test_secrets_never_show_in_text_of_any_kind(env: dict[str, str]) -> None:
    env |= {"STARKNET_PRIVATE_KEY": "0xdecafbad", "STARKNET_KEYSTORE_PASSWORD": "open sesame"}
    settings = load(environ=env)
    for text in (repr(settings), str(settings), f"{settings.private_key}"):
        assert "decafbad" not in text
        assert "sesame" not in text
    assert settings.private_key is not None
    assert settings.private_key.get_secret_value() == "0xdecafbad"


def test_amounts_are_exact_and_a_toml_float_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    write(tmp_path / "config.toml", '[fees]\nper_tx = "0.000000000000000001"\n')
    assert load(environ=env).fees.per_tx == Fri(1)


def test_a_path_in_a_file_is_relative_to_that_file(tmp_path: Path, env: dict[str, str]) -> None:
    write(tmp_path / "config.toml", 'keystore = "keys/me.json"\n[accounts]\nfile = "/abs/accounts.json"\n')
    settings = load(environ=env)
    assert settings.keystore == tmp_path / "keys" / "me.json"
    assert settings.accounts.file == Path("/abs/accounts.json")


def test_the_example_lists_exactly_the_variables_that_are_read() -> None:
    names = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.M)
    assert sorted(names) == sorted(ENVIRONMENT)
    assert len(names) == len(set(names))


def test_the_example_can_be_loaded_as_it_stands() -> None:
    pairs = re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.M)
    settings = load(environ=dict(pairs))
    assert settings.rpc_url == "http://127.0.0.1:5050/rpc"


def test_every_variable_sets_a_field_that_exists() -> None:
    for dotted in ENVIRONMENT.values():
        table, _, key = dotted.partition(".")
        field = Settings.model_fields[table]
        if key:
            assert key in field.annotation.model_fields  # type: ignore[union-attr]
    assert set(Settings.model_fields) >= SECRETS


def test_nothing_else_reads_the_environment() -> None:
    """Handing the whole environment on to another program is not reading it."""
    readers = [
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"\bgetenv\b|\benviron\s*(\[|\.)|import .*\benviron\b", path.read_text())
    ]
    assert readers == ["config.py"]
    assert "os.environ if environ is None" in (ROOT / "src" / "config.py").read_text()


def test_a_worker_appeals_unless_it_is_told_not_to(env: dict[str, str]) -> None:
    assert worker_settings(load(environ=env)).appeal is True
    told = load(environ={**env, "TILEPROOF_WORKER_APPEAL": "false"})
    assert worker_settings(told).appeal is False


def test_several_endpoints_are_named_with_commas_or_one_by_one(tmp_path: Path) -> None:
    env = {"TILEPROOF_HOME": str(tmp_path)}
    write(tmp_path / "config.toml", 'rpc_url = ["http://a/rpc", "http://b/rpc"]\n')
    assert load(environ=env).rpc_url == "http://a/rpc,http://b/rpc"
    named = load(environ=env | {"STARKNET_RPC": "http://c/rpc, http://d/rpc"})
    assert endpoints_of(str(named.rpc_url)) == ("http://c/rpc", "http://d/rpc")


def test_an_endpoint_named_twice_is_one() -> None:
    assert endpoints_of("http://a/rpc,http://b/rpc,,http://a/rpc") == ("http://a/rpc", "http://b/rpc")


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (" http://a/rpc ", ["http://a/rpc"]),
        ('"http://a/rpc"', ["http://a/rpc"]),
        ("HTTP://a/rpc", ["http://a/rpc"]),
        ("http://a/rpc;http://b/rpc", ["http://a/rpc", "http://b/rpc"]),
        ("127.0.0.1:5050/rpc", ["http://127.0.0.1:5050/rpc"]),
        ("localhost:5050", ["http://localhost:5050"]),
        ("[::1]:5050", ["http://[::1]:5050"]),
    ],
)
def test_urls_of_nodes_are_taken_in_the_forms_that_people_write(text: str, urls: list[str]) -> None:
    assert list(endpoints_of(text)) == urls


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ws://127.0.0.1:5050/ws", "http://"),
        ("wss://node/ws", "https://"),
        ("node.example/rpc", "http://"),
        ("ftp://node", "neither"),
        ("http://", "host"),
        ("http://[::1", "host"),
        ("http://node:99999/", "port"),
        (" , ; ", "empty"),
    ],
)
def test_a_url_of_another_form_is_refused_and_the_form_is_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        endpoints_of(text)
    assert caught.value.code == "ledger.bad_url"
    assert named in caught.value.message


def test_a_refused_url_shows_no_key_in_it() -> None:
    for url in ("wss://node/v3/0123456789SECRET", "ftp://me:SECRET@node", "node.example/?key=SECRET"):
        with pytest.raises(ConfigError) as caught:
            endpoints_of(url)
        assert "SECRET" not in str(caught.value.as_json())


def test_settings_show_no_url_in_their_repr(env: dict[str, str]) -> None:
    settings = load(
        environ=env | {"STARKNET_RPC": "https://node/v3/SECRETKEY01", "IPFS_API": "http://a:SECRET@b"}
    )
    assert "SECRET" not in repr(settings)
