"""Keys and accounts, in the files and forms that users of Starknet already have.

A key never shows: records that hold one have a repr without it, and files that others can
read are refused.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...domain.errors import ConfigError, ServiceError
from ...domain.job import Address
from ...domain.money import Fri
from .curve import EC_ORDER, public_key

MAX_FILE_BYTES = 1 << 20


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
    ``private_key``; or a name in ``accounts_file``, as sncast writes it.

    Raises ConfigError: ``account.not_set``, ``account.unknown``, ``account.unreadable``,
    ``account.key_exposed``, ``account.no_key``, ``account.wrong_password``.
    """
    if account is None:
        raise ConfigError(
            "account.not_set",
            "no account is chosen",
            remedy="give --account NAME, or set STARKNET_ACCOUNT",
        )
    if account.startswith("0x"):
        return Signer(_address(account, "STARKNET_ACCOUNT"), _key(keystore, keystore_password, private_key))
    if _is_starkli(account):
        return Signer(
            _starkli_address(Path(account).expanduser()), _key(keystore, keystore_password, private_key)
        )
    if accounts_file is None:
        raise ConfigError(
            "account.unknown",
            f"the account {account!r} is a name, and no accounts file is set",
            remedy="set TILEPROOF_ACCOUNTS_FILE to an accounts file, or STARKNET_ACCOUNT to a starkli file",
            account=account,
        )
    return _from_sncast(accounts_file, account, accounts_network)


def load_address(
    *, account: str | None, accounts_file: Path | None = None, accounts_network: str | None = None
) -> Address:
    """Returns the address of the account that these settings mean, whose key may be elsewhere.

    Reading the ledger takes no key, and opening a keystore takes a second. Raises as ``load_signer``.
    """
    if account is not None and account.startswith("0x"):
        return _address(account, "STARKNET_ACCOUNT")
    if account is not None and _is_starkli(account):
        return _starkli_address(Path(account).expanduser())
    return load_signer(
        account=account, accounts_file=accounts_file, accounts_network=accounts_network
    ).address


def write_sncast(path: Path, network: str, accounts: dict[str, Signer]) -> None:
    """Adds or replaces accounts in a file that sncast and Tileproof both read; mode 0600."""
    whole = _json(path) if path.exists() else {}
    section = whole.setdefault(network, {})
    for name, signer in accounts.items():
        section[name] = {
            "address": str(signer.address),
            "private_key": hex(signer.private_key),
            "public_key": hex(signer.public_key),
            "deployed": True,
            "legacy": False,
            "type": "open_zeppelin",
        }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        answer = httpx2.post(rpc_url, json=request, timeout=30).json()
    except (httpx2.HTTPError, ValueError) as error:
        raise ServiceError(
            "ledger.unreachable",
            f"the Starknet node at {rpc_url} does not answer: {error}",
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
        f"the node at {rpc_url} is no devnet: {why}",
        remedy="play money exists on a devnet only; fund a real account from a wallet",
    )


def _is_starkli(account: str) -> bool:
    path = Path(account).expanduser()
    return path.suffix == ".json" or (path.is_file() and "/" in account)


def _from_sncast(path: Path, name: str, network: str | None) -> Signer:
    _refuse_exposed(path)
    whole = _json(path)
    sections = [whole[network]] if network in whole else list(whole.values()) if network is None else []
    found = [section[name] for section in sections if isinstance(section, dict) and name in section]
    if len(found) != 1:
        known = sorted({key for section in sections if isinstance(section, dict) for key in section})
        raise ConfigError(
            "account.unknown",
            f"{path} has {'no' if not found else 'more than one'} account {name!r}"
            + (f" on {network}" if network else ""),
            remedy=f"choose one of: {', '.join(known)}" if known else "create one with sncast",
            account=name,
            path=path,
        )
    try:
        address, key = _address(str(found[0]["address"]), str(path)), _hex_key(found[0]["private_key"])
    except (KeyError, TypeError):
        key = None
    if key is None:
        raise _unreadable(path, f"the account {name!r} lacks an address or a private key")
    return Signer(address, key)


def _hex_key(text: object) -> int | None:
    """The private key, or None for what is none; the text itself goes into no message."""
    try:
        key = int(str(text), 16)
    except ValueError:
        return None
    return key if 0 < key < EC_ORDER else None


def _starkli_address(path: Path) -> Address:
    whole = _json(path)
    try:
        return _address(str(whole["deployment"]["address"]), str(path))
    except (KeyError, TypeError):
        raise _unreadable(path, "it is not the file of a deployed starkli account") from None


def _key(keystore: Path | None, password: str | None, private_key: str | None) -> int:
    if private_key is not None:
        key = _hex_key(private_key)
        if key is None:
            raise ConfigError(
                "account.no_key", "STARKNET_PRIVATE_KEY is not a private key in hex", remedy="correct it"
            )
        return key
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
        return Address(int(text, 16))
    except ValueError:
        raise ConfigError(
            "account.unreadable", f"{origin}: {text[:80]!r} is not an address", remedy="correct it"
        ) from None


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        "account.unreadable", f"{path} cannot be used: {why}", remedy="give another file", path=path
    )
