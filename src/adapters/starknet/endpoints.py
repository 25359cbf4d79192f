"""Several endpoints of one chain as one: the first that answers and can be believed.

A request goes to the endpoint that answered last, and to the next one when that falls silent,
asks for patience, gives half an answer, or lies behind what was seen already. What may have had
an effect is not passed on here: the caller is told, and sends the same bytes again, to whoever
is next. Every endpoint is examined before it is believed, again after each failure, and now and
then, because a URL may lead elsewhere from one day to the next.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ...domain.errors import ConfigError, ServiceError, TileproofError
from ...domain.job import Address
from ...domain.redaction import masked_url, redacted
from .codec import malformed
from .heads import Heads
from .rpc import RpcError
from .transport import NoAnswer, Transport

log = logging.getLogger("tileproof.adapters.node")

SPEC = "0.10"
"""The RPC specification that starknet-py 0.30 and devnet 0.10 speak."""
STALE_SECONDS = 20.0
"""When every endpoint has lain behind for as long, the chain itself went back."""
EXAMINED_FOR_SECONDS = 60.0
LEAP_BLOCKS = 1_000
"""An end of the chain so far beyond the last one seen is believed only after an examination."""
LONGEST_RETRY_AFTER = 120.0
_EFFECTS = frozenset({"addInvokeTransaction", "addDeclareTransaction", "addDeployAccountTransaction"})
_BY_HASH = frozenset({"getTransactionReceipt", "getTransactionStatus"})
_CONTRACT_NOT_FOUND, _BLOCK_NOT_FOUND, _HASH_NOT_FOUND = "20", "24", "29"
_TOO_MANY = frozenset({429, -32005, -32029})
"""Codes by which gateways ask for patience within JSON."""


@dataclass
class _Endpoint:
    url: str
    number: int
    trusted_until: float = 0.0  # when it is to be examined again; 0 once it has failed
    ever_trusted: bool = False
    ready_at: float = 0.0  # it asked to be left alone until then
    behind_since: float | None = None


_ACCEPTED_BLOCK = ("ACCEPTED_ON_L2", "ACCEPTED_ON_L1")


class Endpoints:
    """What makes every request, starknet-py's too. ``chain_id`` is None until an endpoint has told it."""

    def __init__(self, urls: Sequence[str], transport: Transport, chain_id: int | None) -> None:
        self._transport = transport
        self.chain_id = chain_id
        self._contract: tuple[Address, int] | None = None
        self._all = [_Endpoint(url, number) for number, url in enumerate(urls)]
        self._serving = 0
        self._heads = Heads()

    @property
    def serving_url(self) -> str:
        return self._all[self._serving].url

    async def call(self, method_name: str, params: dict[str, Any] | None = None) -> Any:
        """The answer of the first endpoint that has one.

        Raises RpcError for what a node refuses; ServiceError ``ledger.unreachable``,
        ``ledger.stale_head``, ``ledger.not_a_node``; ConfigError ``ledger.wrong_chain``,
        ``ledger.wrong_spec``, ``ledger.wrong_contract``.
        """
        params = dict(params or {})
        failures: list[TileproofError] = []
        unheard_of: RpcError | None = None
        for endpoint in self._in_turn(_take_owner(params)):
            try:
                answer = await self._asked(endpoint, method_name, params)
            except RpcError as error:
                if method_name not in _BY_HASH or error.code != _HASH_NOT_FOUND:
                    raise
                unheard_of = unheard_of or error  # it may lie behind: what one does not know another may
            except (ServiceError, ConfigError) as error:
                self._failed(endpoint, error)
                failures.append(error)
                if method_name in _EFFECTS and isinstance(error, ServiceError):
                    break  # it may have been heard
            else:
                self._served(endpoint)
                return answer
        if unheard_of is not None:
            raise unheard_of
        raise next((each for each in failures if isinstance(each, ServiceError)), failures[0])

    async def examine_all(self) -> None:
        """Raises ConfigError for an endpoint that is not what the first one is. Whichever does not
        answer now is examined when it is needed."""
        for endpoint in self._all:
            try:
                await self._examine(endpoint)
            except ServiceError as error:
                if len(self._all) == 1 or not error.retryable:
                    raise
                log.warning("endpoint %s does not answer now: %s", masked_url(endpoint.url), error.message)
        if not any(endpoint.trusted_until for endpoint in self._all):
            raise unreachable(self.serving_url, "nor does any of the others")

    async def expect_contract(self, contract: Address) -> None:
        """From now on an endpoint must know this contract, of the class that the first one knows.
        Raises RpcError where that has none."""
        found = await self.call("getClassHashAt", _class_of(contract))
        self._contract = (contract, int(found, 16))
        await self.examine_all()

    def distrust(self) -> None:
        """What the serving endpoint said cannot be: the next one is asked."""
        self._all[self._serving].trusted_until = 0.0
        self._serving = (self._serving + 1) % len(self._all)

    # --- whom to ask ---

    def _in_turn(self, owner: int | None) -> Iterator[_Endpoint]:
        """The endpoints to try, the serving one first; only ``owner`` for what it alone knows."""
        count = len(self._all)
        turn = [self._all[(self._serving + step) % count] for step in range(count)]
        if owner is not None:
            turn = [self._all[owner]]
        now = time.monotonic()
        ready = [endpoint for endpoint in turn if endpoint.ready_at <= now]
        if not ready:
            wait = min(endpoint.ready_at for endpoint in turn) - now
            raise unreachable(turn[0].url, "it asked for patience", retry_after=wait)
        yield from ready

    def _served(self, endpoint: _Endpoint) -> None:
        if self._serving != endpoint.number:
            log.info("asking %s from now on", masked_url(endpoint.url))
            self._serving = endpoint.number

    def _failed(self, endpoint: _Endpoint, error: TileproofError) -> None:
        endpoint.trusted_until = 0.0
        endpoint.ready_at = time.monotonic() + float(str(error.data.get("retry_after", 0.0)))
        if error.code != "ledger.stale_head":
            endpoint.behind_since = None
        if len(self._all) > 1:
            log.warning("endpoint %s: %s (%s)", masked_url(endpoint.url), error.message, error.code)
            if self._serving == endpoint.number:
                self._serving = (endpoint.number + 1) % len(self._all)

    # --- asking one ---

    async def _asked(self, endpoint: _Endpoint, method: str, params: dict[str, Any]) -> Any:
        is_strange = endpoint.trusted_until < time.monotonic()
        if is_strange:
            await self._examine(endpoint)
        if is_strange or (_depends_on_head(params) and method != "getBlockWithTxHashes"):
            await self._check_head(endpoint, await self._number(endpoint))
        try:
            answer = await self._post(endpoint, method, params)
        except RpcError as error:
            if error.code == _CONTRACT_NOT_FOUND and not is_strange:
                await self._examine(endpoint)  # the address may lead elsewhere by now
            if error.code == _BLOCK_NOT_FOUND and _block_of(params) <= self._heads.highest:
                await self._check_head(endpoint, await self._number(endpoint))
            raise
        try:
            await self._learn(endpoint, method, params, answer)
        except (KeyError, TypeError, ValueError) as error:
            raise malformed(f"{method}: {str(answer)[:100]}") from error
        return answer

    async def _learn(self, endpoint: _Endpoint, method: str, params: dict[str, Any], answer: Any) -> None:
        """Takes note of what an answer says of the chain's end, and whose a token is.

        A block that is only pre-confirmed has no hash. It may never come to be, so nothing is
        learned from it.
        """
        if method == "getBlockWithTxHashes" and params.get("block_id") == "latest":
            if answer.get("block_hash") is None or answer.get("status") not in _ACCEPTED_BLOCK:
                raise ValueError("the newest block is not accepted")
            await self._check_head(endpoint, int(answer["block_number"]))
            self._heads.saw(answer)
        elif method == "getTransactionReceipt" and answer.get("block_hash") is not None:
            self._heads.saw_number(int(answer["block_number"]))
        elif method == "getEvents" and answer.get("continuation_token") is not None:
            answer["continuation_token"] = f"{endpoint.number}:{answer['continuation_token']}"

    async def _examine(self, endpoint: _Endpoint) -> None:
        """Whether this is a node, of our specification, on our chain, with our contract."""
        try:
            spec = await self._post(endpoint, "specVersion", {})
            if not isinstance(spec, str):
                raise ValueError(f"its specification is {str(spec)[:50]}")
            if not spec.startswith(SPEC + "."):
                raise _wrong_spec(endpoint.url, spec)
            chain_id = int(await self._post(endpoint, "chainId", {}), 16)
        except (RpcError, TypeError, ValueError) as error:
            raise not_a_node(endpoint.url, str(error)[:100], was_one=endpoint.ever_trusted) from error
        if self.chain_id is not None and chain_id != self.chain_id:
            raise _wrong_chain(endpoint.url, chain_id, self.chain_id)
        self.chain_id = chain_id
        if self._contract is not None:
            await self._examine_contract(endpoint, *self._contract)
        endpoint.trusted_until, endpoint.ever_trusted = time.monotonic() + EXAMINED_FOR_SECONDS, True

    async def _examine_contract(self, endpoint: _Endpoint, contract: Address, class_hash: int) -> None:
        try:
            found = int(await self._post(endpoint, "getClassHashAt", _class_of(contract)), 16)
        except RpcError as error:
            if error.code != _CONTRACT_NOT_FOUND:
                raise
            found = 0
        if found != class_hash:
            raise _other_contract(endpoint.url, contract, found)

    async def _number(self, endpoint: _Endpoint) -> int:
        number = await self._post(endpoint, "blockNumber", {})
        if not isinstance(number, int):
            raise not_a_node(endpoint.url, f"its newest block is {str(number)[:50]}", was_one=True)
        return number

    async def _check_head(self, endpoint: _Endpoint, number: int) -> None:
        """Raises ServiceError ``ledger.stale_head`` for an end of the chain that is not the end."""
        if number < self._heads.highest:
            endpoint.behind_since = endpoint.behind_since or time.monotonic()
            if not await self._was_taken_back(endpoint, number):
                raise stale(endpoint.url, number, self._heads.highest)
            log.warning("the chain was taken back from block %d to %d", self._heads.highest, number)
            self._heads.taken_back_to(number)
        elif 0 < self._heads.highest < number - LEAP_BLOCKS:
            await self._examine(endpoint)
        self._heads.saw_number(number)
        endpoint.behind_since = None

    async def _was_taken_back(self, endpoint: _Endpoint, number: int) -> bool:
        known = self._heads.known_at_or_below(number)
        if known is not None:
            block = await self._post(endpoint, "getBlockWithTxHashes", {"block_id": {"block_number": known}})
            if not self._heads.is_as_seen(block):
                return True
        long_ago = time.monotonic() - STALE_SECONDS
        return all(each.behind_since is not None and each.behind_since <= long_ago for each in self._all)

    async def _post(self, endpoint: _Endpoint, method: str, params: dict[str, Any]) -> Any:
        request = {"jsonrpc": "2.0", "method": f"starknet_{method}", "id": 0, "params": params}
        try:
            response = await self._transport.post(endpoint.url, json.dumps(request).encode())
        except NoAnswer as error:
            raise unreachable(endpoint.url, error) from error
        if response.status == 429 or response.status >= 500:
            wait = _retry_after(response.headers.get("retry-after"))
            raise unreachable(endpoint.url, f"HTTP {response.status}", retry_after=wait)
        if response.status >= 300:
            why = f"HTTP {response.status}" + (", a redirect" if "location" in response.headers else "")
            raise not_a_node(endpoint.url, why, was_one=endpoint.ever_trusted)
        body = response.body
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise unreachable(endpoint.url, "what it says is no JSON") from error
        if isinstance(answer, dict) and "result" in answer:
            return answer["result"]
        refusal = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(refusal, dict) or "code" not in refusal:
            raise not_a_node(endpoint.url, body[:80].decode(errors="replace"), was_one=endpoint.ever_trusted)
        if refusal["code"] in _TOO_MANY:
            raise unreachable(endpoint.url, str(refusal.get("message", "")))
        raise RpcError(refusal["code"], str(refusal.get("message", "")), refusal.get("data"))


# --- parts of requests ---


def _class_of(contract: Address) -> dict[str, Any]:
    return {"block_id": "latest", "contract_address": hex(contract.felt)}


def _depends_on_head(params: Mapping[str, Any]) -> bool:
    """Whether an endpoint that lies behind would answer otherwise without a word."""
    first_page = "filter" in params and "continuation_token" not in params["filter"]
    return params.get("block_id") == "latest" or first_page


def _block_of(params: Mapping[str, Any]) -> int:
    block = params.get("block_id")
    return int(block.get("block_number", 0)) if isinstance(block, dict) else 0


def _take_owner(params: dict[str, Any]) -> int | None:
    """Takes the name of the endpoint that gave a page's token off the token."""
    token = params.get("filter", {}).get("continuation_token")
    if token is None:
        return None
    owner, own_token = token.split(":", 1)
    params["filter"] = {**params["filter"], "continuation_token": own_token}
    return int(owner)


def _retry_after(header: str | None) -> float:
    """Seconds, given as such or as a date; 0 for none and for what is neither."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.0
    return min(LONGEST_RETRY_AFTER, max(0.0, seconds)) if seconds == seconds else 0.0


# --- errors ---


def unreachable(url: str, error: Exception | str, *, retry_after: float = 0.0) -> ServiceError:
    """``retry_after``: seconds before which it asks not to be asked again."""
    why = redacted(str(error))[:200] or type(error).__name__
    return ServiceError(
        "ledger.unreachable",
        f"the Starknet node at {masked_url(url)} does not answer: {why}",
        remedy="check STARKNET_RPC, and that the node is up; several can be named there",
        retryable=True,
        url=masked_url(url),
        retry_after=retry_after,
    )


def stale(url: str, number: int, seen: int) -> ServiceError:
    return ServiceError(
        "ledger.stale_head",
        f"the Starknet node at {masked_url(url)} ends at block {number}, and block {seen} was seen already",
        remedy="wait until it has caught up, or name another one in STARKNET_RPC",
        retryable=True,
        url=masked_url(url),
        block=number,
    )


def not_a_node(url: str, why: str, *, was_one: bool) -> ServiceError:
    """``was_one``: it answered as a node earlier, and may again."""
    return ServiceError(
        "ledger.not_a_node",
        f"what answers at {masked_url(url)} is no Starknet node: {redacted(why)}",
        remedy="correct STARKNET_RPC: the URL of a node's RPC often ends in /rpc or /rpc/v0_10",
        retryable=was_one,
        url=masked_url(url),
    )


def _wrong_spec(url: str, spec: str) -> ConfigError:
    return ConfigError(
        "ledger.wrong_spec",
        f"the node at {masked_url(url)} speaks RPC {spec}; this Tileproof needs {SPEC}",
        remedy=f"use the node's {SPEC} endpoint (its URL often ends in /rpc/v0_10), or another node",
        url=masked_url(url),
        found=spec,
    )


def _wrong_chain(url: str, found: int, expected: int) -> ConfigError:
    return ConfigError(
        "ledger.wrong_chain",
        f"the node at {masked_url(url)} serves chain {found:#x}, not {expected:#x}",
        remedy="set STARKNET_RPC to nodes of the right network",
        url=masked_url(url),
        found=hex(found),
    )


def _other_contract(url: str, contract: Address, found: int) -> ConfigError:
    what = f"a contract of class {found:#x}" if found else "no contract"
    return ConfigError(
        "ledger.wrong_contract",
        f"the node at {masked_url(url)} has {what} at {contract}, and the other nodes another",
        remedy="name nodes of one network in STARKNET_RPC",
        url=masked_url(url),
        contract=contract,
    )
