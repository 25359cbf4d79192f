"""What the receipts of a gas measurement add up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from benchmarks.gas_cells import CellCount


class Design(Enum):
    """Whose calls a transaction is one of."""

    TILEPROOF = "Tileproof"
    NAIVE = "naive"
    TOKEN = "ERC-20"


@dataclass(frozen=True, slots=True)
class Case:
    """A job, and how it is walked: ``apart`` means a transaction per task or vote, else one per
    call and caller."""

    design: Design
    frames: int
    tasks: int
    apart: bool = False

    @classmethod
    def once(cls) -> Case:
        """What an account does apart from any job."""
        return cls(Design.TILEPROOF, 0, 0)

    def __str__(self) -> str:
        if not self.frames:
            return "-"
        if self.design is Design.NAIVE:
            return f"{_count(self.frames, 'frame')}, each apart"
        in_tasks = "1 task" if self.tasks == 1 else f"{self.tasks} tasks"
        return f"{_count(self.frames, 'frame')} in {in_tasks}" + (", each apart" if self.apart else "")


TRANSFER = Case(Design.TOKEN, 0, 0)
ONE, FEW, MANY = (Case(Design.TILEPROOF, frames, 1) for frames in (1, 24, 240))
IN_TASKS = Case(Design.TILEPROOF, 240, 10)
IN_TASKS_APART = Case(Design.TILEPROOF, 240, 10, apart=True)
WALKS = (ONE, FEW, MANY, IN_TASKS, IN_TASKS_APART)
NAIVE_ONE, NAIVE_FEW, NAIVE_MANY = (Case(Design.NAIVE, frames, frames) for frames in (1, 24, 240))
NAIVE_WALKS = (NAIVE_ONE, NAIVE_FEW, NAIVE_MANY)

LIFE = ("claim", "submit", "draw", "commit", "reveal", "settle", "withdraw")
"""From the claim to tokens in the worker's wallet."""
NAIVE_LIFE = ("claim", "submit", "approve", "pay")
SEATS_WITHDRAW = "withdraw, seats"
APPEAL_LOST = {
    "appeal": "appeal",
    "draw": "draw, appeal",
    "commit": "commit, appeal",
    "reveal": "reveal, appeal",
    "settle": "settle, appeal lost",
}
"""The calls of an appeal, and what their rows are called."""
APPEAL_WON = {"settle": "settle, appeal won"}
"""The one call that costs something else where the appellant is right."""
APPEAL_LIFE = tuple(APPEAL_LOST.values())
SUBMIT_GOAL, LIFE_GOAL = 1 / 50, 1 / 10


@dataclass(frozen=True, slots=True)
class Spent:
    """One transaction, as the chain charged it: execution, validation and fee transfer."""

    case: Case
    call: str
    l2_gas: int
    l1_data_gas: int
    new_cells: int


@dataclass(frozen=True, slots=True)
class Row:
    """All transactions of one call in one case."""

    case: Case
    call: str
    transactions: int
    l2_gas: int
    l1_data_gas: int
    new_cells: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Ratios of L2 gas, and cells, for 240 frames in tasks of 24 where nothing else is said.

    ``*_apart`` is what a worker and seats pay who send every task and vote by itself.
    ``life_with_seats_withdrawing`` adds that every seat of the job draws its fees right after it.
    ``appeal_vs_life`` is what an appeal of every task costs all who take part in it, its settlement
    included, over that life.
    """

    submit_vs_naive: float
    life_vs_naive: float
    submit_flatness_240_to_1: float
    new_cells_per_task: float
    submit_vs_naive_apart: float
    life_vs_naive_apart: float
    life_with_seats_withdrawing: float
    naive_new_cells_per_frame: float
    naive_linearity_240_to_24: float
    appeal_vs_life: float


def rows_of(spent: Iterable[Spent]) -> list[Row]:
    """One row per case and call, in the order in which each was first seen."""
    found: dict[tuple[Case, str], Row] = {}
    for one in spent:
        so_far = found.get((one.case, one.call), Row(one.case, one.call, 0, 0, 0, 0))
        found[one.case, one.call] = Row(
            one.case,
            one.call,
            so_far.transactions + 1,
            so_far.l2_gas + one.l2_gas,
            so_far.l1_data_gas + one.l1_data_gas,
            so_far.new_cells + one.new_cells,
        )
    return list(found.values())


def total(rows: Sequence[Row], case: Case, calls: Sequence[str]) -> Row:
    """The sum over these calls. Raises KeyError where one was not measured: a sum that lacks a
    call must never pass for a small one."""
    by_call = {row.call: row for row in rows if row.case == case}
    parts = [by_call[call] for call in calls]
    return Row(
        case,
        "+".join(calls),
        sum(part.transactions for part in parts),
        sum(part.l2_gas for part in parts),
        sum(part.l1_data_gas for part in parts),
        sum(part.new_cells for part in parts),
    )


def figures_of(rows: Sequence[Row]) -> Figures:
    def gas(case: Case, *calls: str) -> int:
        return total(rows, case, calls).l2_gas

    naive_submit, naive_life = gas(NAIVE_MANY, "submit"), gas(NAIVE_MANY, *NAIVE_LIFE)
    life = total(rows, IN_TASKS, LIFE)
    naive = total(rows, NAIVE_MANY, NAIVE_LIFE)
    few = gas(NAIVE_FEW, *NAIVE_LIFE)
    return Figures(
        submit_vs_naive=_ratio(gas(IN_TASKS, "submit"), naive_submit),
        life_vs_naive=_ratio(life.l2_gas, naive_life),
        submit_flatness_240_to_1=_ratio(gas(MANY, "submit"), gas(ONE, "submit")),
        new_cells_per_task=_ratio(life.new_cells, IN_TASKS.tasks),
        submit_vs_naive_apart=_ratio(gas(IN_TASKS_APART, "submit"), naive_submit),
        life_vs_naive_apart=_ratio(gas(IN_TASKS_APART, *LIFE), naive_life),
        life_with_seats_withdrawing=_ratio(life.l2_gas + gas(IN_TASKS, SEATS_WITHDRAW), naive_life),
        naive_new_cells_per_frame=_ratio(naive.new_cells, NAIVE_MANY.frames),
        naive_linearity_240_to_24=_ratio(naive_life, few * NAIVE_MANY.frames // NAIVE_FEW.frames),
        appeal_vs_life=_ratio(gas(IN_TASKS, *APPEAL_LIFE), life.l2_gas),
    )


def goals_met(figures: Figures) -> dict[str, bool]:
    return {
        "submit_vs_naive": figures.submit_vs_naive <= SUBMIT_GOAL,
        "life_vs_naive": figures.life_vs_naive <= LIFE_GOAL,
    }


def table(rows: Sequence[Row]) -> str:
    """Markdown; the last column counts plain transfers of the same token in the same run."""
    transfer = total(rows, TRANSFER, ["transfer"]).l2_gas
    lines = [
        "| contract | job | call | transactions | L2 gas | L1 data gas | new cells | L2 gas per frame "
        "| transfers |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        each = f"{row.l2_gas // row.case.frames:,}" if row.case.frames else "-"
        lines.append(
            f"| {row.case.design.value} | {row.case} | {row.call} | {row.transactions} | {row.l2_gas:,} "
            f"| {row.l1_data_gas:,} | {row.new_cells} | {each} | {row.l2_gas / transfer:.1f} |"
        )
    return "\n".join(lines)


def cell_table(cells: Sequence[CellCount], tasks: int) -> str:
    """Markdown: the cells that the measured job was the first to write, and why each is there."""
    return "\n".join(
        [
            "| cell | written by | per task | why it is there |",
            "| --- | --- | ---: | --- |",
            *(f"| `{cell.name}` | {cell.call} | {cell.count / tasks:g} | {cell.why} |" for cell in cells),
        ]
    )


def verdict_lines(figures: Figures) -> str:
    """The ratios in words, goals first."""
    met = {name: "met" if well else "MISSED" for name, well in goals_met(figures).items()}
    shown = [
        ("submit, ours to naive", figures.submit_vs_naive, f"goal 1/50: {met['submit_vs_naive']}"),
        ("claim to payout, ours to naive", figures.life_vs_naive, f"goal 1/10: {met['life_vs_naive']}"),
        ("submit, 240 frames to 1 in one task", figures.submit_flatness_240_to_1, "1 is flat"),
        ("submit, each task sent apart", figures.submit_vs_naive_apart, "a worker with one task at a time"),
        ("claim to payout, everything apart", figures.life_vs_naive_apart, "nobody batches anything"),
        ("claim to payout, seats withdraw too", figures.life_with_seats_withdrawing, "right after the job"),
        ("naive, 240 frames to 10 x 24", figures.naive_linearity_240_to_24, "1 is linear"),
    ]
    lines = [f"{what:38} {ratio:9.5f}  1/{1 / ratio:<6.1f} {note}" for what, ratio, note in shown]
    lines.append(f"{'an appeal, to claim to payout':38} {figures.appeal_vs_life:9.5f}")
    lines.append(f"{'new cells of a task':38} {figures.new_cells_per_task:9g}")
    lines.append(f"{'new cells of a naive frame':38} {figures.naive_new_cells_per_frame:9g}")
    return "\n".join(lines)


def report(
    rows: Sequence[Row],
    cells: Sequence[CellCount],
    appeal_cells: Sequence[CellCount],
    about: dict[str, object],
) -> dict[str, object]:
    """The last line of the output: the figures, whether the goals are met, the whole table."""
    figures = figures_of(rows)
    return {
        **asdict(figures),
        "goals_met": goals_met(figures),
        **about,
        "table": [_flat(row) for row in rows],
        "cells": [asdict(cell) for cell in cells],
        "appeal_cells": [asdict(cell) for cell in appeal_cells],
    }


def _flat(row: Row) -> dict[str, object]:
    case = row.case
    return {
        "contract": case.design.value,
        "frames": case.frames,
        "tasks": case.tasks,
        "apart": case.apart,
        "call": row.call,
        "transactions": row.transactions,
        "l2_gas": row.l2_gas,
        "l1_data_gas": row.l1_data_gas,
        "new_cells": row.new_cells,
    }


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 6)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
