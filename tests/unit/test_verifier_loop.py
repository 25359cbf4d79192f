"""The verifier's loop, on the contract's rules and a chain that steps by hand."""

from __future__ import annotations

import logging
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from tileproof.domain.errors import ServiceError
from tileproof.domain.job import Ground, TaskState, Verdict
from tileproof.ports.ledger import Head, TaskDrawn
from tileproof.ports.trail import REORG_WINDOW_BLOCKS
from tileproof.verifier.watchlist import Watchlist

from .verifier_world import (
    IMPATIENT,
    ME,
    SEATS,
    World,
    empty,
    honest,
    lie_about_seeds,
    png,
    spoiled,
)


def test_an_honest_result_is_drawn_audited_committed_revealed_and_settled(tmp_path: Path) -> None:
    world = World()
    world.submit()
    world.until(TaskState.PAID, world.verifier(tmp_path))
    assert world.revealed()[0].verdict is Verdict.ACCEPT
    assert world.me.calls == ["draw", "commit", "reveal", "settle"]


def test_a_tampered_result_is_rejected_with_its_report_pinned(tmp_path: Path) -> None:
    world = World(spoiled(2, png(255 - honest(2))))
    world.draw()
    world.step(world.verifier(tmp_path))
    said = world.revealed()[0]
    assert (said.verdict, said.ground) == (Verdict.REJECT, Ground.TILE)
    assert said.evidence in world.store.pins()
    assert set(world.store.files(said.evidence)) == {"report.json", "report.html"}


def test_nothing_is_sent_before_the_submission_can_be_drawn(tmp_path: Path) -> None:
    world = World()
    world.submit()
    verifier = world.verifier(tmp_path)
    while world.task().state is TaskState.SUBMITTED:
        world.step(verifier, looks=1)
        assert world.me.calls == []


def test_a_verifier_without_a_seat_sends_nothing(tmp_path: Path) -> None:
    world = World(mine=0)
    verifier = world.verifier(tmp_path)
    world.submit()
    world.until(TaskState.DRAWABLE, verifier)
    world.step(verifier, looks=8)
    world.requester.draw(1, [0])
    commit, reveal = world.say(0, Verdict.ACCEPT)
    commit()
    world.step(verifier)
    reveal()
    world.until(TaskState.SETTLEABLE, verifier)
    world.step(verifier, looks=8)
    assert world.me.calls == []


def test_who_was_not_drawn_does_not_audit(tmp_path: Path) -> None:
    world = World(mine=1)
    world.draw(lambda seed, seats: 0 not in seats)
    world.step(world.verifier(tmp_path), looks=6)
    assert world.me.calls == []
    assert world.renderer.sessions == 0


def test_a_seat_taken_while_running_is_noticed_when_it_is_drawn(tmp_path: Path) -> None:
    world = World(mine=1)
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    world.add_seat(ME)
    world.draw(lambda seed, seats: seats == (SEATS,))
    world.step(verifier)
    assert [place for place, _ in world.committed()] == [0]


def test_the_seat_is_named_by_its_place_in_the_committee(tmp_path: Path) -> None:
    world = World(mine=1, committee_size=3)
    world.draw(lambda seed, seats: seats[1] == 0)
    world.step(world.verifier(tmp_path))
    assert [place for place, _ in world.committed()] == [1]


def test_two_seats_of_one_verifier_audit_once_and_vote_twice(tmp_path: Path) -> None:
    world = World(mine=2, committee_size=3)
    world.draw(lambda seed, seats: {0, 1} == {seats[0], seats[2]})
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    commit, _ = world.say(1, Verdict.ACCEPT)
    commit()
    world.step(verifier)
    assert sorted(world.revealed()) == [0, 2]
    assert world.renderer.sessions == 1
    sealed = world.journal.all("vote").values()
    assert len({record["salt"] for record in sealed}) == len({r["commitment"] for r in sealed}) == 2


def test_verifiers_do_not_all_draw_in_the_same_moment(tmp_path: Path) -> None:
    world = World()
    world.submit()
    verifier = world.verifier(tmp_path)
    world.until(TaskState.DRAWABLE, verifier)
    waits = 0
    while not world.me.calls and waits < 10:
        world.step(verifier, looks=1)
        waits += 1
    assert 1 <= waits <= IMPATIENT.stagger_seconds + 1


@pytest.mark.parametrize(("call", "state"), [("draw", TaskState.DRAWABLE), ("settle", TaskState.SETTLEABLE)])
def test_somebody_else_was_faster_and_that_is_fine(
    call: str, state: TaskState, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.submit()
    verifier = world.verifier(tmp_path)
    world.until(state, verifier)
    world.me.before[call] = lambda: getattr(world.requester, call)(1, [0])
    world.until(TaskState.PAID, verifier)
    assert f"{call} refused: TASK_NOT_{state.value.upper()}" in caplog.text


def test_a_result_that_nobody_serves_ends_unavailable(tmp_path: Path) -> None:
    world = World()
    world.store.withheld.add(world.result)
    world.draw()
    world.step(world.verifier(tmp_path))
    assert world.revealed()[0].verdict is Verdict.UNAVAILABLE


def test_a_redraw_is_another_round_with_another_audit(tmp_path: Path) -> None:
    """The first committee says nothing, and the second one is this verifier."""
    world = World(mine=1)
    world.submit(lambda seed, seats: 0 not in seats)
    world.until(TaskState.DRAWABLE)
    first = world.drawn_from(0, world.task().seed_block)[1]

    def next_committee() -> tuple[int, ...]:
        drawn_at = world.chain.block + 1
        return world.drawn_from(1, drawn_at + world.terms.commit_blocks + 1, without=first)[1]

    world.pass_until(lambda: next_committee() == (0,))
    world.requester.draw(1, [0])
    verifier = world.verifier(tmp_path)
    world.until(TaskState.DRAWABLE, verifier)
    assert world.me.calls == []
    world.until(TaskState.PAID, verifier)
    assert world.me.calls == ["draw", "commit", "reveal", "settle"]
    assert world.revealed(1)[0].verdict is Verdict.ACCEPT


def test_after_a_reorganisation_the_new_tiles_are_judged(tmp_path: Path) -> None:
    world = World(mine=9, committee_size=3)
    world.draw(lambda seed, seats: 9 in seats)  # who never commits
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    assert world.me.calls == ["commit"]
    world.chain.abort_blocks(world.task().seed_block)
    world.until(TaskState.COMMITTING, verifier)
    world.step(verifier)
    assert world.me.calls == ["commit", "draw", "commit"]
    assert world.renderer.sessions == 2
    [again] = world.told(TaskDrawn)
    assert {record["seed"] for record in world.journal.all("vote").values()} > {hex(again.audit_seed)}


def test_a_commit_that_a_reorganisation_took_away_is_sent_again(tmp_path: Path) -> None:
    world = World(mine=1, committee_size=3)
    world.draw(lambda seed, seats: 0 in seats)
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    [(_, block)] = world.committed()
    sealed = [record["commitment"] for record in world.journal.all("vote").values()]
    world.chain.abort_blocks(block)
    assert world.committed() == []
    world.step(verifier)
    assert len(world.committed()) == 1
    assert [record["commitment"] for record in world.journal.all("vote").values()] == sealed
    assert world.renderer.sessions == 1


def test_an_audit_of_a_job_that_was_taken_back_meanwhile_is_dropped_with_its_pin(tmp_path: Path) -> None:
    world = World()
    created = world.chain.block + 1
    world.draw()

    def undo() -> None:
        if world.ledger.job_count():
            world.renderer.on_render = lambda: None
            world.chain.abort_blocks(created)

    world.renderer.on_render = undo
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    assert world.ledger.job_count() == 0
    assert world.store.pins() == frozenset()
    assert empty(tmp_path / "reports")
    world.draw()
    world.until(TaskState.PAID, verifier)


def test_a_reveal_that_a_reorganisation_took_away_is_sent_again(tmp_path: Path) -> None:
    world = World()
    world.draw()
    verifier = world.verifier(tmp_path)
    world.until(TaskState.PROVISIONAL, verifier)
    said = world.revealed()
    world.chain.abort_blocks(said[0].block)
    assert world.revealed() == {}
    world.until(TaskState.PAID, verifier)
    assert world.revealed()[0].evidence == said[0].evidence
    assert world.me.calls.count("reveal") == 2
    assert world.renderer.sessions == 1


def test_a_report_is_kept_as_long_after_an_outcome_that_came_anew(tmp_path: Path) -> None:
    world = World()
    world.draw()
    verifier = world.verifier(tmp_path)
    world.until(TaskState.PAID, verifier)
    world.step(verifier)
    world.chain.abort_blocks(world.revealed()[0].block)
    world.until(TaskState.PAID, verifier)
    world.step(verifier, looks=IMPATIENT.keep_reports_blocks)
    assert world.store.unpinned == []
    world.step(verifier)
    assert world.store.unpinned == [world.revealed()[0].evidence]


def test_a_report_stays_pinned_until_long_after_the_outcome(tmp_path: Path) -> None:
    world = World()
    world.draw()
    verifier = world.verifier(tmp_path)
    world.until(TaskState.PAID, verifier)
    evidence = world.revealed()[0].evidence
    world.step(verifier, looks=IMPATIENT.keep_reports_blocks)
    assert world.store.unpinned == []
    world.step(verifier)
    assert world.store.unpinned == [evidence]
    assert empty(tmp_path / "reports")


def test_a_task_that_reopened_is_left_alone_until_it_is_submitted_again(tmp_path: Path) -> None:
    world = World(spoiled(1, None))
    world.draw()
    verifier = world.verifier(tmp_path)
    world.until(TaskState.OPEN, verifier)
    world.step(verifier)
    assert Watchlist(world.journal).by_job() == {}
    world.step(verifier, looks=REORG_WINDOW_BLOCKS + 2)
    assert world.journal.all("watched") == {}


def test_a_lying_node_stops_one_audit_and_not_the_verifier(tmp_path: Path) -> None:
    world = World()
    world.draw()
    lie_about_seeds(world.ledger)
    world.step(world.verifier(tmp_path), looks=5)
    assert world.me.calls == []
    assert world.renderer.sessions == 0


def test_an_audit_that_crashes_stops_neither_the_verifier_nor_repeats(tmp_path: Path) -> None:
    world = World()
    world.draw()
    tries = []

    def crash(*_: object, **__: object) -> None:
        tries.append(1)
        raise RuntimeError("a bug of ours")

    world.decoder.decode = crash  # type: ignore[method-assign, assignment]
    world.step(world.verifier(tmp_path), looks=5)
    assert world.me.calls == []
    assert len(tries) == 1


def test_a_node_that_is_down_for_a_while_is_waited_for(tmp_path: Path) -> None:
    world = World()
    world.draw()
    down = [True, True]
    head = world.ledger.head

    def flaky() -> Head:
        if down and down.pop():
            raise ServiceError("ledger.unreachable", "refused", retryable=True)
        return head()

    world.ledger.head = flaky  # type: ignore[method-assign]
    waits = []

    def after_six_waits() -> None:
        waits.append(1)
        if len(waits) >= 6:
            world.clock.stop()

    world.after_wait = after_six_waits
    world.verifier(tmp_path).run()
    assert world.me.calls == ["commit", "reveal"]


def test_the_loop_goes_on_while_an_audit_runs_beside_it(tmp_path: Path) -> None:
    """On a real thread: each wait lets the audit finish and stops once the verdict is out."""
    world = World()
    world.draw()
    executor: Executor = ThreadPoolExecutor(1)
    verifier = world.verifier(tmp_path, executor=executor)

    def until_revealed() -> None:
        if verifier._running is not None:
            wait([verifier._running.future], timeout=30)
        if world.revealed() or world.clock.seconds > 2_000:
            world.clock.stop()

    world.after_wait = until_revealed
    verifier.run()
    assert world.me.calls == ["commit", "reveal"]


def test_events_are_read_from_where_the_last_process_stopped(tmp_path: Path) -> None:
    world = World()
    world.draw()
    world.until(TaskState.PAID, world.verifier(tmp_path))
    read: list[tuple[int, int]] = []
    events = world.ledger.events

    def watching(cursor=0, *, job_id=None, trail=None):  # type: ignore[no-untyped-def]
        page = events(cursor, job_id=job_id, trail=trail)
        read.append((cursor, page.cursor))
        return page

    world.ledger.events = watching  # type: ignore[method-assign]
    world.step(world.verifier(tmp_path), looks=2)
    world.step(world.verifier(tmp_path), looks=1)
    assert [start for start, _ in read[1:]] == [end for _, end in read[:-1]]
    assert read[0][0] > world.job().created_block
