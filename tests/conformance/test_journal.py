"""What every Journal promises, held against the fake and SQLite; then what only a file can break."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tileproof.adapters.store import journal as journals
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.domain.errors import MachineError
from tileproof.ports.journal import Journal

from tests.fakes.journal import FakeJournal

RECORD = {"text": "ü\n\0", "number": -(2**70), "none": None, "list": [1, {"deep": [True, 0.1]}], "": ""}


@pytest.fixture(params=["fake", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "fake":
        yield FakeJournal()
        return
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        yield opened


def test_what_was_put_is_got_as_it_was(journal: Journal) -> None:
    journal.put("claim", "1-0", RECORD)
    assert journal.get("claim", "1-0") == RECORD


def test_what_was_never_put_is_none(journal: Journal) -> None:
    journal.put("claim", "1", RECORD)
    assert journal.get("claim", "2") is None
    assert journal.get("vote", "1") is None
    assert journal.all("vote") == {}


def test_kinds_do_not_mix(journal: Journal) -> None:
    journal.put("a", "1", {"of": "a"})
    journal.put("b", "1", {"of": "b"})
    journal.remove("b", "1")
    assert journal.all("a") == {"1": {"of": "a"}}
    assert journal.all("b") == {}


def test_a_later_put_replaces_the_whole_record(journal: Journal) -> None:
    journal.put("a", "1", {"x": 1, "y": 2})
    journal.put("a", "1", {"x": 3})
    assert journal.get("a", "1") == {"x": 3}


def test_all_come_in_the_order_in_which_they_were_first_written(journal: Journal) -> None:
    for key in ("z", "a", "10", "9"):
        journal.put("a", key, {"first": True})
    journal.put("a", "a", {"first": False})
    assert list(journal.all("a")) == ["z", "a", "10", "9"]


def test_who_was_removed_and_comes_back_is_last(journal: Journal) -> None:
    for key in ("1", "2", "3"):
        journal.put("a", key, {})
    for key in ("3", "1"):
        journal.remove("a", key)
        journal.put("a", key, {})
    assert list(journal.all("a")) == ["2", "3", "1"]


def test_removing_twice_is_removing_once(journal: Journal) -> None:
    journal.put("a", "1", {})
    journal.remove("a", "1")
    journal.remove("a", "1")
    journal.remove("nothing", "1")
    assert journal.get("a", "1") is None


def test_a_record_is_a_copy_of_what_was_put_and_so_is_what_is_got(journal: Journal) -> None:
    mine = {"list": [1]}
    journal.put("a", "1", mine)
    mine["list"].append(2)
    got = journal.get("a", "1")
    assert got is not None
    got["list"].append(3)  # type: ignore[attr-defined]
    assert journal.get("a", "1") == {"list": [1]}


def test_what_is_no_json_is_the_caller_s_bug_and_changes_nothing(journal: Journal) -> None:
    journal.put("a", "1", {"good": 1})
    with pytest.raises(TypeError):
        journal.put("a", "1", {"path": Path("/")})
    with pytest.raises(ValueError, match="JSON"):
        journal.put("a", "1", {"number": float("nan")})
    assert journal.get("a", "1") == {"good": 1}


def test_threads_may_write_at_once(journal: Journal) -> None:
    def write(name: int) -> None:
        for number in range(25):
            journal.put("a", f"{name}-{number}", {"number": number})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.all("a")) == 100


# What only a file can break


def code_of(path: Path) -> str:
    with pytest.raises(MachineError) as caught:
        SqliteJournal(path)
    assert caught.value.remedy
    return caught.value.code


def test_a_journal_outlives_the_process_and_so_does_its_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "home" / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        for key in ("b", "a"):
            journal.put("x", key, RECORD)
    with closing(SqliteJournal(path)) as journal:
        assert list(journal.all("x").items()) == [("b", RECORD), ("a", RECORD)]


def test_nobody_else_on_the_machine_reads_it(tmp_path: Path) -> None:
    """It holds the salts of verdicts that are not yet revealed."""
    with closing(SqliteJournal(tmp_path / "home" / "journal.sqlite")) as journal:
        journal.put("x", "1", {"salt": 1})
        assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
        files = [path for path in (tmp_path / "home").iterdir() if path.suffix != ".lock"]
        assert len(files) == 3  # itself, its log, its index
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


WRITER = """
import sys
from pathlib import Path
from tileproof.adapters.store.journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
start = len(journal.all("x"))
for number in range(start, 1_000_000):
    journal.put("x", str(number), {"number": number, "rest": "r" * (number * 7919 % 9000)})
    print(number, flush=True)
"""


def test_whatever_a_put_returned_for_is_there_after_kill_9(tmp_path: Path) -> None:
    """Ten writers, each killed in the middle of its work; the next opens the journal at once."""
    path = tmp_path / "journal.sqlite"
    acknowledged = -1
    for puts in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout is not None
            for _ in range(puts):
                child.stdout.readline()
            child.kill()
            said, err = child.communicate()
        assert not err
        if said.endswith("\n"):
            acknowledged = int(said.split()[-1])
        with closing(SqliteJournal(path)) as journal:
            records = journal.all("x")
        assert list(records) == [str(number) for number in range(len(records))]
        assert all(records[key]["number"] == int(key) for key in records)
        assert all(len(str(r["rest"])) == int(str(r["number"])) * 7919 % 9000 for r in records.values())
        assert acknowledged < len(records)
        acknowledged = len(records) - 1
    assert acknowledged >= 220


HOLDER = """
import sys
from pathlib import Path
from tileproof.adapters.store.journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_one_process_owns_a_journal_at_a_time_and_a_dead_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        assert code_of(path) == "journal.in_use"
        child.kill()
        child.wait()
        SqliteJournal(path).close()


def test_a_refused_opening_leaves_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        assert code_of(path) == "journal.in_use"
        journal.put("x", "1", RECORD)
        assert journal.get("x", "1") == RECORD


def a_full_one(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        for number in range(200):
            journal.put("x", str(number), {"rest": "r" * 500})


def test_a_file_that_is_no_journal_is_damaged_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"something else altogether " * 300)
    before = path.read_bytes()
    assert code_of(path) == "journal.damaged"
    assert path.read_bytes() == before


@pytest.mark.parametrize("page", [1, 5, 20])
def test_a_page_of_nonsense_is_noticed_when_it_is_opened(tmp_path: Path, page: int) -> None:
    path = tmp_path / "journal.sqlite"
    a_full_one(path)
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(os.urandom(4096))
    assert code_of(path) == "journal.damaged"


def test_half_a_journal_is_noticed_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    a_full_one(path)
    os.truncate(path, path.stat().st_size // 2)
    assert code_of(path) == "journal.damaged"


@pytest.mark.parametrize("body", ["{", "[]", ""])
def test_a_record_that_is_none_is_noticed_when_it_is_opened(tmp_path: Path, body: str) -> None:
    path = tmp_path / "journal.sqlite"
    a_full_one(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE record SET body = ? WHERE number = 100", (body,))
        db.commit()
    assert code_of(path) == "journal.damaged"


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").mkdir()
    assert code_of(tmp_path / "journal.sqlite") == "journal.failed"
    (tmp_path / "file").touch()
    assert code_of(tmp_path / "file" / "journal.sqlite") == "journal.failed"


def test_a_failed_opening_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"something else altogether " * 300)
    for _ in range(2):
        assert code_of(path) == "journal.damaged"
    path.unlink()
    SqliteJournal(path).close()


def test_an_older_journal_is_brought_up_to_date_once_and_keeps_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    a_full_one(path)
    later = (*journals.MIGRATIONS, "CREATE TABLE later (x)", "INSERT INTO later VALUES (1)")
    monkeypatch.setattr(journals, "MIGRATIONS", later)
    for _ in range(2):
        with closing(SqliteJournal(path)) as journal:
            assert len(journal.all("x")) == 200
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT x FROM later").fetchall() == [(1,)]
        assert db.execute("PRAGMA user_version").fetchone() == (3,)


def test_a_step_that_fails_half_way_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    a_full_one(path)
    with monkeypatch.context() as patched:
        patched.setattr(journals, "MIGRATIONS", (*journals.MIGRATIONS, "CREATE TABLE later (x)", "NONSENSE"))
        assert code_of(path) == "journal.failed"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    monkeypatch.setattr(journals, "MIGRATIONS", (*journals.MIGRATIONS, "CREATE TABLE later (x)"))
    with closing(SqliteJournal(path)) as journal:
        assert len(journal.all("x")) == 200


def test_a_journal_of_a_later_tileproof_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr(journals, "MIGRATIONS", (*journals.MIGRATIONS, "CREATE TABLE later (x)"))
        a_full_one(path)
    before = path.read_bytes()
    assert code_of(path) == "journal.too_new"
    assert path.read_bytes() == before


FILLER = """
import sys
from pathlib import Path
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.domain.errors import MachineError
path = Path(sys.argv[1]) / "journal.sqlite"
journal, kept = SqliteJournal(path), 0
try:
    while True:
        journal.put("x", str(kept), {"rest": "r" * 3000})
        kept += 1
except MachineError as error:
    assert error.code == "machine.disk_full", error
assert 10 < kept == len(journal.all("x"))
journal.close()
assert len(SqliteJournal(path).all("x")) == kept
try:
    (Path(sys.argv[1]) / "rest").write_bytes(bytes(1 << 20))
except OSError:
    pass
try:
    SqliteJournal(Path(sys.argv[1]) / "another" / "journal.sqlite")
except MachineError as error:
    assert error.code == "machine.disk_full", error
    print("through")
"""


def test_a_full_disk_is_told_and_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=512k none '{tmp_path}' && exec \"$@\""
    under = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*under, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk takes user namespaces, which this machine does not allow")
    done = subprocess.run(
        [*under, sys.executable, "-c", FILLER, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "through\n", done.stderr
