"""Log lines: what each carries, in both formats, and what no stranger can write into them."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.adapters.log_lines import JsonFormatter, TextFormatter
from tileproof.cli.console import configure_logging, log_hops, setup_logging
from tileproof.domain.job import TaskState, Verdict
from tileproof.domain.log_context import LogContext, carried, current, sending, working_on

from . import verifier_world, worker_world

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def record(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("tileproof.worker", logging.INFO, __file__, 1, message, values, None)


def text(message: str, *values: object) -> str:
    return TextFormatter().format(record(message, *values))


def document(message: str, *values: object) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(JsonFormatter().format(record(message, *values)))
    return parsed


@contextmanager
def heard() -> Iterator[list[tuple[str, LogContext]]]:
    """Collects what is logged below ``tileproof`` meanwhile, with the context of each line."""
    lines: list[tuple[str, LogContext]] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((record.getMessage(), current()))

    root, ear = logging.getLogger("tileproof"), Ear()
    names = ("tileproof", "tileproof.worker", "tileproof.verifier")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.INFO)
    root.addHandler(ear)
    try:
        yield lines
    finally:
        root.removeHandler(ear)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def test_a_text_line_has_a_time_with_its_zone_the_logger_the_level_and_the_message() -> None:
    line = text("hop=%d submitted job=%d task=%d cid=%s", 8, 1, 0, "bafy")
    assert re.fullmatch(rf"{RFC3339} tileproof\.worker INFO hop=8 submitted job=1 task=0 cid=bafy", line)


def test_a_text_line_ends_with_what_only_the_context_knows() -> None:
    with working_on(3, 1, 2), sending(0xABC):
        assert text("hop=%d rendered job=%d task=%d", 6, 3, 1).endswith(
            "hop=6 rendered job=3 task=1 attempt=2 tx=0xabc"
        )


def test_a_json_line_names_job_task_attempt_and_transaction() -> None:
    with working_on(3, 1, 2):
        line = document("hop=%d claimed job=%d task=%d tx=%#x", 4, 3, 1, 0xABC)
    assert {name: line[name] for name in ("job", "task", "attempt", "transaction", "level", "logger")} == {
        "job": 3, "task": 1, "attempt": 2, "transaction": "0xabc", "level": "info",
        "logger": "tileproof.worker",
    }  # fmt: skip
    assert line["fields"] == {"hop": 4}
    assert re.fullmatch(RFC3339, str(line["time"]))


@given(st.text())
def test_no_text_of_others_breaks_a_line_or_moves_a_cursor(theirs: str) -> None:
    for line in (text("failed: %s", theirs), JsonFormatter().format(record("failed: %s", theirs))):
        assert len(line.splitlines()) == 1
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
        line.encode()


@given(st.text())
def test_no_text_of_others_is_taken_for_a_field(theirs: str) -> None:
    line = document("left alone job=%d: %s", 1, f"{theirs} job=9 task=7 attempt=5 tx=0x1")
    assert line["job"] == 1
    assert not {"task", "attempt", "transaction"} & line.keys()


def test_the_lines_of_a_trace_cannot_pass_for_lines_of_a_log() -> None:
    try:
        raise ValueError("broken\n2026-12-01T00:00:00.000Z tileproof.worker INFO hop=8 submitted job=1")
    except ValueError:
        found = logging.LogRecord("tileproof.worker", 40, __file__, 1, "crashed", (), sys.exc_info())
    first, *rest = TextFormatter().format(found).splitlines()
    assert first.endswith("crashed")
    assert all(line.startswith("    | ") for line in rest)
    assert len(JsonFormatter().format(found).splitlines()) == 1


def test_a_template_that_does_not_fit_its_values_costs_no_line() -> None:
    assert "seconds=%d" in text("seconds=%d", "many")


def test_a_thread_carries_the_context_of_the_flow_that_gave_it_its_work() -> None:
    with ThreadPoolExecutor(1) as pool, working_on(1, 2, 3):
        assert pool.submit(current).result() == LogContext()
        assert pool.submit(carried(current)).result() == LogContext(1, 2, 3)
    assert current() == LogContext()


def test_an_inner_task_hides_the_attempt_and_the_transaction_of_the_outer_one() -> None:
    with working_on(1, 2, 3), sending(4):
        with working_on(5, 6):
            assert current() == LogContext(5, 6)
        assert current() == LogContext(1, 2, 3, 4)


def test_every_line_of_a_worker_about_a_claim_names_job_task_and_attempt(tmp_path: Path) -> None:
    world = worker_world.World()
    worker = world.worker(tmp_path)
    with heard() as lines:
        world.job()
        world.step(worker, 3)
        world.judge(Verdict.ACCEPT)
        world.step(worker, 3)
    about = [(line, context) for line, context in lines if "task=" in line]
    assert {line.split()[0] for line, _ in about} >= {f"hop={hop}" for hop in (4, 5, 6, 7, 8, 12)}
    assert {context for _, context in about} == {LogContext(1, 0, 0)}


def test_every_line_of_a_verifier_about_a_round_names_job_task_and_attempt(tmp_path: Path) -> None:
    world = verifier_world.World()
    world.submit()
    with heard() as lines:
        world.until(TaskState.PAID, world.verifier(tmp_path))
    about = [(line, context) for line, context in lines if "task=" in line]
    assert {line.split()[0] for line, _ in about} >= {f"hop={hop}" for hop in (9, 10, 11, 12)}
    assert {context for _, context in about} == {LogContext(1, 0, 0)}


@pytest.fixture
def logging_restored() -> Iterator[None]:
    names = [
        "tileproof",
        *(f"tileproof.{name}" for name in ("client", "worker", "verifier", "adapters.sender")),
    ]
    root = logging.getLogger("tileproof")
    before = [logging.getLogger(name).level for name in names], root.handlers[:], root.propagate
    yield
    for name, level in zip(names, before[0], strict=True):
        logging.getLogger(name).setLevel(level)
    root.handlers[:], root.propagate = before[1], before[2]


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (None, {"hop", "warning"}),
        ("warning", {"warning"}),
        ("info", {"hop", "info", "warning"}),
        ("error", set()),
    ],
)
@pytest.mark.usefixtures("logging_restored")
def test_the_level_of_the_settings_decides_what_stderr_shows(
    level: str | None, shown: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging()
    log_hops()
    configure_logging(as_json=True, level=level)
    logging.getLogger("tileproof.worker").info("hop")
    logging.getLogger("tileproof.adapters.node").info("info")
    logging.getLogger("tileproof.adapters.node").warning("warning")
    logging.getLogger("tileproof.adapters.node").debug("debug")
    assert {json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()} == shown


@pytest.mark.usefixtures("logging_restored")
def test_a_verbose_command_shows_all_whatever_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(logging.DEBUG)
    configure_logging(as_json=False, level="error")
    logging.getLogger("tileproof.adapters.node").debug("debug")
    assert "debug" in capsys.readouterr().err
