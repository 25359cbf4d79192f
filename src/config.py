"""Settings: what the files, the environment and the flags say, checked once.

Four layers, each overruling the one before: the network's file, the user's
``config.toml``, the environment, the flags of the command line. A network that a flag names
decides itself which chain, contract and accounts are meant, whatever the environment says of
another. A key that nobody knows is
an error in every file; a variable that nobody knows is a warning, since container platforms set
some of their own. Nothing else in Tileproof reads the environment. Secrets come from the
environment, or from files that it names, and never show in a message, a log or a repr.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, SecretStr, ValidationError

from .domain.block_time import ASSUMED_BLOCK_SECONDS
from .domain.errors import ConfigError, InputError
from .domain.felt_text import parse_felt
from .domain.job import Address
from .domain.money import Fri, parse_strk
from .domain.redaction import holds_secret, remember, remember_url
from .domain.user_paths import expanded

log = logging.getLogger("tileproof.config")

ENVIRONMENT: Mapping[str, str] = {
    "STARKNET_RPC": "rpc_url",
    "STARKNET_ACCOUNT": "account",
    "STARKNET_KEYSTORE": "keystore",
    "STARKNET_KEYSTORE_PASSWORD": "keystore_password",
    "STARKNET_PRIVATE_KEY": "private_key",
    "STARKNET_KEYSTORE_PASSWORD_FILE": "keystore_password",
    "STARKNET_PRIVATE_KEY_FILE": "private_key",
    "JOB_REGISTRY_ADDRESS": "contract",
    "IPFS_API": "ipfs_api",
    "BLENDER_PATH": "blender_path",
    "TILEPROOF_BLENDER_VERSION": "blender_version",
    "TILEPROOF_HOME": "home",
    "TILEPROOF_CACHE": "cache",
    "TILEPROOF_NETWORK": "network",
    "TILEPROOF_ACCOUNTS_FILE": "accounts.file",
    "TILEPROOF_POLL_SECONDS": "poll_seconds",
    "TILEPROOF_FETCH_SECONDS": "fetch_seconds",
    "TILEPROOF_STAGGER_SECONDS": "stagger_seconds",
    "TILEPROOF_BLOCK_SECONDS": "block_seconds",
    "TILEPROOF_FEE_PER_TX": "fees.per_tx",
    "TILEPROOF_FEE_PER_DAY": "fees.per_day",
    "TILEPROOF_SANDBOX": "sandbox",
    "TILEPROOF_THREADS": "threads",
    "TILEPROOF_HEARTBEAT": "heartbeat",
    "TILEPROOF_MEMORY_GIB": "memory_gib",
    "TILEPROOF_MIN_REWARD": "worker.min_reward",
    "TILEPROOF_PRICE_PER_GIB": "worker.price_per_gib",
    "TILEPROOF_MAX_CLAIMS": "worker.max_claims",
    "TILEPROOF_WORKER_APPEAL": "worker.appeal",
    "TILEPROOF_LOG_FORMAT": "log.format",
    "TILEPROOF_LOG_LEVEL": "log.level",
}
"""Every variable that is read, and the key it sets; ``.env.example`` lists the same."""

WHICH_NETWORK = ("rpc_url", "chain_id", "contract", "deployment_block", "token", "explorer_url", "accounts")
"""What a network's file says that makes it this network and no other."""
SECRETS = frozenset({"keystore_password", "private_key"})
SECRET_FILES = ("STARKNET_KEYSTORE_PASSWORD_FILE", "STARKNET_PRIVATE_KEY_FILE")
"""Variables that name a file with the secret inside."""
MAX_SECRET_BYTES = 1 << 16
_ONLY_OURS = "TILEPROOF_"
USER_FILE = "config.toml"
LOCALNET = "localnet"
"""The network that `tileproof localnet up` makes."""


def _address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    try:
        return Address(parse_felt(str(value), 2**251))
    except ValueError as error:
        raise ValueError(f"it is no address: {error}") from None


def _amount(value: object) -> Fri:
    if isinstance(value, Fri):
        return value
    if isinstance(value, float):
        raise ValueError("write an amount of STRK in quotes, so that no digit is lost")
    try:
        return parse_strk(str(value))
    except InputError as error:
        raise ValueError(error.message) from None


def _path(value: object) -> object:
    return expanded(value) if isinstance(value, str) and value else value


def _joined(value: object) -> object:
    """A file may repeat what a variable names with commas in between."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


AddressText = Annotated[Address, PlainValidator(_address)]
Strk = Annotated[Fri, PlainValidator(_amount)]
UserPath = Annotated[Path, BeforeValidator(_path)]
Urls = Annotated[str, BeforeValidator(_joined)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AccountsTable(_Table):
    file: UserPath | None = None
    """An accounts file as sncast writes it; ``account`` names one of its accounts."""
    network: str | None = None
    """The network's name in that file; needed only when the file holds several."""


class TermsTable(_Table):
    """What ``client submit`` offers unless a flag says otherwise."""

    reward: Strk | None = None
    """Per task; None has the command ask, or fail where nobody can answer."""
    committee_size: int = 3
    audit_rate: float = Field(default=1.0, gt=0, le=1)
    audit_fee: Strk | None = None
    """Per task and seat; None is a share of the reward (docs/economics.md)."""
    lease_seconds: int = Field(default=3600, gt=0)
    commit_blocks: int = Field(default=300, gt=0)
    reveal_blocks: int = Field(default=150, gt=0)
    appeal_blocks: int = Field(default=150, gt=0)
    deadline_hours: float = Field(default=72, gt=0)
    sample_tiles: int | None = Field(default=None, gt=0)
    tile_px: int | None = Field(default=None, gt=0)
    """What an audit renders again; None is as fits the job (docs/verification.md)."""


class FeesTable(_Table):
    """Gas fees that nothing exceeds but a call that saves more than it exceeds them by."""

    per_tx: Strk = parse_strk("1")
    per_day: Strk = parse_strk("50")


class LogTable(_Table):
    """How a command logs to stderr; a role's own log file is JSON in any case."""

    format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = "text"
    level: Annotated[Literal["debug", "info", "warning", "error"] | None, BeforeValidator(_lower)] = None
    """None is INFO for hops and WARNING for the rest."""


class WorkerTable(_Table):
    min_reward: Strk = Fri(0)
    price_per_gib: Strk = Fri(0)
    """What the operator pays for a GiB fetched or served."""
    max_claims: int = Field(default=2, gt=0)
    finish_seconds: float = Field(default=30.0, ge=0)
    check_tiles: int = Field(default=2, ge=0)
    appeal: bool = True
    """Contest verdicts against results that this machine, checking again, finds right."""


class Settings(_Table):
    """One consistent set of settings; frozen.

    Made by ``load`` alone, which knows where the layers lie.
    """

    home: UserPath
    """Where journals, fetched content and the local network lie."""
    config_folder: Path | None = None
    """Where ``config.toml`` and network files lie; None is ``home``."""
    cache: UserPath
    network: str | None = None
    network_file: Path | None = None

    rpc_url: Urls | None = Field(default=None, repr=False)
    """One endpoint of the chain or several, with commas in between: the next is asked when one fails."""
    chain_id: int | None = None
    contract: AddressText | None = None
    deployment_block: int = Field(default=0, ge=0)
    """The block that deployed the contract: it has no event before. 0 where that is not known."""
    explorer_url: str | None = Field(default=None, pattern=r"^https?://[^\s\[\]]+$")
    """A block explorer of this chain: PAGE/tx/HASH shows a transaction."""
    token: AddressText | None = None
    account: str | None = None
    accounts: AccountsTable = AccountsTable()
    keystore: UserPath | None = None
    keystore_password: SecretStr | None = None
    private_key: SecretStr | None = None

    ipfs_api: str = Field(default="/ip4/127.0.0.1/tcp/5001/http", repr=False)
    blender_path: UserPath | None = None
    blender_version: str = Field(default="4.5.15", pattern=r"^\d+\.\d+\.\d+$")
    """The build that this role renders with; jobs name theirs, and others refuse them."""

    poll_seconds: float = Field(default=2.0, gt=0, le=3600)
    fetch_seconds: float = Field(default=120.0, gt=0)
    stagger_seconds: float | None = Field(default=None, ge=0)
    """How long a role leaves to others what anyone may send; None is the role's own default."""
    block_seconds: float = Field(default=ASSUMED_BLOCK_SECONDS, gt=0, le=3600)
    """How often this network makes a block: messages that count blocks say minutes by it."""
    sandbox: bool = True
    threads: int = Field(default=0, ge=0)  # 0: all processors
    heartbeat: Path | None = None  # a file that a role touches while it goes on
    memory_gib: float = Field(default=8.0, gt=0)

    terms: TermsTable = TermsTable()
    fees: FeesTable = FeesTable()
    log: LogTable = LogTable()
    worker: WorkerTable = WorkerTable()

    nodes: dict[str, str] = {}
    ports: dict[str, int] = {}
    pids: dict[str, int] = {}

    @property
    def state(self) -> Path:
        """Where journals and fetched content of this network are kept: beside its file, so
        that resetting a network forgets what was true on it. Networks that share a folder have
        a folder each below it: one account may be at home on several."""
        if self.network_file is None:
            return self.home / "state"
        if self.network_file.parent == self.networks_folder:
            return self.home / "networks" / self.network_file.stem / "state"
        return self.network_file.parent / "state"

    @property
    def networks_folder(self) -> Path:
        """Where network files lie that are known by name."""
        return (self.config_folder or self.home) / "networks"

    @property
    def user_file(self) -> Path:
        """The user's ``config.toml``, which need not exist."""
        return (self.config_folder or self.home) / USER_FILE

    @property
    def render_threads(self) -> int:
        """Blender's threads; at least 1."""
        return self.threads or os.cpu_count() or 1


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    needs_network: bool = True,
) -> Settings:
    """The settings that these flags, this environment and the files it points to amount to.

    ``flags`` uses dotted keys (``worker.max_claims``); None as a value means not given. Without
    ``needs_network``, a network that no flag names may be one that is still to be made.

    Raises:
        ConfigError: ``config.unknown_key``, ``config.invalid``, ``config.unreadable``,
            ``config.unknown_network``, ``config.secret_in_file``; each names file or variable.
    """
    env = _from_environment(os.environ if environ is None else environ)
    given = {key: value for key, value in (flags or {}).items() if value is not None}

    def early(key: str, default: str) -> Path:
        return expanded(str(given.get(key) or env.get(key) or default)).absolute()

    home_given = given.get("home") or env.get("home")
    config_folder, home = (early("home", ""),) * 2 if home_given else _usual_folders()
    cache = early("cache", platformdirs.user_cache_dir("tileproof"))
    user_file = config_folder / USER_FILE
    user = _read_toml(user_file) if user_file.exists() else {}

    network = given.get("network") or env.get("network") or user.get("network")
    try:
        network_file = find_network_file(str(network), home, config_folder) if network else None
    except ConfigError:
        if needs_network or given.get("network"):
            raise
        network_file = None
    layers: list[tuple[str, Mapping[str, object]]] = [
        (str(user_file), _relative_to(config_folder, user)),
        ("the environment", _nest(env)),
        ("the command line", _nest(given)),
    ]
    if network_file is not None:
        table = _relative_to(network_file.parent, _read_toml(network_file))
        layers.insert(0, (str(network_file), table))
        if given.get("network"):
            identity = {key: table[key] for key in WHICH_NETWORK if key in table}
            layers.insert(3, (str(network_file), identity))
    fixed = {"home": home, "config_folder": config_folder, "cache": cache, "network_file": network_file}
    merged: dict[str, Any] = {}
    for origin, layer in layers:
        _merge(merged, layer)
        _check({**merged, **fixed}, origin)
    settings = _check({**merged, **fixed}, "the settings")
    _keep_secret(settings)
    return settings


def _usual_folders() -> tuple[Path, Path]:
    """Returns the folders of configuration and of state where nobody names one for both.

    Until the next version, a folder of an earlier one holds both while the new ones do not exist:
    it may have a journal, without which a call could be sent twice.
    """
    config = Path(platformdirs.user_config_dir("tileproof"))
    state = Path(platformdirs.user_state_dir("tileproof"))
    old = Path(platformdirs.user_data_dir("tileproof"))
    if old.is_dir() and any(old.iterdir()) and not config.exists() and not state.exists():
        log.warning(
            "%s is used for the last time in this version: move it to %s, and then %s and networks to %s",
            old,
            state,
            USER_FILE,
            config,
        )
        return old, old
    return config, state


def find_network_file(network: str, home: Path, config_folder: Path) -> Path:
    """Returns the file of ``localnet``, of a name in the folder ``networks``, or of a path.

    Raises ConfigError ``config.unknown_network``.
    """
    if network == LOCALNET:
        candidate = home / LOCALNET / "network.toml"
        remedy = "start it with `tileproof localnet up`"
    elif "/" in network or network.endswith(".toml"):
        candidate = expanded(network)
        remedy = "give localnet, the path of a network file, or the name of one in " + str(
            config_folder / "networks"
        )
    else:
        candidate = config_folder / "networks" / f"{network}.toml"
        remedy = f"write {candidate}, or give localnet or the path of a network file"
    if not candidate.is_file():
        raise ConfigError(
            "config.unknown_network",
            f"there is no network {network!r}: {candidate} is missing",
            remedy=remedy,
            network=network,
            path=candidate,
        )
    return candidate.absolute()


def check_user_file(table: Mapping[str, object], path: Path) -> None:
    """Raises ConfigError unless ``table`` can be the user's file at ``path``, without a secret in it."""
    for secret in SECRETS & table.keys():
        raise _secret_in_file(path, secret, _variable(secret))
    for key in ("rpc_url", "ipfs_api"):
        if holds_secret(str(table.get(key) or "")):
            raise _secret_in_file(path, f"a password or a key within {key}", _variable(key))
    nested = {key: value for key, value in _nest(table).items() if value is not None}
    _check({**nested, "home": path.parent, "cache": path.parent}, str(path))


def write_user_file(table: Mapping[str, object], path: Path) -> None:
    """Writes the user's file in one step; ``table`` has dotted keys and passed ``check_user_file``.

    Raises ConfigError ``config.not_writable``.
    """
    plain = {key: value for key, value in table.items() if "." not in key}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for name, values in _nest({key: value for key, value in table.items() if "." in key}).items():
        assert isinstance(values, dict)
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write("\n".join(lines) + "\n")
        os.replace(file.name, path)
    except OSError as error:
        raise ConfigError(
            "config.not_writable",
            f"{path} cannot be written: {error}",
            remedy="make its folder writable, or name another with TILEPROOF_HOME",
            path=path,
        ) from error


def _toml(value: object) -> str:
    """Returns the value as TOML: its basic strings are JSON's, apart from one character."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _secret_in_file(path: Path, secret: str, variable: str) -> ConfigError:
    return ConfigError(
        "config.secret_in_file",
        f"{path} holds {secret}",
        remedy=f"remove it there; secrets are read from the environment only ({variable})",
        path=path,
    )


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    for name in sorted(environ):
        if name.startswith(_ONLY_OURS) and name not in ENVIRONMENT:
            log.warning("the environment sets %s, which Tileproof does not know and passes over", name)
    found = {
        key: environ[name]
        for name, key in ENVIRONMENT.items()
        if environ.get(name) and name not in SECRET_FILES
    }
    for name in SECRET_FILES:
        if environ.get(name):
            plain_name, key = name.removesuffix("_FILE"), ENVIRONMENT[name]
            if key in found:
                raise ConfigError(
                    "config.secret_twice",
                    f"the environment sets both {plain_name} and {name}",
                    remedy="unset one of them",
                    name=name,
                )
            found[key] = _secret_in(expanded(environ[name]), name)
    return found


def _secret_in(path: Path, name: str) -> str:
    """Returns the secret in a file that nobody else may read, without the end of its line."""
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                "account.key_exposed",
                f"{path} ({name}) holds a secret and can be read by others (mode {stat.S_IMODE(mode):04o})",
                remedy=f"chmod 600 {path}",
                path=path,
            )
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES).decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            "config.unreadable",
            f"{path} ({name}) cannot be read: {why}",
            remedy=f"correct {name}",
            path=path,
        ) from None
    if not secret:
        raise ConfigError(
            "config.unreadable", f"{path} ({name}) is empty", remedy="write the secret into it", path=path
        )
    return secret


def _keep_secret(settings: Settings) -> None:
    for secret in (settings.keystore_password, settings.private_key):
        if secret is not None:
            text = secret.get_secret_value().strip()
            remember(text)
            remember(text.lower().removeprefix("0x"))
    for url in (*(settings.rpc_url or "").replace(";", ",").split(","), settings.ipfs_api):
        if "://" in url or "@" in url:
            remember_url(url.strip())


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            "config.unreadable",
            f"{path} cannot be read: {error}",
            remedy="correct it, or move it away",
            path=path,
        ) from error
    for secret in SECRETS & table.keys():
        raise _secret_in_file(path, secret, _variable(secret))
    return table


def _relative_to(folder: Path, table: Mapping[str, object]) -> dict[str, object]:
    """Paths in a file are relative to that file."""

    def resolve(value: object) -> object:
        return str(folder / expanded(value)) if isinstance(value, str) and value else value

    resolved = dict(table)
    for key in ("keystore", "blender_path", "home", "cache"):
        if key in resolved:
            resolved[key] = resolve(resolved[key])
    accounts = resolved.get("accounts")
    if isinstance(accounts, dict) and "file" in accounts:
        resolved["accounts"] = {**accounts, "file": resolve(accounts["file"])}
    return resolved


def _nest(flat: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, Any] = {}
    for dotted, value in flat.items():
        *tables, key = dotted.split(".")
        at = nested
        for table in tables:
            at = at.setdefault(table, {})
        at[key] = value
    return nested


def _merge(into: dict[str, Any], layer: Mapping[str, object]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            into[key] = {**into[key], **value}
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _check(merged: Mapping[str, Any], origin: str) -> Settings:
    """Each layer is checked as it is laid on, so that the first to be wrong is the one named."""
    try:
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(
                "config.unknown_key",
                f"{origin}: {key} is not a setting",
                remedy="correct or remove it; .env.example lists the variables",
                key=key,
                origin=origin,
            ) from None
        why = str(first["msg"]).removeprefix("Value error, ")
        variable = f" ({_variable(key)})" if origin == "the environment" and _variable(key) else ""
        raise ConfigError(
            "config.invalid",
            f"{origin}: {key}{variable} cannot be used: {why}",
            remedy="correct it",
            key=key,
            origin=origin,
        ) from None


def _variable(key: str) -> str:
    return next((name for name, path in ENVIRONMENT.items() if path == key), "")
