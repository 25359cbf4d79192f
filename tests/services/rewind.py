"""A registry and its cast on a devnet that is wound back to the same block before every sequence.

So a sequence always meets the same addresses, blocks and block hashes, whatever ran before it (on a
devnet of its own in every run), and nothing is deployed twice. Accounts are puppets, which need no
signature; all that can be seen is seen by one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import httpx2
from tileproof.adapters.starknet import codec
from tileproof.adapters.starknet.accounts import Signer, mint
from tileproof.adapters.starknet.codec import Felts
from tileproof.adapters.starknet.deploy import deploy_class
from tileproof.adapters.starknet.events import RawEvent, decode, selector
from tileproof.adapters.starknet.node import revert_reason
from tileproof.domain.cid import Cid
from tileproof.domain.job import Address, Balances, Bounds, Job, Seat, Task, Terms, Totals
from tileproof.domain.money import Fri, parse_strk
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import Event, Head

from model.books import Token

K = TypeVar("K")
T = TypeVar("T")
ARTIFACTS = resources.files("tileproof.contract_artifacts")
PROPS = resources.files("tests.services").joinpath("props", "artifacts")
WALLET = 10**12
"""What every member of the cast has of the token."""
GAS = {
    "l1_gas": {"max_amount": "0x0", "max_price_per_unit": hex(10**12)},
    "l1_data_gas": {"max_amount": hex(10**5), "max_price_per_unit": hex(10**12)},
}
MOST_L2_GAS, L2_GAS_PRICE = 10**9, 10**10

Call = tuple[str, tuple[Any, ...]]
"""A function of the ledger's port, and its arguments."""
RawCall = tuple[Address, int, Sequence[int]]
"""Of any contract: a function's selector, and the calldata."""


@dataclass(frozen=True)
class Done:
    """A transaction in its block. ``reason`` is why it was reverted, or empty."""

    block: int
    tx_hash: int
    reason: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Wanted:
    """What to look at: a view costs three milliseconds."""

    jobs: dict[int, int]
    """How many tasks each should have."""
    slots: Sequence[int]
    accounts: Sequence[Address]
    lists: bool
    """Whose the slots are, and how many jobs and seats there are."""


@dataclass(frozen=True)
class Seen:
    """What was read, at one block."""

    jobs: dict[int, Job]
    tasks: dict[int, tuple[Task, ...]]
    seats: dict[int, Seat]
    balances: dict[Address, Balances]
    slots_of: dict[Address, tuple[int, ...]]
    totals: Totals
    held: int
    """What the token says the registry has."""
    counts: tuple[int, ...] = ()
    """Jobs, slots, active seats."""

    def after(self, earlier: Seen) -> Seen:
        """This, and of what was not read now what was read before."""
        return replace(
            self,
            jobs=earlier.jobs | self.jobs,
            tasks=earlier.tasks | self.tasks,
            seats=earlier.seats | self.seats,
            balances=earlier.balances | self.balances,
        )


class Rewound:
    """``cast`` are who acts; a signer deploys everything and makes the token misbehave."""

    def __init__(self, devnet: Devnet, deployer: Signer, cast: Sequence[str], bounds: Bounds) -> None:
        self._http = httpx2.Client(timeout=60)
        self._url, self._cast = devnet.rpc_url, tuple(cast)
        self.bounds = bounds
        puppets = [self._puppet(deployer, salt) for salt in range(len(cast) + 1)]
        self._director = puppets.pop()
        self.addresses = dict(zip(cast, puppets, strict=True))
        self.token = deploy_class(self._url, deployer, PROPS, "token", [], salt=0)
        self.contract = deploy_class(
            self._url,
            deployer,
            ARTIFACTS,
            "registry",
            [self.token.felt, *codec.write_bounds(bounds)],
            salt=0,
        )
        self.chain_id = int(self._rpc("starknet_chainId"), 16)
        self._nonces: dict[Address, int] = {}
        self._sent = 0
        endowed = [len(puppets), *(puppet.felt for puppet in puppets), WALLET, 0, self.contract.felt]
        self._invoke(self._director, [(self.token, function("endow"), endowed)])
        self.mark()

    def close(self) -> None:
        self._http.close()

    def mark(self) -> None:
        """Sequences begin here from now on."""
        self._base = self.head()
        self._base_nonces = dict(self._nonces)

    def rewind(self) -> None:
        """Everything since the mark never was, and it is a minute after it. (The block that was being
        made when others were taken back keeps its time: one is made with the new one.)"""
        if self.head().block > self._base.block:
            self._rpc("devnet_abortBlocks", starting_block_id={"block_number": self._base.block + 1})
        self._rpc("devnet_setTime", time=self._base.timestamp + 60, generate_block=True)
        self._nonces = dict(self._base_nonces)

    # --- acting ---

    def send(self, who: str, calls: Sequence[Call]) -> Done:
        """The calls, in this order, in one transaction."""
        return self.send_raw(who, [self._raw(call) for call in calls])

    def send_raw(self, who: str, calls: Sequence[RawCall]) -> Done:
        """The same, of calls that are written already and may be another contract's."""
        return self._invoke(self.addresses[who], calls)

    def send_together(self, calls: Sequence[tuple[str, Call]]) -> Done:
        """Each by who is named, in this order, in one transaction: none has an effect unless all do."""
        looks = (
            (self.addresses[who], function("look"), _multicall([self._raw(call)])) for who, call in calls
        )
        return self._invoke(self._director, list(looks))

    def _raw(self, call: Call) -> RawCall:
        name, args = call
        return self.contract, function(name), written(name, args)

    def misbehave(self, token: Token, call: Call) -> None:
        """From now on the token behaves like this; one that reenters makes this call."""
        name, args = call
        calldata = written(name, args)
        told = [list(Token).index(token), function(name), len(calldata), *calldata]
        done = self._invoke(self._director, [(self.token, function("behave"), told)])
        assert not done.reason, done.reason

    def pass_blocks(self, count: int) -> None:
        for _ in range(count):
            self._rpc("devnet_createBlock")

    def pass_seconds(self, seconds: int) -> None:
        """Time passes, and a block with the new time is made."""
        self._rpc("devnet_increaseTime", time=seconds)

    # --- seeing ---

    def head(self) -> Head:
        block = self._rpc("starknet_getBlockWithTxHashes", block_id="latest")
        return Head(block["block_number"], block["timestamp"], int(block["block_hash"], 16))

    def hash_of(self, block: int) -> int:
        found = self._rpc("starknet_getBlockWithTxHashes", block_id={"block_number": block})
        return int(found["block_hash"], 16)

    def look(self, wanted: Wanted) -> Seen:
        """All of it at once."""
        views = _Views(self.contract)
        jobs = {job: views.ask(codec.read_job, "get_job", job) for job in wanted.jobs}
        tasks = {
            job: views.ask(_tasks_of(job), "get_tasks", job, 0, count) for job, count in wanted.jobs.items()
        }
        seats = {slot: views.ask(_seat_in(slot), "get_seat", slot) for slot in wanted.slots}
        stored = {who: views.ask(codec.read_balances, "get_balances", who.felt) for who in wanted.accounts}
        wallets = {who: self._wallet(views, who) for who in [*wanted.accounts, self.contract]}
        totals = views.ask(codec.read_totals, "get_totals")
        listed = wanted.accounts if wanted.lists else ()
        slots_of = {who: views.ask(_numbers, "get_seats_of", who.felt) for who in listed}
        counts = [views.ask(Felts.number, name) for name in (COUNTS if wanted.lists else ())]
        views.answer(self._view(self._director, "look", views.calldata()))
        balances = {who: _balances(read(), wallets[who]()) for who, read in stored.items()}
        return Seen(
            jobs=_read(jobs),
            tasks=_read(tasks),
            seats=_read(seats),
            balances=balances,
            slots_of=_read(slots_of),
            totals=totals(),
            held=wallets[self.contract](),
            counts=tuple(count() for count in counts),
        )

    def _wallet(self, views: _Views, who: Address) -> Callable[[], int]:
        return views.ask(Felts.u256, "balance_of", who.felt, to=self.token)

    # --- the node ---

    def _puppet(self, deployer: Signer, salt: int) -> Address:
        puppet = deploy_class(self._url, deployer, PROPS, "puppet", [], salt=salt)
        mint(self._url, puppet, parse_strk("1000000"))
        return puppet

    def _invoke(self, account: Address, calls: Sequence[RawCall]) -> Done:
        nonce = self._nonces.get(account, 0)
        self._sent += 1  # no two transactions are the same bytes, not even across a rewind
        price = hex(L2_GAS_PRICE + self._sent)
        transaction = {
            "type": "INVOKE",
            "version": "0x3",
            "sender_address": hex(account.felt),
            "calldata": [hex(felt) for felt in _multicall(calls)],
            "signature": [],
            "nonce": hex(nonce),
            "resource_bounds": {
                **GAS,
                "l2_gas": {"max_amount": hex(MOST_L2_GAS), "max_price_per_unit": price},
            },
            "tip": "0x0",
            "paymaster_data": [],
            "account_deployment_data": [],
            "nonce_data_availability_mode": "L1",
            "fee_data_availability_mode": "L1",
        }
        sent = self._rpc("starknet_addInvokeTransaction", invoke_transaction=transaction)
        self._nonces[account] = nonce + 1
        receipt = self._rpc("starknet_getTransactionReceipt", transaction_hash=sent["transaction_hash"])
        block, tx_hash = receipt["block_number"], int(sent["transaction_hash"], 16)
        if receipt["execution_status"] == "REVERTED":
            text = receipt["revert_reason"]
            return Done(block, tx_hash, revert_reason(text) or text, ())
        told = (
            decode(RawEvent(block, tx_hash, _felts(event["keys"]), _felts(event["data"])))
            for event in receipt["events"]
            if int(event["from_address"], 16) == self.contract.felt
        )
        return Done(block, tx_hash, "", tuple(event for event in told if event is not None))

    def _view(self, of: Address, name: str, calldata: list[int]) -> list[int]:
        request = {
            "contract_address": hex(of.felt),
            "entry_point_selector": hex(function(name)),
            "calldata": [hex(felt) for felt in calldata],
        }
        return _felts(self._rpc("starknet_call", request=request, block_id="latest"))

    def _rpc(self, method: str, **params: object) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._http.post(self._url, json=request).json()
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]


class _Views:
    """Views to be asked together; each is read once they are answered."""

    def __init__(self, contract: Address) -> None:
        self._contract = contract
        self._calls: list[RawCall] = []
        self._answers: list[list[int]] = []

    def ask(
        self, read: Callable[[Felts], T], name: str, *arguments: int, to: Address | None = None
    ) -> Callable[[], T]:
        at = len(self._calls)
        self._calls.append((to or self._contract, function(name), arguments))
        return lambda: read(Felts(self._answers[at]))

    def calldata(self) -> list[int]:
        return _multicall(self._calls)

    def answer(self, felts: Sequence[int]) -> None:
        reader = Felts(felts)
        self._answers = list(reader.items(lambda: list(reader.items(reader.felt))))


def written(name: str, args: Sequence[Any]) -> list[int]:
    """The calldata of one of the port's calls."""
    return _WRITERS[name](*args) if name in _WRITERS else list(args)


def _create_job(manifest: Cid, task_count: int, terms: Terms) -> list[int]:
    return [*codec.write_u256(manifest.digest_int), task_count, *codec.write_terms(terms)]


def _tasks(job_id: int, tasks: Sequence[int]) -> list[int]:
    return [job_id, len(tasks), *tasks]


def _records(write: Callable[[Any], list[int]]) -> Callable[[int, Iterable[Any]], list[int]]:
    return lambda job_id, records: [job_id, *codec.write_span(map(write, records))]


def _amount(amount: Fri) -> list[int]:
    return [amount.units]


_WRITERS: dict[str, Callable[..., list[int]]] = {
    "create_job": _create_job,
    **dict.fromkeys(("close_tasks", "claim", "give_back", "draw", "settle", "release"), _tasks),
    "submit": _records(codec.write_result),
    "commit": _records(codec.write_commitment),
    "reveal": _records(codec.write_reveal),
    "appeal": _records(codec.write_appeal),
    "deposit": _amount,
    "withdraw": _amount,
}
"""Where numbers are not sent as they are."""


def _multicall(calls: Sequence[RawCall]) -> list[int]:
    return codec.write_span([to.felt, entry, len(data), *data] for to, entry, data in calls)


@cache
def function(name: str) -> int:
    """The selector that the node knows a function by."""
    return selector(name)


COUNTS = ("get_job_count", "get_seat_count", "get_active_seat_count")


def _read(views: dict[K, Callable[[], T]]) -> dict[K, T]:
    return {key: read() for key, read in views.items()}


def _balances(stored: codec.StoredBalances, wallet: int) -> Balances:
    return Balances(
        wallet=Fri(wallet),
        withdrawable=stored.withdrawable,
        worker_bonds=stored.worker_bonds,
        seat_bonds=stored.seat_bonds,
        appeal_bonds=stored.appeal_bonds,
    )


def _tasks_of(job_id: int) -> Callable[[Felts], tuple[Task, ...]]:
    return lambda felts: felts.items(lambda: codec.read_task(felts, job_id))


def _seat_in(slot: int) -> Callable[[Felts], Seat]:
    return lambda felts: codec.read_seat(felts, slot)


def _numbers(felts: Felts) -> tuple[int, ...]:
    return tuple(felts.items(felts.number))


def _felts(words: Iterable[str]) -> list[int]:
    return [int(word, 16) for word in words]
