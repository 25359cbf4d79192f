"""Accounts in the files and variables that users of Starknet have; and keys that never show."""

from __future__ import annotations

import json
import logging
import os
import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_keyfile.keyfile import create_keyfile_json
from hypothesis import given
from hypothesis import strategies as st
from starknet_py.constants import EC_ORDER
from tileproof.adapters.starknet.accounts import (
    MAX_FILE_BYTES,
    Signer,
    load_address,
    load_signer,
    mark_deployed,
    mint,
    predeployed,
    write_sncast,
)
from tileproof.domain.errors import ConfigError, ServiceError
from tileproof.domain.job import Address
from tileproof.domain.money import Fri
from tileproof.localnet.devnet import free_port

ADDRESS = "0x064b48806902a367c8598f4f95c305e8c1a1acba5f082d294a43793113115691"
KEY = 0x71D7BB07B9A64F6F78AC4C816AFF4DA9
PASSWORD = "correct horse battery stäple"
ME = Signer(Address(int(ADDRESS, 16)), KEY)


def private(path: Path, content: object, mode: int = 0o600) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    """As `starkli signer keystore` leaves it, with fewer rounds."""
    whole = create_keyfile_json(KEY.to_bytes(32, "big"), PASSWORD.encode(), kdf="scrypt", iterations=2)
    return private(tmp_path / "keystore.json", whole)


@pytest.fixture
def starkli_account(tmp_path: Path) -> Path:
    """As `starkli account fetch` leaves it: no secret inside, so anyone may read it."""
    whole = {
        "version": 1,
        "variant": {"type": "open_zeppelin", "version": 1, "public_key": "0x1", "legacy": False},
        "deployment": {"status": "deployed", "class_hash": "0x2", "address": ADDRESS},
    }
    return private(tmp_path / "account.json", whole, 0o644)


def sncast_entry(address: str = ADDRESS, key: str = hex(KEY)) -> dict[str, object]:
    return {
        "address": address,
        "private_key": key,
        "public_key": "0x1",
        "deployed": True,
        "legacy": False,
        "type": "open_zeppelin",
    }


def refusal(call: Callable[[], object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value


# --- the ways to say who one is ---


def test_a_starkli_account_and_keystore_make_a_signer(starkli_account: Path, keystore: Path) -> None:
    assert load_signer(account=str(starkli_account), keystore=keystore, keystore_password=PASSWORD) == ME


def test_an_address_is_known_without_its_key(starkli_account: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    write_sncast(accounts, "devnet", {"me": ME})
    assert load_address(account=ADDRESS) == ME.address
    assert load_address(account=str(starkli_account)) == ME.address
    assert load_address(account="me", accounts_file=accounts) == ME.address


def test_an_address_goes_with_a_keystore_or_a_private_key(keystore: Path, starkli_account: Path) -> None:
    assert load_signer(account=ADDRESS, keystore=keystore, keystore_password=PASSWORD) == ME
    assert load_signer(account=ADDRESS, private_key=hex(KEY)) == ME
    assert load_signer(account=str(starkli_account), private_key=f"{KEY:x}") == ME


def test_a_starkli_account_is_found_by_a_path_without_json_and_under_the_home_folder(
    starkli_account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = starkli_account.rename(starkli_account.with_suffix(""))
    assert load_signer(account=str(bare), private_key=hex(KEY)) == ME
    monkeypatch.setenv("HOME", str(bare.parent))
    assert load_signer(account="~/account", private_key=hex(KEY)) == ME


def test_a_name_is_looked_up_in_an_sncast_file(tmp_path: Path) -> None:
    whole: dict[str, dict[str, object]] = {
        "alpha-sepolia": {"me": sncast_entry(), "you": sncast_entry("0x22", "0x33")},
        "alpha-mainnet": {"me": sncast_entry("0x44", "0x55")},
    }
    path = private(tmp_path / "accounts.json", whole)
    on = load_signer(account="me", accounts_file=path, accounts_network="alpha-sepolia")
    assert on == ME
    assert load_signer(account="you", accounts_file=path) == Signer(Address(0x22), 0x33)
    assert load_signer(account="me", accounts_file=path, accounts_network="alpha-mainnet").private_key == 0x55
    ambiguous = refusal(lambda: load_signer(account="me", accounts_file=path))
    assert (ambiguous.code, "more than one" in ambiguous.message) == ("account.unknown", True)


@given(st.integers(1, EC_ORDER - 1), st.integers(1, 2**251 - 1))
def test_what_is_written_for_sncast_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, key: int, felt: int
) -> None:
    path = tmp_path_factory.mktemp("sncast") / "accounts.json"
    signer = Signer(Address(felt), key)
    write_sncast(path, "local", {"a": signer})
    assert load_signer(account="a", accounts_file=path) == signer


def test_writing_for_sncast_keeps_other_accounts_and_lets_nobody_else_read(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "accounts.json"
    write_sncast(path, "local", {"a": ME})
    path.chmod(0o644)
    left = path.with_name("accounts.json.new")  # by somebody who was killed half way
    left.write_text("junk")
    left.chmod(0o666)
    write_sncast(path, "other", {"b": Signer(Address(5), 6)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signer(account="a", accounts_file=path, accounts_network="local") == ME
    assert load_signer(account="b", accounts_file=path).private_key == 6
    assert os.listdir(path.parent) == ["accounts.json"]


def test_the_public_key_that_is_written_belongs_to_the_private_one(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_sncast(path, "local", {"a": ME})
    entry = json.loads(path.read_text())["local"]["a"]
    assert int(entry["public_key"], 16) == ME.public_key
    assert entry["type"] == "open_zeppelin"


def test_a_deployment_is_noted_for_this_account_on_this_network_only(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_sncast(path, "local", {"a": ME, "b": Signer(Address(5), 6)}, deployed=False)
    write_sncast(path, "other", {"a": ME}, deployed=False)
    expected = json.loads(path.read_text())
    expected["local"]["a"]["deployed"] = True
    mark_deployed(path, "local", ME.address)
    assert json.loads(path.read_text()) == expected
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_accounts_file_without_the_deployed_account_stays_as_it_is(tmp_path: Path) -> None:
    path = private(tmp_path / "accounts.json", {"local": {"a": {"address": "what?"}, "b": 7}, "other": []})
    before = path.stat()
    for network in ("local", "other", "third"):
        mark_deployed(path, network, ME.address)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    missing = tmp_path / "missing.json"
    mark_deployed(missing, "local", ME.address)
    assert not missing.exists()


# --- the forms that people paste ---

PASTED = st.sampled_from(["", " ", "\t", '"', "'", " '"])


@given(st.integers(1, 2**251 - 1), st.booleans(), st.integers(0, 3), PASTED)
def test_an_address_with_0x_is_read_in_any_case_and_with_what_pasting_leaves(
    felt: int, upper: bool, zeros: int, around: str
) -> None:
    digits = "0" * zeros + f"{felt:x}"
    text = f"0X{digits.upper()}" if upper else f"0x{digits}"
    assert load_address(account=f"{around}{text}{around[::-1]}") == Address(felt)


@given(st.integers(16**39, 2**251 - 1))
def test_digits_without_0x_are_never_read_as_another_number(felt: int) -> None:
    for text in (f"{felt:x}", f"{felt:X}", str(felt)):
        if text.isdigit() and len(text) <= 64:
            assert "0x" in refusal(lambda text=text: load_address(account=text)).message  # type: ignore[misc]
        else:
            assert load_address(account=text) == Address(felt)


@given(st.integers(1, EC_ORDER - 1), PASTED)
def test_a_key_is_read_as_what_it_is_or_its_form_is_named(key: int, around: str) -> None:
    for text in (hex(key), f"0X{key:X}", f"{key:x}", str(key)):
        pasted = f"{around}{text}{around[::-1]}"
        if text.isdigit() and len(text) <= 64:
            error = refusal(lambda pasted=pasted: load_signer(account=ADDRESS, private_key=pasted))  # type: ignore[misc]
            assert error.code == "account.no_key"
            assert "0x" in error.message
            assert len(text) < 5 or text not in str(error.as_json())
        else:
            assert load_signer(account=ADDRESS, private_key=pasted).private_key == key


def test_a_decimal_address_that_is_too_long_for_hexadecimal_is_read_as_decimal() -> None:
    felt = int(ADDRESS, 16)
    assert len(str(felt)) > 64
    assert load_address(account=str(felt)) == Address(felt)


@pytest.mark.parametrize(
    "account", ["1234567", "0" * 70, "9" * 90, ADDRESS + "00000000", "0x", "0x0", "0 x1"]
)
def test_what_may_be_an_address_is_refused_by_its_form_and_never_as_a_name(
    account: str, tmp_path: Path
) -> None:
    path = tmp_path / "accounts.json"
    write_sncast(path, "n", {"deployer": ME})
    error = refusal(lambda: load_address(account=account, accounts_file=path))
    if account != "0 x1":
        assert error.code == "account.unreadable"
        assert "0x" in error.message + error.remedy
        assert "deployer" not in error.remedy


# --- the shapes of sncast's files ---


def test_an_account_that_several_networks_list_alike_is_one(tmp_path: Path) -> None:
    whole = {"alpha-sepolia": {"me": sncast_entry()}, "alpha-mainnet": {"me": sncast_entry()}}
    path = private(tmp_path / "accounts.json", whole)
    assert load_signer(account="me", accounts_file=path) == ME


def test_an_account_on_a_ledger_device_has_an_address_and_no_key(tmp_path: Path) -> None:
    entry = {key: value for key, value in sncast_entry().items() if key != "private_key"}
    entry["ledger_path"] = "m//starknet'/sncast'/0'/0'/0"
    path = private(tmp_path / "accounts.json", {"alpha-sepolia": {"led": entry}})
    assert load_address(account="led", accounts_file=path) == ME.address
    assert refusal(lambda: load_signer(account="led", accounts_file=path)).code == "account.on_ledger"


def test_the_file_that_sncast_keeps_by_itself_is_found_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_sncast(
        tmp_path / ".starknet_accounts" / "starknet_open_zeppelin_accounts.json", "alpha-sepolia", {"me": ME}
    )
    assert load_signer(account="me") == ME


# --- refusals, each with its code ---


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_can_read_is_refused(
    mode: int, keystore: Path, tmp_path: Path, starkli_account: Path
) -> None:
    keystore.chmod(mode)
    exposed = refusal(
        lambda: load_signer(account=str(starkli_account), keystore=keystore, keystore_password=PASSWORD)
    )
    assert (exposed.code, exposed.remedy) == ("account.key_exposed", f"chmod 600 {keystore}")
    accounts = private(tmp_path / "accounts.json", {"n": {"me": sncast_entry()}}, mode)
    assert refusal(lambda: load_signer(account="me", accounts_file=accounts)).code == "account.key_exposed"


def test_no_account_no_file_and_no_key_are_told_apart(tmp_path: Path, keystore: Path) -> None:
    missing = tmp_path / "nothing.json"
    codes = {
        "none": refusal(lambda: load_signer(account=None)).code,
        "name": refusal(lambda: load_signer(account="me")).code,
        "no accounts file": refusal(lambda: load_signer(account="me", accounts_file=missing)).code,
        "no account file": refusal(lambda: load_signer(account=str(missing), private_key="0x1")).code,
        "no key": refusal(lambda: load_signer(account=ADDRESS)).code,
        "no keystore": refusal(
            lambda: load_signer(account=ADDRESS, keystore=missing, keystore_password="x")
        ).code,
        "no password": refusal(lambda: load_signer(account=ADDRESS, keystore=keystore)).code,
    }
    assert codes == {
        "none": "account.not_set",
        "name": "account.unknown",
        "no accounts file": "account.unreadable",
        "no account file": "account.unreadable",
        "no key": "account.no_key",
        "no keystore": "account.unreadable",
        "no password": "account.no_key",
    }


def test_a_keystore_of_another_chain_is_refused(tmp_path: Path) -> None:
    foreign = create_keyfile_json(b"\xf0" * 32, b"pw", kdf="scrypt", iterations=2)
    path = private(tmp_path / "ethereum.json", foreign)
    error = refusal(lambda: load_signer(account=ADDRESS, keystore=path, keystore_password="pw"))
    assert error.code == "account.unreadable"


def test_a_wrong_password_is_told_from_a_file_that_is_no_keystore(tmp_path: Path, keystore: Path) -> None:
    def opened(path: Path, password: str) -> str:
        return refusal(lambda: load_signer(account=ADDRESS, keystore=path, keystore_password=password)).code

    assert opened(keystore, "another") == "account.wrong_password"
    for content in ("", "not json", "[]", "{}", '{"crypto": 5}', '{"crypto": {}, "version": 3}'):
        assert opened(private(tmp_path / "bad.json", content), PASSWORD) == "account.unreadable", content
    huge = private(tmp_path / "huge.json", '{"crypto": "' + "x" * MAX_FILE_BYTES + '"}')
    assert opened(huge, PASSWORD) == "account.unreadable"


@pytest.mark.parametrize("account", ["0x", "0xzz", "0x" + "f" * 64, "0x-5"])
def test_what_is_no_address_is_refused(account: str) -> None:
    assert refusal(lambda: load_signer(account=account, private_key="0x1")).code == "account.unreadable"


@pytest.mark.parametrize("key", ["", "zz", "0x0", "-5", hex(EC_ORDER), "0x" + "f" * 65])
def test_what_is_no_private_key_is_refused_wherever_it_stands(key: str, tmp_path: Path) -> None:
    assert refusal(lambda: load_signer(account=ADDRESS, private_key=key)).code == "account.no_key"
    path = private(tmp_path / "accounts.json", {"n": {"me": sncast_entry(key=key)}})
    assert refusal(lambda: load_signer(account="me", accounts_file=path)).code == "account.unreadable"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "nonsense", '{"n": {"me": {}}}', '{"n": {"me": 5}}', '{"n": {"me": {"address": "0x1"}}}'],
)
def test_an_sncast_file_that_cannot_be_used_is_named(content: str, tmp_path: Path) -> None:
    path = private(tmp_path / "accounts.json", content)
    error = refusal(lambda: load_signer(account="me", accounts_file=path))
    assert error.code == "account.unreadable"
    assert str(path) in error.message


@pytest.mark.parametrize("content", ['{"n": 5}', '{"n": {"you": {}}}', "{}", '{"n": ["me"]}'])
def test_an_account_that_is_not_in_the_file_is_unknown(content: str, tmp_path: Path) -> None:
    path = private(tmp_path / "accounts.json", content)
    assert refusal(lambda: load_signer(account="me", accounts_file=path)).code == "account.unknown"


@pytest.mark.parametrize("content", ["{}", '{"deployment": {}}', '{"deployment": {"status": "undeployed"}}'])
def test_a_starkli_account_must_be_deployed(content: str, tmp_path: Path) -> None:
    path = private(tmp_path / "account.json", content)
    assert refusal(lambda: load_signer(account=str(path), private_key="0x1")).code == "account.unreadable"


# --- keys never show ---


def test_a_key_shows_in_no_repr_log_or_format(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("signer %s %r", ME, ME)
    for text in (repr(ME), str(ME), f"{ME}", caplog.text, repr([ME]), repr({"a": ME})):
        assert str(ME.address) in text or "…" in text or "Address" in text
        assert f"{KEY:x}" not in text.lower()
        assert str(KEY) not in text


def test_a_key_shows_in_no_refusal(tmp_path: Path, keystore: Path) -> None:
    secret = "c0ffee" * 10 + "zz"  # nearly a key: somebody's typing error is a secret still
    accounts = private(tmp_path / "accounts.json", {"n": {"me": sncast_entry(key=secret)}})
    exposed = private(tmp_path / "exposed.json", {"n": {"me": sncast_entry()}}, 0o644)
    calls: list[Callable[[], object]] = [
        lambda: load_signer(account=ADDRESS, private_key=secret),
        lambda: load_signer(account="me", accounts_file=accounts),
        lambda: load_signer(account="me", accounts_file=exposed),
        lambda: load_signer(account="other", accounts_file=accounts),
        lambda: load_signer(account=ADDRESS, keystore=keystore, keystore_password=secret),
    ]
    for call in calls:
        error = refusal(call)
        told = "".join(traceback.format_exception(error)) + json.dumps(error.as_json()) + repr(error)
        assert secret not in told
        assert f"{KEY:x}" not in told


# --- devnet's own accounts ---


def test_a_node_that_is_down_is_unreachable_and_may_be_asked_again() -> None:
    url = f"http://127.0.0.1:{free_port()}/rpc"
    for call in (lambda: predeployed(url), lambda: mint(url, ME.address, Fri(1))):
        with pytest.raises(ServiceError) as caught:
            call()
        assert (caught.value.code, caught.value.retryable) == ("ledger.unreachable", True)
