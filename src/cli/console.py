"""The terminal: results on stdout, everything said on the way on stderr, errors in one place.

With ``--json`` stdout carries exactly one JSON document, and on failure stderr's last line is
one JSON object ``{"error": ...}``. Exit statuses are those of the error classes; 130 after Ctrl-C;
70 for a bug of ours.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import typer

from ..domain.errors import TileproofError
from ..domain.redaction import redacted, remember
from ..domain.user_paths import named_os_error

if TYPE_CHECKING:
    from rich.console import Console

ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""Every complaint about the command line itself; typer carries a click of its own from 0.20 on."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

BEFORE_THE_GROUP = ("--network", "--account", "--home", "--verbose", "-v")
"""Flags that every command shares and that stand before it."""
SCHEMA_VERSION = 1
"""Of every ``--json`` document: it grows when a field goes or changes its meaning (docs/operate.md)."""
INTERRUPTED = 130
BUG = 70
_TELL_HOPS = frozenset(f"tileproof.{name}" for name in ("client", "worker", "verifier", "adapters.sender"))
LEAST_ROOM = 20
"""A column narrower than this is not wrapped."""


@dataclass
class _Session:
    """What one process was told about its terminal."""

    as_json: bool = False
    shown: _Shown | None = None
    if_interrupted: list[str] = field(default_factory=list)


_session = _Session()


def plain(text: object) -> str:
    """The text as it may reach a terminal: others' names and messages move no cursor, set no
    colours and turn no line around, and square brackets are no markup."""
    from rich.markup import escape

    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", redacted(str(text))))


def stdout() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def is_terminal() -> bool:
    """Whether bars may move: only where a person watches stderr and nobody asked for JSON."""
    return sys.stderr.isatty() and not _session.as_json


def can_ask() -> bool:
    """Returns True where a person reads what is asked and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and is_terminal()


def ask(question: str, default: str = "") -> str:
    """Returns what a person types on one line, or the default for an empty one."""
    stderr().print(plain(f"{question} [{default}] " if default else f"{question} "), end="")
    return sys.stdin.readline().strip() or default


def confirm(question: str) -> bool:
    """Returns True only for an answer that says yes."""
    return ask(f"{question} [y/N]").lower() in ("y", "yes")


def say(text: str = "") -> None:
    """One line of result."""
    stdout().print(plain(text))


def note(text: str, *, link: tuple[str, str | None] | None = None) -> None:
    """One line about what is going on; silent with ``--json``.

    ``link`` is a last word and the page that it opens on a terminal which knows links.
    """
    if _session.as_json:
        return
    end = ""
    if link is not None:
        word, url = link
        end = f" [link={url}]{plain(word)}[/link]" if url and sys.stderr.isatty() else f" {plain(word)}"
    stderr().print(plain(text) + end)


def show_json(value: Mapping[str, object], *, rows: tuple[str, Iterable[object]] | None = None) -> None:
    """Prints the one document of a ``--json`` command, with its ``schema_version`` first.

    ``rows`` names a last list that is written row by row: it may be longer than memory holds.
    """
    document = json.dumps({"schema_version": SCHEMA_VERSION, **value}, indent=2, default=str)
    document = redacted(document)
    if rows is None:
        sys.stdout.write(f"{document}\n")
    else:
        name, items = rows
        sys.stdout.write(document.removesuffix("\n}") + f",\n  {json.dumps(name)}: [")
        for number, item in enumerate(items):
            sys.stdout.write(("," if number else "") + f"\n    {json.dumps(item, default=str)}")
        sys.stdout.write("\n  ]\n}\n")
    sys.stdout.flush()


def show_document(data: bytes) -> None:
    """Prints a document that has a format and a version of its own, such as a report."""
    sys.stdout.write(json.dumps(json.loads(data), indent=2) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table that stays readable in a pipe: no lines, headings first; ``right`` aligns right."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else plain(cell) for cell in row))
    console = stdout()
    if not sys.stdout.isatty():
        console.width = 400
    console.print(shown)


def facts(pairs: Mapping[str, object]) -> None:
    """Name and value, values aligned: a line each in a pipe, wrapped within their column on a
    terminal."""
    width = max((len(name) for name in pairs), default=0)
    room = stdout().width - width - 2 if sys.stdout.isatty() else 0
    for name, value in pairs.items():
        first, *rest = _wrapped(str(value), room)
        say(f"{name:<{width}}  {first}")
        for line in rest:
            say(f"{'':<{width}}  {line}")


def _wrapped(text: str, room: int) -> list[str]:
    if room < LEAST_ROOM:
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]


class Bars(Protocol):
    def update(self, key: str, done: float, total: float, text: str = "", live: str = "") -> None:
        """Moves, or first shows, the bar called ``key``; ``live`` is what only a bar shows."""
        ...


def ask_secret(question: str) -> str | None:
    """Returns what a person types unseen; None without a terminal, where nobody is asked."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    import getpass

    answer = getpass.getpass(question, stream=sys.stderr)
    remember(answer)
    return answer


@contextmanager
def bars() -> Iterator[Bars]:
    """Moving bars on a terminal; in a pipe a plain line whenever a bar's text changes."""
    if not is_terminal():
        yield _Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24, complete_style="cyan", finished_style="green"),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[text]}"),
        console=stderr(),
    ) as progress:
        yield _Moving(progress)


class _Moving:
    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._ids: dict[str, Any] = {}

    def update(self, key: str, done: float, total: float, text: str = "", live: str = "") -> None:
        if key not in self._ids:
            self._ids[key] = self._progress.add_task(key, total=total, text="")
        self._progress.update(self._ids[key], completed=done, total=total, text=plain(text + live))


class _Lines:
    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def update(self, key: str, done: float, total: float, text: str = "", live: str = "") -> None:
        if self._last.get(key) != text:
            self._last[key] = text
            note(f"{key}  {text}".rstrip())


@contextmanager
def if_interrupted(what_goes_on: str) -> Iterator[None]:
    """What Ctrl-C says while the block runs: what continues, and how to look later."""
    _session.if_interrupted.append(what_goes_on)
    yield
    _session.if_interrupted.pop()


def setup_logging(level: int = logging.WARNING) -> None:
    """Sends log lines to stderr, one a record; only a ``main`` calls this.

    A program that reads stderr gets the hops of every role. A person at a terminal gets
    warnings, and bars instead (``log_hops`` is for the roles that run for long).
    """
    from ..adapters.log_lines import TextFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter())
    _session.shown = _Shown(level, hops=not sys.stderr.isatty())
    handler.addFilter(_session.shown)
    root = logging.getLogger("tileproof")
    root.handlers[:] = [handler]
    root.propagate = False
    _let_through(level)


def configure_logging(*, as_json: bool, level: str | None) -> None:
    """Applies the settings to what ``setup_logging`` began; ``-v`` asks for more than any level."""
    from ..adapters.log_lines import JsonFormatter, TextFormatter

    shown = _session.shown
    if shown is None:
        return
    for handler in logging.getLogger("tileproof").handlers:
        if shown in handler.filters:
            handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    if level is not None and shown.level > logging.DEBUG:
        shown.level, shown.is_set = logging.getLevelNamesMapping()[level.upper()], True
        _let_through(shown.level)


def log_hops() -> None:
    """From now on every hop is logged, whoever reads, and every transaction once it is sent: its
    hash must be known even if the process dies before it sees a block."""
    if _session.shown is not None:
        _session.shown.hops = True


class _Shown(logging.Filter):
    """A filter of what stderr shows: ``level`` and above, and hops unless a level is set."""

    def __init__(self, level: int, *, hops: bool) -> None:
        super().__init__()
        self.level, self.hops, self.is_set = level, hops, False

    def filter(self, record: logging.LogRecord) -> bool:
        is_hop = self.hops and not self.is_set and record.name in _TELL_HOPS
        return record.levelno >= (min(logging.INFO, self.level) if is_hop else self.level)


def _let_through(level: int) -> None:
    """Lets the loggers hand over ``level`` and above, and hops in any case: a file may keep them."""
    logging.getLogger("tileproof").setLevel(level)
    for name in _TELL_HOPS:
        logging.getLogger(name).setLevel(min(logging.INFO, level))


def make_streams_usable() -> None:
    """Gives the process streams that take any text: a terminal may know few letters, or be closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # kept till the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def ended_stdout(status: int) -> int:
    """Returns the exit status once stdout has taken everything; a reader may have left (``| head``)."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        named = named_os_error(error) if isinstance(error, OSError) else None
        if named is not None:
            _report(named.as_json())
            status = status or named.exit_status
        with suppress(OSError), open(os.devnull, "w") as nowhere:  # Python flushes again when it ends
            os.dup2(nowhere.fileno(), 1)
    return status


def run(command: Callable[[Sequence[str]], object], arguments: Sequence[str]) -> int:
    """Runs the command line and turns whatever happens into an exit status."""
    _session.as_json = "--json" in arguments
    _session.if_interrupted.clear()
    try:
        return _ended(command(arguments))
    except TileproofError as error:
        _report(error.as_json())
        return error.exit_status
    except typer.Exit as error:
        return _ended(error.exit_code)
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(error.format_message() + "\n")
            return int(error.exit_code)
        _report(_usage(error))
        return int(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return 0
    except OSError as error:
        named = named_os_error(error)
        if named is None:
            return _bug(error)
        logging.getLogger("tileproof.cli").debug("not foreseen", exc_info=True)
        _report(named.as_json())
        return named.exit_status
    except Exception as bug:  # noqa: BLE001  # the last resort: a bug is shown whole and never translated
        return _bug(bug)


def _bug(bug: Exception) -> int:
    sys.stderr.write(redacted("".join(traceback.format_exception(bug))))
    _report(
        {
            "code": "bug",
            "message": f"this is a bug in Tileproof: {type(bug).__name__}: {bug}",
            "remedy": "please report it together with the lines above",
            "data": {},
        }
    )
    return BUG


def _ended(status: object) -> int:
    """A command's own exit status; typer hands Ctrl-C on as the status of one."""
    return _interrupted() if status == INTERRUPTED else status if isinstance(status, int) else 0


def _interrupted() -> int:
    goes_on = _session.if_interrupted[-1] if _session.if_interrupted else ""
    _report({"code": "interrupted", "message": "interrupted", "remedy": goes_on, "data": {}})
    return INTERRUPTED


def _usage(error: Any) -> dict[str, object]:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "tileproof"
    remedy = f"`{where} --help` shows how"
    misplaced = getattr(error, "option_name", None)
    if misplaced in BEFORE_THE_GROUP and where.startswith("tileproof "):
        remedy = f"it goes first: `tileproof {misplaced} … {where.removeprefix('tileproof ')}`"
    return {
        "code": "usage",
        "message": error.format_message() or "what is missing is shown by --help",
        "remedy": remedy,
        "data": {},
    }


def _report(error: Mapping[str, object]) -> None:
    if _session.as_json:
        # The code is ours: a password that is a part of it must not make it another one.
        rest = json.loads(redacted(json.dumps({name: error[name] for name in error if name != "code"})))
        document = {"schema_version": SCHEMA_VERSION, "error": {"code": error["code"], **rest}}
        sys.stderr.write(json.dumps(document) + "\n")
        return
    console = stderr()
    if error["code"] == "interrupted":
        console.print("interrupted")
    else:
        console.print(f"[bold red]error[/] {error['code']}: {plain(error['message'])}")
    if error["remedy"]:
        console.print(f"  [dim]→[/] {plain(error['remedy'])}")
