"""A role's log file, and the lines of one job out of those of all roles."""

from __future__ import annotations

import json
import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tileproof.adapters import role_log as module
from tileproof.adapters.role_log import FILE, MAX_LINE_BYTES, OLDER_FILES, lines_of_job, role_log
from tileproof.cli.show_logs import show_logs
from tileproof.domain.log_context import working_on

log = logging.getLogger("tileproof.worker")


@pytest.fixture(autouse=True)
def _hops_are_logged() -> Iterator[None]:
    level = log.level
    log.setLevel(logging.INFO)
    yield
    log.setLevel(level)


def line(message: str, second: int, **names: object) -> str:
    time = f"2026-12-01T00:{second // 60:02}:{second % 60:02}.000Z"
    return json.dumps(
        {"time": time, "level": "info", "logger": "tileproof.worker", "message": message, **names}
    )


def write(state: Path, role: str, account: str, *lines: str, file: str = FILE) -> Path:
    path = state / role / account / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each}\n" for each in lines))
    return path


def messages(state: Path, job: int = 1, task: int | None = None) -> list[str]:
    with lines_of_job(state, job, task) as found:
        return [str(each["message"]) for each in found.lines]


def test_what_a_role_logs_of_a_job_is_found_again_with_its_names(tmp_path: Path) -> None:
    with role_log(tmp_path / "worker" / "0x1"):
        log.info("started")
        with working_on(7, 2, 1):
            log.info("hop=%d claimed tx=%#x", 4, 255)
    with lines_of_job(tmp_path, 7) as found:
        (only,) = found.lines
    assert {name: only[name] for name in ("role", "account", "job", "task", "attempt", "transaction")} == {
        "role": "worker", "account": "0x1", "job": 7, "task": 2, "attempt": 1, "transaction": "0xff",
    }  # fmt: skip


def test_nothing_is_kept_once_the_role_has_ended(tmp_path: Path) -> None:
    with role_log(tmp_path / "worker" / "0x1"):
        pass
    log.info("later")
    assert not (tmp_path / "worker" / "0x1" / FILE).exists()


def test_lines_of_all_roles_come_by_task_attempt_and_time(tmp_path: Path) -> None:
    write(
        tmp_path, "worker", "0x1",
        line("claimed 0", 1, job=1, task=0, attempt=0), line("claimed 1", 2, job=1, task=1, attempt=0),
        line("submitted 0", 4, job=1, task=0, attempt=0), line("again 0", 9, job=1, task=0, attempt=1),
    )  # fmt: skip
    write(
        tmp_path, "verifier", "0x2",
        line("judged 0", 6, job=1, task=0, attempt=0), line("another job", 6, job=2, task=0, attempt=0),
    )  # fmt: skip
    write(tmp_path, "client", "0x3", line("escrowed", 0, job=1))
    assert messages(tmp_path) == ["escrowed", "claimed 0", "submitted 0", "judged 0", "again 0", "claimed 1"]
    assert messages(tmp_path, task=1) == ["claimed 1"]


def test_a_line_that_names_only_a_transaction_of_the_job_belongs_to_it(tmp_path: Path) -> None:
    write(
        tmp_path, "worker", "0x1",
        line("claimed", 1, job=1, task=0, attempt=0, transaction="0xa"),
        line("reconciled", 3, transaction="0xa"), line("of another", 4, transaction="0xb"),
    )  # fmt: skip
    assert messages(tmp_path) == ["reconciled", "claimed"]


def test_a_line_of_several_tasks_belongs_to_each_by_its_transaction(tmp_path: Path) -> None:
    write(
        tmp_path, "verifier", "0x1",
        line("sent", 1, job=1, transaction="0xa"),
        line("committed 0", 2, job=1, task=0, attempt=0, transaction="0xa"),
        line("committed 1", 2, job=1, task=1, attempt=0, transaction="0xa"),
        line("another", 3, job=1, transaction="0xb"),
    )  # fmt: skip
    assert messages(tmp_path, task=1) == ["sent", "committed 1"]


def test_older_files_of_a_role_come_before_its_present_one(tmp_path: Path) -> None:
    for number in range(OLDER_FILES + 1):
        name = f"{FILE}.{number}" if number else FILE
        write(tmp_path, "worker", "0x1", line(f"file {number}", 0, job=1), file=name)
    assert messages(tmp_path) == [f"file {number}" for number in range(OLDER_FILES, -1, -1)]


def test_a_full_file_makes_room_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2000)
    with role_log(tmp_path / "worker" / "0x1"), working_on(1):
        for number in range(200):
            log.info("line %d", number)
    assert len(list((tmp_path / "worker" / "0x1").iterdir())) == OLDER_FILES + 1
    kept = messages(tmp_path)
    assert kept == [f"line {number}" for number in range(200 - len(kept), 200)]


@pytest.mark.parametrize(
    "garbage",
    [
        b"no log line\n",
        b"[1, 2]\n",
        b"\xff\xfe\x00\n",
        b"x" * (3 * MAX_LINE_BYTES) + b"\n",
        b"[" * 5000 + b"\n",
        b'{"time": "yesterday", "level": "info", "logger": "x", "message": "y", "job": 1}\n',
        b'{"time": "2026-12-01T00:00:00.000Z", "level": "info", "logger": "x", "message": 1, "job": 1}\n',
        b'{"time": "2026-12-01T00:00:00.000Z", "level": "info", "logger": "x", "message": "y", "job": "1"}\n',
        b'{"time": "2026-12-01T00:00:00.000Z", "level": [], "logger": "x", "message": "y", "job": 1}\n',
    ],
)
def test_what_is_no_log_line_is_left_out_and_counted(garbage: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, "worker", "0x1", line("before", 1, job=1))
    with path.open("ab") as file:
        file.write(garbage + line("after", 2, job=1).encode() + b"\n")
    with lines_of_job(tmp_path, 1) as found:
        assert [each["message"] for each in found.lines] == ["before", "after"]
        assert found.unreadable == 1


def test_a_line_that_its_role_is_still_writing_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path, "worker", "0x1", line("whole", 1, job=1))
    with path.open("a") as file:
        file.write(line("half", 2, job=1)[:40])
    with lines_of_job(tmp_path, 1) as found:
        assert [each["message"] for each in found.lines] == ["whole"]
        assert found.unreadable == 0


def test_many_lines_are_sorted_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SORTED_IN_MEMORY", 100)
    count = 3000
    write(
        tmp_path, "worker", "0x1",
        *(line(f"{n} {'x' * 1000}", n % 3600, job=1, task=n % 7, attempt=0) for n in range(count)),
    )  # fmt: skip
    tracemalloc.start()
    try:
        with lines_of_job(tmp_path, 1) as found:
            keys = [(each["task"], each["time"]) for each in found.lines]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(keys) == count
    assert keys == sorted(keys)
    assert peak < 2_000_000


def test_a_disk_that_is_full_ends_no_role(tmp_path: Path) -> None:
    home = tmp_path / "worker" / "0x1"
    (home / FILE).mkdir(parents=True)  # stands for a file that cannot be written
    with role_log(home):
        log.info("hop")


def test_the_command_prints_one_document_with_every_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "worker", "0x1", line("a", 1, job=1, task=0, attempt=0), line("b", 2, job=1))
    show_logs(tmp_path, 1, None, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["schema_version"], told["job_id"], told["files"], told["unreadable"]) == (1, 1, 1, 0)
    assert [each["message"] for each in told["lines"]] == ["b", "a"]
    show_logs(tmp_path, 2, None, as_json=True)
    assert json.loads(capsys.readouterr().out)["lines"] == []


def test_the_command_shows_a_heading_for_each_attempt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "worker", "0x1", line("said\x1b[31m\nforged", 1, job=1, task=0, attempt=2))
    show_logs(tmp_path, 1, None, as_json=False)
    heading, shown = capsys.readouterr().out.splitlines()
    assert heading == "task 0, attempt 2"
    assert "worker 0x1" in shown
    assert "\x1b" not in shown


def test_the_command_says_when_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_logs(tmp_path, 1, None, as_json=False)
    assert "no role of this network" in capsys.readouterr().out
