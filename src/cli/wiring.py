"""Settings in, ports out: the one place where roles meet adapters.

Adapters are imported when they are first needed, so that a command that only reads the ledger
never loads an image library, and help loads nothing.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..domain.errors import ConfigError, unsupported

if TYPE_CHECKING:
    import typer

    from ..adapters.blender.find import BlenderBuild
    from ..adapters.blender.sandbox import Sandbox
    from ..adapters.starknet.account_deploy import AccountDeployment
    from ..adapters.starknet.accounts import Signer
    from ..adapters.starknet.deploy import DeployedContract
    from ..config import Settings
    from ..domain.job import Address, Bounds
    from ..domain.money import Fri
    from ..ports.clock import Clock
    from ..ports.content import ContentStore
    from ..ports.images import ImageDecoder
    from ..ports.journal import Journal
    from ..ports.ledger import Ledger, LedgerReader
    from ..ports.renderer import Renderer
    from ..ports.scene import SceneInspector, ScenePacker
    from ..verifier.settings import VerifierSettings
    from ..worker.settings import WorkerSettings

log = logging.getLogger(__name__)
Dress = Callable[["Renderer"], "Renderer"]
"""Wraps the renderer of a role: how the gallery puts a dishonest one in, without a switch in
the product."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The flags before the group, which every command shares."""

    network: str | None = None
    account: str | None = None
    home: Path | None = None


def settings_of(
    context: typer.Context, flags: dict[str, object] | None = None, *, needs_network: bool = True
) -> Settings:
    """Returns the settings for one command; ``flags`` are its own, by dotted key.

    Raises ConfigError as ``config.load``.
    """
    from ..config import load
    from .console import configure_logging

    shared = context.find_object(Globals) or Globals()
    own = {"network": shared.network, "account": shared.account, "home": shared.home}
    settings = load({**own, **(flags or {})}, needs_network=needs_network)
    configure_logging(as_json=settings.log.format == "json", level=settings.log.level)
    return settings


def rpc_url_of(settings: Settings) -> str:
    """The Starknet node that is set. Raises ConfigError ``config.missing`` when none is."""
    if settings.rpc_url is None:
        raise _unset("rpc_url", "no Starknet node is set", "STARKNET_RPC")
    return settings.rpc_url


def check_isolation(what: str) -> None:
    """Raises MachineError ``machine.unsupported`` where processes cannot be limited, as on Windows."""
    try:
        import fcntl  # noqa: F401
        import resource  # noqa: F401
    except ImportError:
        raise unsupported(what) from None


class Ports:
    """The real adapters for one process, each made when first asked for, all closed together.

    Use as a context. Making one raises as its adapter does: ConfigError (an address, key or
    node that is not set), ServiceError, MachineError.
    """

    def __init__(self, settings: Settings, *, role: str = "client", until_signalled: bool = False) -> None:
        self.settings = settings
        self._until_signalled = until_signalled
        self._role = role
        self._open = ExitStack()

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def reader(self) -> LedgerReader:
        """The ledger without an account: what anyone may read."""
        return self._connect(None, None)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger for the chosen account; its unfinished writes are reconciled first."""
        return self._connect(self._signer, self.journal)

    @cached_property
    def store(self) -> ContentStore:
        from ..adapters.ipfs.kubo import KuboStore

        return self._open.enter_context(closing(KuboStore(self.settings.ipfs_api)))

    @cached_property
    def clock(self) -> Clock:
        from ..adapters.clock import HeartbeatClock, SystemClock

        beats = self.settings.heartbeat if self._until_signalled else None
        clock = SystemClock() if beats is None else HeartbeatClock(beats)
        if self._until_signalled:
            clock.stop_on_signals()
        return clock

    @cached_property
    def decoder(self) -> ImageDecoder:
        from ..adapters.images import ChildDecoder

        return self._open.enter_context(closing(ChildDecoder()))

    @cached_property
    def renderer(self) -> Renderer:
        from ..adapters.blender.renderer import BlenderRenderer

        return BlenderRenderer(self.blender, self.sandbox)

    @cached_property
    def inspector(self) -> SceneInspector:
        from ..adapters.blender.scene import BlenderInspector

        return BlenderInspector(self.blender, self.sandbox)

    @cached_property
    def packer(self) -> ScenePacker:
        from ..adapters.blender.pack import BatPacker

        return BatPacker(self.inspector)

    @cached_property
    def journal(self) -> Journal:
        """The journal of this role and account on this network; beside it lies the role's log."""
        from ..adapters.role_log import role_log
        from ..adapters.store.journal import SqliteJournal

        self._open.enter_context(role_log(self.home))
        return self._open.enter_context(closing(SqliteJournal(self.home / "journal.sqlite")))

    @cached_property
    def home(self) -> Path:
        """Where this role keeps its own files for this account."""
        return self.settings.state / self._role / str(self.address)

    def mint(self, amount: Fri, *, dry_run: bool) -> None:
        """Play money for the chosen account; with ``dry_run`` only asks whether there is any.

        Raises ServiceError ``faucet.not_a_devnet``.
        """
        from ..adapters.starknet.accounts import mint, predeployed
        from ..adapters.starknet.node import endpoints_of

        first, *_ = endpoints_of(self._rpc_url())
        if dry_run:
            predeployed(first)
        else:
            mint(first, self.address, amount)

    def deploy_registry(self, bounds: Bounds) -> DeployedContract:
        """Deploys a registry, paid for by the chosen account. Raises as the adapter's namesake."""
        from ..adapters.starknet.deploy import STRK, deploy_registry

        token = self.settings.token or STRK
        return deploy_registry(self._rpc_url(), self._signer, token=token, bounds=bounds)

    def create_account(self, name: str, *, dry_run: bool) -> tuple[Address, Path, str]:
        """Makes a key and saves it under ``name``: address, accounts file and its section.

        Raises InputError ``account.exists``; ConfigError ``account.unreadable``; as ``open_node``.
        """
        from ..adapters.starknet.account_deploy import OPEN_ZEPPELIN, network_name, new_signer
        from ..adapters.starknet.accounts import accounts_file_of, is_listed, write_sncast
        from ..domain.errors import InputError

        path = accounts_file_of(self.settings.accounts.file)
        network = self.settings.accounts.network or network_name(self._rpc_url())
        if is_listed(path, network, name):
            raise InputError(
                "account.exists",
                f"{path} has an account {name!r} on {network}",
                remedy="choose another name",
                path=path,
            )
        signer = new_signer()
        if not dry_run:
            write_sncast(path, network, {name: signer}, deployed=False, class_hash=OPEN_ZEPPELIN)
        return signer.address, path, network

    def deploy_account(self, *, dry_run: bool) -> tuple[AccountDeployment, int | None]:
        """Deploys the chosen account and notes it in the accounts file.

        Returns the plan and the transaction's hash, None for a dry run. Raises as its namesake.
        """
        from ..adapters.starknet.account_deploy import deploy_account, network_name, plan_deployment
        from ..adapters.starknet.accounts import accounts_file_of, mark_deployed

        rpc_url = self._rpc_url()
        if dry_run:
            return plan_deployment(rpc_url, self._signer), None
        plan, sent = deploy_account(rpc_url, self._signer)
        accounts = self.settings.accounts
        path = accounts_file_of(accounts.file)
        try:
            mark_deployed(path, accounts.network or network_name(rpc_url), plan.address)
        except (ConfigError, OSError) as error:
            log.warning("%s is deployed, and %s does not say so yet: %s", plan.address, path, error)
        return plan, sent

    @property
    def address(self) -> Address:
        """The chosen account's address, for which no key is needed."""
        if "_signer" in self.__dict__:
            return self._signer.address
        return self._address

    @cached_property
    def _address(self) -> Address:
        from ..adapters.starknet.accounts import load_address

        accounts = self.settings.accounts
        return load_address(
            account=self.settings.account, accounts_file=accounts.file, accounts_network=accounts.network
        )

    def check_signer(self) -> None:
        """Raises ConfigError unless the chosen account and its key can be used."""
        _ = self._signer

    def check_account(self, *, with_key: bool) -> None:
        """Raises ConfigError ``account.not_deployed``; with the key also as ``check_key`` and ``_signer``."""
        from ..adapters.starknet.account_state import check_deployed, check_key
        from ..adapters.starknet.node import open_node

        node, _ = open_node(self._rpc_url(), expected_chain_id=self.settings.chain_id)
        with closing(node):
            check_deployed(node, self.address)
            if with_key:
                check_key(node, self._signer)

    @cached_property
    def _signer(self) -> Signer:
        from ..adapters.starknet.accounts import load_signer

        settings = self.settings
        password, key = settings.keystore_password, settings.private_key
        return load_signer(
            account=settings.account,
            accounts_file=settings.accounts.file,
            accounts_network=settings.accounts.network,
            keystore=settings.keystore,
            keystore_password=password.get_secret_value() if password else self._asked_password(),
            private_key=key.get_secret_value() if key else None,
        )

    def _asked_password(self) -> str | None:
        """Returns the keystore's password from a person at a terminal; None where nobody can be asked."""
        from ..adapters.starknet.accounts import needs_password
        from .console import ask_secret

        settings = self.settings
        if settings.keystore is None or settings.private_key is not None or not settings.keystore.is_file():
            return None
        if not needs_password(account=settings.account, accounts_file=settings.accounts.file):
            return None
        return ask_secret(f"password of {settings.keystore}: ")

    @cached_property
    def sandbox(self) -> Sandbox:
        """Raises MachineError ``sandbox.unavailable``, but for a client or where it is given up."""
        from ..adapters.blender.sandbox import choose

        check_isolation("opening a scene")
        # A requester opens a file of their own, as they do in Blender; strangers' scenes need one.
        return choose(allow_none=self._role == "client" or not self.settings.sandbox)

    @cached_property
    def blender(self) -> BlenderBuild:
        """Raises MachineError as ``find_blender``, and ``machine.unsupported``."""
        check_isolation("opening a scene")
        from ..adapters.blender.find import find_blender

        return find_blender(self.settings.blender_path, self.settings.cache, self.settings.blender_version)

    def _connect(self, signer: Signer | None, journal: Journal | None) -> Ledger:
        from ..adapters.starknet.caps import FeeCaps
        from ..adapters.starknet.ledger import connect

        settings = self.settings
        if settings.contract is None:
            raise _unset("contract", "no contract is set", "JOB_REGISTRY_ADDRESS")
        ledger = connect(
            self._rpc_url(),
            settings.contract,
            signer,
            expected_chain_id=settings.chain_id,
            deployment_block=settings.deployment_block,
            journal=journal,
            caps=FeeCaps(per_tx=settings.fees.per_tx, per_day=settings.fees.per_day),
        )
        return self._open.enter_context(ledger)

    def _rpc_url(self) -> str:
        return rpc_url_of(self.settings)


def run_worker(settings: Settings, *, dress: Dress | None = None) -> None:
    """Runs a worker until it is asked to stop."""
    from ..worker.loop import Worker

    with Ports(settings, role="worker", until_signalled=True) as ports:
        renderer = ports.renderer  # first: a machine that cannot render asks nobody for anything
        Worker(
            ledger=ports.ledger,
            store=ports.store,
            renderer=dress(renderer) if dress else renderer,
            decoder=ports.decoder,
            journal=ports.journal,
            clock=ports.clock,
            settings=worker_settings(settings),
            home=ports.home,
        ).run()


def run_verifier(settings: Settings, *, dress: Dress | None = None) -> None:
    """Runs a verifier until it is asked to stop."""
    from ..verifier.loop import Verifier

    with Ports(settings, role="verifier", until_signalled=True) as ports:
        renderer = ports.renderer
        Verifier(
            ledger=ports.ledger,
            store=ports.store,
            renderer=dress(renderer) if dress else renderer,
            decoder=ports.decoder,
            journal=ports.journal,
            clock=ports.clock,
            settings=verifier_settings(settings),
            home=ports.home,
        ).run()


def worker_settings(settings: Settings) -> WorkerSettings:
    from ..worker.settings import WorkerSettings

    default = WorkerSettings()
    return WorkerSettings(
        poll_seconds=settings.poll_seconds,
        min_reward=settings.worker.min_reward,
        price_per_gib=settings.worker.price_per_gib,
        max_claims=settings.worker.max_claims,
        check_tiles=settings.worker.check_tiles,
        appeal=settings.worker.appeal,
        finish_seconds=settings.worker.finish_seconds,
        fetch_seconds=settings.fetch_seconds,
        stagger_seconds=_given(settings.stagger_seconds, default.stagger_seconds),
        block_seconds=settings.block_seconds,
        memory_bytes=round(settings.memory_gib * 2**30),
        threads=settings.render_threads,
    )


def verifier_settings(settings: Settings) -> VerifierSettings:
    from ..verifier.settings import VerifierSettings

    default = VerifierSettings()
    return VerifierSettings(
        poll_seconds=settings.poll_seconds,
        fetch_seconds=settings.fetch_seconds,
        stagger_seconds=_given(settings.stagger_seconds, default.stagger_seconds),
        block_seconds=settings.block_seconds,
        memory_bytes=round(settings.memory_gib * 2**30),
        threads=settings.render_threads,
    )


def _given(value: float | None, default: float) -> float:
    return default if value is None else value


@contextmanager
def packing_folder(settings: Settings) -> Iterator[Path]:
    """An empty folder for the packed scene; gone afterwards, whatever happens."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packing-", dir=settings.cache) as folder:
        into = Path(folder) / "scene"
        into.mkdir()
        yield into


def _unset(key: str, message: str, variable: str) -> ConfigError:
    return ConfigError(
        "config.missing",
        message,
        remedy=f"set {variable}, or choose a network: --network localnet after `tileproof localnet up`",
        key=key,
    )
