"""What the gas benchmark makes of receipts and state diffs, without a chain."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starknet_py.hash.storage import get_storage_var_address
from tileproof.domain.cid import Cid, Codec

from benchmarks.gas_cells import APPEAL_PLACES, KINDS, UNNAMED, Cell, CellCount, Names, Per, count_cells
from benchmarks.gas_figures import (
    APPEAL_LIFE,
    APPEAL_WON,
    FEW,
    IN_TASKS,
    IN_TASKS_APART,
    LIFE,
    MANY,
    NAIVE_FEW,
    NAIVE_LIFE,
    NAIVE_MANY,
    NAIVE_ONE,
    ONE,
    SEATS_WITHDRAW,
    TRANSFER,
    Case,
    Row,
    Spent,
    cell_table,
    figures_of,
    goals_met,
    report,
    rows_of,
    table,
    total,
    verdict_lines,
)
from benchmarks.gas_naive import byte_array

REGISTRY, TOKEN = 0x77, 0x4718


def a_measurement(*, submit: int = 150, settle: int = 150) -> list[Spent]:
    """Every case that the figures need: each naive call costs 100 a frame, each of ours 150 a job
    where nothing else is said, and each of our claims makes two cells per task."""
    spent = [Spent(TRANSFER, "transfer", 100, 1, 0)]
    for case in (NAIVE_ONE, NAIVE_FEW, NAIVE_MANY):
        spent += [Spent(case, call, 100, 1, 1) for call in NAIVE_LIFE for _ in range(case.frames)]
    for case in (ONE, FEW, MANY, IN_TASKS, IN_TASKS_APART):
        times = case.tasks if case.apart else 1
        for call in (*LIFE, SEATS_WITHDRAW):
            gas = {"submit": submit, "settle": settle}.get(call, 150)
            cells = 2 * case.tasks // times if call == "claim" else 0
            spent += [Spent(case, call, gas, 2, cells)] * times
    for case in (ONE, IN_TASKS):
        spent += [Spent(case, call, 300, 2, 5) for call in (*APPEAL_LIFE, *APPEAL_WON.values())]
    return spent


def test_transactions_of_one_call_are_one_row_and_nothing_is_lost() -> None:
    rows = rows_of(
        [Spent(ONE, "commit", 10, 1, 2), Spent(ONE, "reveal", 5, 1, 0), Spent(ONE, "commit", 20, 2, 1)]
    )
    assert rows == [Row(ONE, "commit", 2, 30, 3, 3), Row(ONE, "reveal", 1, 5, 1, 0)]


@given(
    st.lists(
        st.builds(
            Spent,
            st.sampled_from([ONE, IN_TASKS, NAIVE_MANY]),
            st.sampled_from(["claim", "submit"]),
            *[st.integers(0, 10**9)] * 3,
        )
    )
)
def test_rows_add_up_to_what_was_spent(spent: list[Spent]) -> None:
    rows = rows_of(spent)
    assert len({(row.case, row.call) for row in rows}) == len(rows)
    assert sum(row.transactions for row in rows) == len(spent)
    for sum_of in ("l2_gas", "l1_data_gas", "new_cells"):
        assert sum(getattr(row, sum_of) for row in rows) == sum(getattr(one, sum_of) for one in spent)


def test_a_sum_that_lacks_a_call_is_refused_and_not_small() -> None:
    rows = rows_of([Spent(ONE, "claim", 10, 1, 0)])
    with pytest.raises(KeyError, match="submit"):
        total(rows, ONE, ("claim", "submit"))


def test_the_ratios_are_ours_over_naive_with_every_transaction_counted() -> None:
    figures = figures_of(rows_of(a_measurement()))
    assert figures.submit_vs_naive == round(150 / (240 * 100), 6)
    assert figures.life_vs_naive == round(len(LIFE) * 150 / (4 * 240 * 100), 6)
    assert figures.submit_vs_naive_apart == round(10 * 150 / (240 * 100), 6)
    assert figures.life_vs_naive_apart == round(10 * len(LIFE) * 150 / (4 * 240 * 100), 6)
    assert figures.life_with_seats_withdrawing == round((len(LIFE) + 1) * 150 / (4 * 240 * 100), 6)
    assert figures.submit_flatness_240_to_1 == 1
    assert figures.naive_linearity_240_to_24 == 1
    assert figures.new_cells_per_task == 2
    assert figures.naive_new_cells_per_frame == 4


def test_an_appeal_is_what_its_five_calls_cost_and_no_part_of_a_life() -> None:
    figures = figures_of(rows_of(a_measurement()))
    assert APPEAL_LIFE == (
        "appeal",
        "draw, appeal",
        "commit, appeal",
        "reveal, appeal",
        "settle, appeal lost",
    )
    assert figures.appeal_vs_life == round(5 * 300 / (len(LIFE) * 150), 6)
    assert not set(LIFE) & set(APPEAL_LIFE)


def test_the_payout_reaches_a_wallet_in_both_lives() -> None:
    """The naive contract pays out at once, ours on withdrawal: leaving that out would flatter us."""
    assert LIFE[-1] == "withdraw"
    assert NAIVE_LIFE[-1] == "pay"


def test_a_goal_is_met_up_to_its_bound_and_missed_beyond() -> None:
    at, beyond = 240 * 100 // 50, 240 * 100 // 50 + 1
    assert goals_met(figures_of(rows_of(a_measurement(submit=at))))["submit_vs_naive"]
    assert not goals_met(figures_of(rows_of(a_measurement(submit=beyond))))["submit_vs_naive"]
    life = 4 * 240 * 100 // 10 - 6 * 150
    assert goals_met(figures_of(rows_of(a_measurement(settle=life))))["life_vs_naive"]
    missed = figures_of(rows_of(a_measurement(settle=life + 1)))
    assert not goals_met(missed)["life_vs_naive"]
    assert "goal 1/10: MISSED" in verdict_lines(missed)


def test_the_last_line_names_what_is_asked_for_and_has_the_whole_table() -> None:
    rows = rows_of(a_measurement())
    life, appeal = (
        CellCount("task.record", "claim", 10, "state"),
        CellCount("task.appeal", "appeal", 9, "what"),
    )
    said = json.loads(json.dumps(report(rows, [life], [appeal], {"seats": 10})))
    asked = {"submit_vs_naive", "life_vs_naive", "submit_flatness_240_to_1", "new_cells_per_task"}
    assert asked <= said.keys()
    assert said["seats"] == 10
    assert len(said["table"]) == len(rows)
    assert said["cells"] == [{"name": "task.record", "call": "claim", "count": 10, "why": "state"}]
    assert said["appeal_cells"] == [{"name": "task.appeal", "call": "appeal", "count": 9, "why": "what"}]


def test_a_row_of_the_table_says_gas_per_frame_and_in_transfers() -> None:
    lines = table(rows_of(a_measurement())).splitlines()
    assert "| Tileproof | 240 frames in 10 tasks | submit | 1 | 150 | 2 | 0 | 0 | 1.5 |" in lines
    assert "| naive | 24 frames, each apart | pay | 24 | 2,400 | 24 | 24 | 100 | 24.0 |" in lines
    assert len(lines) == 2 + len(rows_of(a_measurement()))
    assert len({line.count("|") for line in lines}) == 1


def test_a_job_that_nobody_walked_has_no_frames_to_divide_by() -> None:
    rows = rows_of([*a_measurement(), Spent(Case.once(), "deposit", 50, 1, 1)])
    assert "| Tileproof | - | deposit | 1 | 50 | 1 | 1 | - | 0.5 |" in table(rows)


# --- cells ---


def names(tasks: int = 2) -> Names:
    return Names.of_job(REGISTRY, 9, tasks=tasks, committee=3, accounts=[0xA, 0xB])


def test_cells_are_told_apart_by_job_task_and_place() -> None:
    def kind(variable: str, *key: int, offset: int = 0, contract: int = REGISTRY) -> str:
        return names().kind_of(Cell(contract, get_storage_var_address(variable, *key) + offset)).name

    assert kind("tasks", 9, 1) == "task.record"
    assert kind("tasks", 9, 1, offset=1) == "task.worker"
    assert kind("Audits_sealed", 9, 0, 2) == "audit.sealed"
    assert kind("Audits_sealed", 9, 0, APPEAL_PLACES + 6) == "appeal.sealed"
    assert kind("Audits_sealed", 9, 0, APPEAL_PLACES + 7) == UNNAMED.name, (
        "seven judge an appeal against three"
    )
    assert kind("Audits_appeal_slots", 9, 1, 0) == "appeal.slots"
    assert kind("tasks", 9, 0, offset=4) == "task.appeal"
    assert kind("jobs", 9, offset=6) == "job.progress"
    assert kind("Escrow_accounts", 0xB) == "account"
    assert kind("tasks", 9, 2) == UNNAMED.name, "the job has tasks 0 and 1"
    assert kind("tasks", 8, 1) == UNNAMED.name, "another job's"
    assert kind("tasks", 9, 1, contract=TOKEN) == "token"


def test_cells_of_a_kind_are_counted_by_the_call_that_made_them() -> None:
    record = Cell(REGISTRY, get_storage_var_address("tasks", 9, 0))
    other = Cell(REGISTRY, get_storage_var_address("tasks", 9, 1))
    counts = count_cells([("claim", record), ("claim", other), ("draw", Cell(REGISTRY, 5))], names())
    assert [(c.name, c.call, c.count) for c in counts] == [
        ("task.record", "claim", 2),
        ("NOT NAMED", "draw", 1),
    ]
    assert "| `task.record` | claim | 1 |" in cell_table(counts, 2)


def test_every_kind_of_cell_has_a_reason_and_a_place_of_its_own() -> None:
    assert all(kind.name and kind.why for kind in KINDS)
    assert len({(kind.variable, kind.offset, kind.per) for kind in KINDS}) == len(KINDS)
    cells = {
        Per.JOB: 1,
        Per.TASK: 2,
        Per.PLACE: 2 * 3,
        Per.APPEAL_PART: 2,
        Per.APPEAL_PLACE: 2 * 7,
        Per.ACCOUNT: 2,
    }
    assert len(names().kinds) == sum(cells[kind.per] for kind in KINDS)


# --- the naive contract's CIDs ---


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=100))
def test_text_travels_as_full_words_a_rest_and_its_length(text: str) -> None:
    full, *felts, rest, rest_length = byte_array(text)
    assert full == len(felts) == len(text) // 31
    assert rest_length == len(text) % 31
    words = [felt.to_bytes(31, "big") for felt in felts]
    assert b"".join([*words, rest.to_bytes(rest_length, "big")]).decode() == text


def test_a_cid_as_text_takes_one_full_word_and_a_rest() -> None:
    full, _, _, rest = byte_array(str(Cid(Codec.DAG_PB, bytes(32))))
    assert (full, rest) == (1, 28)
