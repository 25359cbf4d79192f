"""Keys and accounts, in the files and forms that users of Starknet already have.

A key never shows: records that hold one have a repr without it, and files that others can
read are refused.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...domain.errors import ConfigError, ServiceError
from ...domain.felt_text import looks_like_address, parse_felt, pasted
from ...domain.job import Address
from ...domain.money import Fri
from ...domain.redaction import masked_url, redacted
from ...domain.user_paths import expanded
from ..proxies import client_options
from .curve import EC_ORDER, public_key

MAX_FILE_BYTES = 1 << 20
SNCAST_FILE = "~/.starknet_accounts/starknet_open_zeppelin_accounts.json"
"""Where sncast keeps its accounts unless another file is named."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An account and the key that signs for it."""

    address: Address
    private_key: int = field(repr=False)

    @property
    def public_key(self) -> int:
        return public_key(self.private_key)


def load_signer(
    *,
    account: str | None,
    accounts_file: Path | None = None,
    accounts_network: str | None = None,
    keystore: Path | None = None,
    keystore_password: str | None = None,
    private_key: str | None = None,
) -> Signer:
    """The account that these settings mean.

    ``account`` is the path of a starkli account file or an address, which need ``keystore`` or
    ``private_key``; or a name in ``accounts_file``, as sncast writes it. Without such a file, sncast's
    own is used if it exists.

    Raises ConfigError: ``account.not_set``, ``account.unknown``, ``account.unreadable``,
    ``account.key_exposed``, ``account.no_key``, ``account.wrong_password``, ``account.on_ledger``.
    """
    name, path = _meant(account, accounts_file)
    if path is not None and name is None:
        return Signer(_starkli_address(path), _key(keystore, keystore_password, private_key))
    if path is None:
        return Signer(
            _address(str(name), "the account that is chosen"), _key(keystore, keystore_password, private_key)
        )
    return _from_sncast(path, str(name), accounts_network)


def load_address(
    *, account: str | None, accounts_file: Path | None = None, accounts_network: str | None = None
) -> Address:
    """Returns the address of the account that these settings mean, whose key may be elsewhere.

    Reading the ledger takes no key, and opening a keystore takes a second. Raises as ``load_signer``.
    """
    name, path = _meant(account, accounts_file)
    if path is not None and name is None:
        return _starkli_address(path)
    if path is None:
        return _address(str(name), "the account that is chosen")
    return _address(str(_entry_of(path, str(name), accounts_network)["address"]), str(path))


def accounts_file_of(accounts_file: Path | None) -> Path:
    """Returns the accounts file that new accounts go to."""
    return accounts_file or expanded(SNCAST_FILE)


def is_listed(path: Path, network: str, name: str) -> bool:
    """Returns True where the file has this account. Raises ConfigError ``account.unreadable``."""
    return path.exists() and name in _json(path).get(network, {})


def needs_password(*, account: str | None, accounts_file: Path | None = None) -> bool:
    """Returns True where the account's key lies in no accounts file. Raises as ``load_signer``."""
    name, path = _meant(account, accounts_file)
    return path is None or name is None


def _meant(account: str | None, accounts_file: Path | None) -> tuple[str | None, Path | None]:
    """Returns an address and None, None and a starkli file, or a name and an accounts file."""
    if account is None or not pasted(account):
        raise ConfigError(
            "account.not_set",
            "no account is chosen",
            remedy="give --account NAME, or set STARKNET_ACCOUNT",
        )
    account = pasted(account)
    if looks_like_address(account):
        return account, None
    if _is_starkli(account):
        return None, expanded(account)
    accounts_file = accounts_file or _sncast_file()
    if account.isdigit() and not (accounts_file is not None and _is_in(accounts_file, account)):
        return account, None
    if accounts_file is None:
        raise ConfigError(
            "account.unknown",
            f"the account {account!r} is a name, and no accounts file is set",
            remedy="set TILEPROOF_ACCOUNTS_FILE to an accounts file, or STARKNET_ACCOUNT to a starkli file "
            "or an address (0x and hex digits)",
            account=account,
        )
    return account, accounts_file


def _sncast_file() -> Path | None:
    """Returns sncast's own accounts file if there is one."""
    try:
        path = expanded(SNCAST_FILE)
        return path if path.is_file() else None
    except (ConfigError, OSError):
        return None


def _is_in(path: Path, name: str) -> bool:
    try:
        return any(isinstance(section, dict) and name in section for section in _json(path).values())
    except ConfigError:
        return False


def write_sncast(
    path: Path,
    network: str,
    accounts: dict[str, Signer],
    *,
    deployed: bool = True,
    class_hash: int | None = None,
) -> None:
    """Adds or replaces accounts in a file that sncast and Tileproof both read; mode 0600."""
    whole = _json(path) if path.exists() else {}
    section = whole.setdefault(network, {})
    for name, signer in accounts.items():
        section[name] = {
            "address": str(signer.address),
            "private_key": hex(signer.private_key),
            "public_key": hex(signer.public_key),
            "deployed": deployed,
            "legacy": False,
            "type": "open_zeppelin",
        }
        if class_hash is not None:
            section[name] |= {"class_hash": hex(class_hash), "salt": hex(signer.public_key)}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _replace(path, whole)


def mark_deployed(path: Path, network: str, address: Address) -> None:
    """Notes in the accounts file, if it lists this account on this network, that the account is deployed.

    Raises ConfigError ``account.unreadable``; OSError where the file cannot be written.
    """
    whole = _json(path) if path.exists() else {}
    section = whole.get(network)
    entries = section.values() if isinstance(section, dict) else ()
    found = [entry for entry in entries if isinstance(entry, dict) and _is_of(entry, address)]
    if any(entry.get("deployed") is not True for entry in found):
        for entry in found:
            entry["deployed"] = True
        _replace(path, whole)


def _is_of(entry: Mapping[str, object], address: Address) -> bool:
    try:
        return parse_felt(str(entry.get("address")), 2**251) == address.felt
    except ValueError:
        return False


def _replace(path: Path, whole: dict[str, Any]) -> None:
    """Writes the accounts file in one step, readable by its owner alone."""
    path = path.resolve()  # a link to the file stays a link
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)  # its mode would be kept
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=2)
    os.replace(new, path)


def predeployed(rpc_url: str) -> tuple[Signer, ...]:
    """The accounts that a devnet starts with. Raises ServiceError."""
    answer = _devnet(rpc_url, "devnet_getPredeployedAccounts", {})
    listed: list[Any] = answer if isinstance(answer, list) else [answer]
    try:
        return tuple(Signer(Address(int(a["address"], 16)), int(a["private_key"], 16)) for a in listed)
    except (KeyError, TypeError, ValueError):
        raise _no_devnet(rpc_url, "its answer is no list of accounts") from None


def mint(rpc_url: str, account: Address, amount: Fri) -> None:
    """Play money from a devnet's faucet.

    Raises ServiceError ``faucet.not_a_devnet`` on any other network.
    """
    params = {"address": str(account), "amount": amount.units, "unit": "FRI"}
    _devnet(rpc_url, "devnet_mint", params)


def _devnet(rpc_url: str, method: str, params: dict[str, object]) -> object:
    import httpx2  # here: most commands ask no devnet, and reading an account need not wait for it

    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        answer = httpx2.post(rpc_url, json=request, timeout=30, **client_options(rpc_url)).json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise ServiceError(
            "ledger.unreachable",
            f"the Starknet node at {masked_url(rpc_url)} does not answer: {redacted(str(error))}",
            remedy="check STARKNET_RPC, and that the node is up",
            retryable=True,
        ) from error
    if not isinstance(answer, dict) or "result" not in answer:
        why = answer.get("error") if isinstance(answer, dict) else answer
        raise _no_devnet(rpc_url, str(why)[:200])
    result: object = answer["result"]
    return result


def _no_devnet(rpc_url: str, why: str) -> ServiceError:
    return ServiceError(
        "faucet.not_a_devnet",
        f"the node at {masked_url(rpc_url)} is no devnet: {why}",
        remedy="play money exists on a devnet only; fund a real account from a wallet",
    )


def _is_starkli(account: str) -> bool:
    path = expanded(account)
    return path.suffix == ".json" or (path.is_file() and "/" in account)


def _entry_of(path: Path, name: str, network: str | None) -> dict[str, object]:
    """Returns the account's entry. One that several networks list alike is one account."""
    _refuse_exposed(path)
    whole = _json(path)
    sections = [whole[network]] if network in whole else list(whole.values()) if network is None else []
    found = [section[name] for section in sections if isinstance(section, dict) and name in section]
    if not found or any(_identity(each) != _identity(found[0]) for each in found):
        known = sorted({key for section in sections if isinstance(section, dict) for key in section})
        remedy = f"choose one of: {', '.join(known)}" if known else "create one: `tileproof account create`"
        if found:
            remedy = (
                "say which network of the file is meant: `network` in the table [accounts] of config.toml"
            )
        elif network is not None and network not in whole:
            remedy = f"the file has these networks: {', '.join(whole) or 'none'}"
        raise ConfigError(
            "account.unknown",
            f"{path} has {'no' if not found else 'more than one'} account {name!r}"
            + (f" on {network}" if network else ""),
            remedy=remedy,
            account=name,
            path=path,
        )
    entry = found[0]
    if not isinstance(entry, dict) or "address" not in entry:
        raise _unreadable(path, f"the account {name!r} lacks an address or a private key")
    return entry


def _identity(entry: object) -> object:
    if not isinstance(entry, dict):
        return repr(entry)
    return str(entry.get("address", "")).lower(), str(entry.get("private_key", "")).lower()


def _from_sncast(path: Path, name: str, network: str | None) -> Signer:
    entry = _entry_of(path, name, network)
    address = _address(str(entry["address"]), str(path))
    if "private_key" not in entry and "ledger_path" in entry:
        raise ConfigError(
            "account.on_ledger",
            f"the key of the account {name!r} in {path} is on a Ledger device, which Tileproof cannot use",
            remedy="choose an account whose key is in a file or a keystore",
            account=name,
            path=path,
        )
    key = _private_key(entry.get("private_key"))
    if key is None:
        raise _unreadable(path, f"the account {name!r} lacks an address or a private key")
    return Signer(address, key)


def _private_key(text: object) -> int | None:
    """Returns the private key, or None for what is none; the text itself goes into no message."""
    try:
        return parse_felt(str(text), EC_ORDER)
    except ValueError:
        return None


def _starkli_address(path: Path) -> Address:
    whole = _json(path)
    try:
        return _address(str(whole["deployment"]["address"]), str(path))
    except (KeyError, TypeError):
        raise _unreadable(path, "it is not the file of a deployed starkli account") from None


def _key(keystore: Path | None, password: str | None, private_key: str | None) -> int:
    if private_key is not None:
        try:
            return parse_felt(private_key, EC_ORDER)
        except ValueError as error:
            raise ConfigError(
                "account.no_key",
                f"STARKNET_PRIVATE_KEY is not a private key: {error}",
                remedy="set it to 0x and the key's hexadecimal digits",
            ) from None
    if keystore is None:
        raise ConfigError(
            "account.no_key",
            "no key is set for the account",
            remedy="set STARKNET_KEYSTORE and STARKNET_KEYSTORE_PASSWORD, or STARKNET_PRIVATE_KEY",
        )
    _refuse_exposed(keystore)
    if password is None:
        raise ConfigError(
            "account.no_key",
            f"{keystore} needs a password",
            remedy="set STARKNET_KEYSTORE_PASSWORD",
            path=keystore,
        )
    if "crypto" not in _json(keystore):
        raise _unreadable(keystore, "it is not a keystore")
    from .library import KeyPair  # here, since its import takes a second and most keys lie in no keystore

    try:
        # bytes: what derives the key decodes them, and fails on text
        pair = KeyPair.from_keystore(str(keystore), password.encode())  # type: ignore[arg-type]
    except ValueError:
        raise ConfigError(
            "account.wrong_password",
            f"{keystore} does not open with this password",
            remedy="correct STARKNET_KEYSTORE_PASSWORD",
            path=keystore,
        ) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError):
        raise _unreadable(keystore, "it is not a keystore") from None
    if not 0 < pair.private_key < EC_ORDER:
        raise _unreadable(keystore, "it holds no Starknet key")
    return pair.private_key


def _refuse_exposed(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            "account.key_exposed",
            f"{path} holds a key and can be read by others (mode {stat.S_IMODE(mode):04o})",
            remedy=f"chmod 600 {path}",
            path=path,
        )


def _json(path: Path) -> dict[str, dict[str, dict[str, object]]]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _unreadable(path, "it is too large")
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or "it is not JSON") from error
    if not isinstance(whole, dict):
        raise _unreadable(path, "it is not a JSON object")
    return whole


def _address(text: str, origin: str) -> Address:
    try:
        return Address(parse_felt(text, 2**251))
    except ValueError as error:
        raise ConfigError(
            "account.unreadable",
            f"{origin}: {text[:80]!r} is not an address: {error}",
            remedy="give 0x and the address's hexadecimal digits",
        ) from None


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        "account.unreadable", f"{path} cannot be used: {why}", remedy="give another file", path=path
    )
