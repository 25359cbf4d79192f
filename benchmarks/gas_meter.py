"""Reads from a devnet what each transaction cost, and keeps it."""

from __future__ import annotations

import sys
import time
from typing import Any

import httpx2
from tileproof.localnet.devnet import Devnet

from benchmarks.gas_cells import Cell
from benchmarks.gas_figures import Case, Spent

SECONDS_BETWEEN_LINES = 2.0
THE_CHAINS_OWN = (0x1, 0x2)
"""No contracts: where Starknet keeps block hashes and short names of cells for itself."""


class Meter:
    """Takes down transactions of a devnet that makes a block for each; a context that closes its
    connection."""

    def __init__(self, devnet: Devnet) -> None:
        self._url = devnet.rpc_url
        self._http = httpx2.Client(timeout=60)
        self._filled: set[Cell] = set()
        self.spent: list[Spent] = []
        self.made: dict[Case, list[tuple[str, Cell]]] = {}

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def took(self, case: Case, call: str, tx_hash: int) -> None:
        """Adds a transaction that is in a block of its own. Raises AssertionError where it
        reverted: a benchmark of refusals would measure nothing."""
        receipt = self._ask("starknet_getTransactionReceipt", {"transaction_hash": hex(tx_hash)})
        assert receipt["execution_status"] == "SUCCEEDED", receipt
        gas = receipt["execution_resources"]
        cells = self._new_cells(receipt["block_number"])
        self.made.setdefault(case, []).extend((call, cell) for cell in cells)
        self.spent.append(Spent(case, call, gas["l2_gas"], gas["l1_data_gas"], len(cells)))

    def _new_cells(self, block: int) -> list[Cell]:
        """What the block's state diff writes that was zero in the block before."""
        update = self._ask("starknet_getStateUpdate", {"block_id": {"block_number": block}})
        written = [
            (Cell(int(contract["address"], 16), int(entry["key"], 16)), int(entry["value"], 16))
            for contract in update["state_diff"]["storage_diffs"]
            if int(contract["address"], 16) not in THE_CHAINS_OWN
            for entry in contract["storage_entries"]
        ]
        # What held a value once is asked again only after it was emptied.
        new = [
            cell
            for cell, value in written
            if value and cell not in self._filled and not self._held(cell, block - 1)
        ]
        for cell, value in written:
            (self._filled.add if value else self._filled.discard)(cell)
        return new

    def _held(self, cell: Cell, block: int) -> int:
        where = {"contract_address": hex(cell.contract), "key": hex(cell.key)}
        return int(self._ask("starknet_getStorageAt", {**where, "block_id": {"block_number": block}}), 16)

    def _ask(self, method: str, params: dict[str, object]) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._http.post(self._url, json=request).json()
        assert "result" in answer, (method, params, answer)
        return answer["result"]


class Progress:
    """A line on stderr every other second, and one when all is done."""

    def __init__(self, what: str, steps: int) -> None:
        self._what, self._steps, self._done = what, steps, 0
        self._began = self._told = time.monotonic()

    def step(self) -> None:
        self._done += 1
        now = time.monotonic()
        if self._done == self._steps or now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            print(
                f"{self._what}: {self._done} of {self._steps}, {now - self._began:.0f} s",
                file=sys.stderr,
                flush=True,
            )
