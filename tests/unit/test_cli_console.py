"""Whatever happens leaves through one door: a code, a message, what to do, an exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
import typer
from tileproof.cli.__main__ import command
from tileproof.cli.console import BUG, INTERRUPTED, bars, facts, if_interrupted, note, run, show_json, table
from tileproof.cli.show import duration, size
from tileproof.domain import errors


def raising(error: BaseException) -> Callable[[object], object]:
    def command(_: object) -> object:
        raise error

    return command


CLASSES = {
    errors.InputError("a.b", "m"): 2,
    errors.ConfigError("a.b", "m"): 3,
    errors.MachineError("a.b", "m"): 4,
    errors.EvidenceError("a.b", "m"): 5,
    errors.ServiceError("a.b", "m"): 6,
    errors.LedgerRejected("BAD_TERMS"): 7,
}


@pytest.mark.parametrize(("error", "status"), CLASSES.items(), ids=lambda value: type(value).__name__)
def test_each_class_of_error_has_its_own_exit_status(error: errors.TileproofError, status: int) -> None:
    assert run(raising(error), []) == status


def test_no_two_classes_share_a_status_with_each_other_or_with_the_rest() -> None:
    taken = [*CLASSES.values(), 0, 1, 8, BUG, INTERRUPTED]
    assert len(taken) == len(set(taken))


def test_a_person_reads_code_message_and_what_to_do_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(errors.InputError("scene.no_camera", "no camera [x]", remedy="add one")), [])
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error scene.no_camera: no camera [x]\n  → add one\n"


def test_a_script_reads_one_json_object_on_stderr_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command(_: object) -> object:
        note("opening")
        raise errors.InputError("scene.no_camera", "no camera", remedy="add one", path="x.blend")

    assert run(command, ["client", "submit", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {
        "schema_version": 1,
        "error": {
            "code": "scene.no_camera",
            "message": "no camera",
            "remedy": "add one",
            "data": {"path": "x.blend"},
        },
    }


@pytest.mark.parametrize(
    "as_typer_hands_it_on", [KeyboardInterrupt(), typer.Abort(), typer.Exit(INTERRUPTED)]
)
def test_ctrl_c_says_what_goes_on_and_how_to_look_later(
    capsys: pytest.CaptureFixture[str], as_typer_hands_it_on: BaseException
) -> None:
    def command(_: object) -> object:
        with if_interrupted("job 7 goes on: tileproof client watch 7"):
            raise as_typer_hands_it_on

    assert run(command, []) == INTERRUPTED
    assert "job 7 goes on: tileproof client watch 7" in capsys.readouterr().err


def test_ctrl_c_that_typer_made_an_exit_status_speaks_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _: INTERRUPTED, []) == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_ctrl_c_elsewhere_does_not_speak_of_a_job_that_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    def command(_: object) -> object:
        with if_interrupted("job 7 goes on"):
            pass
        raise KeyboardInterrupt

    assert run(command, []) == INTERRUPTED
    assert "job 7" not in capsys.readouterr().err


def test_a_bug_of_ours_shows_where_it_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(ZeroDivisionError("division by zero")), []) == BUG
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "error bug:" in err


def test_a_wrong_flag_is_reported_like_every_other_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(typer.BadParameter("no such option")), ["--json"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "usage"


def test_a_flag_that_goes_before_the_group_is_said_to_go_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, ["client", "list", "--network", "localnet", "--json"]) == 2
    remedy = json.loads(capsys.readouterr().err)["error"]["remedy"]
    assert remedy == "it goes first: `tileproof --network … client list`"


def test_no_help_text_is_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    for group in (
        [],
        *([name] for name in ("client", "worker", "verifier", "account", "localnet", "contract")),
    ):
        run(command, [*group, "--help"])
        assert "..." not in capsys.readouterr().out.replace("[ARGS]...", "")


def test_an_exit_status_of_a_command_is_kept() -> None:
    assert run(raising(typer.Exit(8)), []) == 8
    assert run(lambda _: None, []) == 0


def test_a_terminal_s_control_bytes_in_data_are_escaped_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"name": "\x1b[2J\x9bx"})
    assert not set(capsys.readouterr().out) & set("\x1b\x9b")


def test_control_bytes_in_text_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(errors.EvidenceError("a.b", "named \x1b[2J\x07x", remedy="\x9b31m")), [])
    facts({"name": "\x1b]0;title\x07"})
    table(["name"], [["\x1b[31m"]])
    out, err = capsys.readouterr()
    assert not set(out + err) & set("\x1b\x07\x9b")


def test_a_table_in_a_pipe_keeps_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    table(["task", "cid"], [[1, "b" * 150], [22, "[bold]"]], right=("task",))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["task", "cid"], ["1", "b" * 150], ["22", "[bold]"]]


def test_facts_on_a_terminal_wrap_within_their_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    facts({"audit": "word " * 12, "hash": "0x" + "a" * 30})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("audit  word")
    assert all(line.startswith("       word") for line in lines[1:-1])
    assert lines[-1] == "hash   0x" + "a" * 30


def test_bars_in_a_pipe_are_lines_and_only_when_something_changed(capsys: pytest.CaptureFixture[str]) -> None:
    run(lambda _: None, [])
    with bars() as shown:
        shown.update("task 0", 1, 8, "claimed")
        shown.update("task 0", 1, 8, "claimed")
        shown.update("task 0", 2, 8, "submitted")
    assert capsys.readouterr().err == "task 0  claimed\ntask 0  submitted\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (1_234_567, "1.2 MB"), (10**13, "10.0 TB")],
)
def test_sizes_are_in_units_that_people_use(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (259_200, "3 days"),
        (90_000, "1 day 1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_times_are_in_units_that_people_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text
