"""The verifier's loop against a chain that steps by hand."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path

import pytest
from tileproof.domain.cid import Cid
from tileproof.domain.errors import ServiceError
from tileproof.domain.job import NO_SEAT, Ground, TaskState, Verdict
from tileproof.domain.result import frame_file
from tileproof.ports.trail import REORG_WINDOW_BLOCKS
from tileproof.verifier.loop import Verifier
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.watchlist import Watchlist

from .verifier_world import AtOnce, Killed, World, empty, honest, png, verdict_of

SETTINGS = VerifierSettings(poll_seconds=1.0, stagger_seconds=4.0, keep_reports_blocks=10)


def start(world: World, home: Path) -> Verifier:
    """A verifier process: a new one on the same journal and home is one that was restarted."""
    return Verifier(
        ledger=world.chain,  # type: ignore[arg-type]
        store=world.store,
        renderer=world.renderer,
        decoder=world.decoder,
        journal=world.journal,
        clock=world.clock,
        settings=SETTINGS,
        home=home,
        executor=AtOnce(),
    )


def step(verifier: Verifier, world: World, ticks: int = 3) -> None:
    for _ in range(ticks):
        verifier.tick()
        world.chain.block += 1
        world.clock.advance(1)


def drawn(world: World, *committee: int) -> None:
    world.chain.drawn, world.chain.state = True, TaskState.COMMITTING
    world.chain.committee = committee or (4,)


def test_an_honest_result_is_drawn_audited_committed_revealed_and_settled(tmp_path: Path) -> None:
    world = World()
    chain = world.chain
    verifier = start(world, tmp_path)
    chain.state = TaskState.DRAWABLE
    step(verifier, world, 6)
    assert chain.state is TaskState.COMMITTING
    step(verifier, world)
    chain.state = TaskState.REVEALING
    step(verifier, world)
    assert verdict_of(chain) is Verdict.ACCEPT
    chain.state = TaskState.SETTLEABLE
    step(verifier, world, 6)
    assert chain.names() == ["draw", "commit", "reveal", "settle"]


def test_a_tampered_result_is_rejected_with_its_report_pinned(tmp_path: Path) -> None:
    world = World({frame_file(1): png(honest(1)), frame_file(2): png(255 - honest(2))})
    verifier = start(world, tmp_path)
    drawn(world)
    step(verifier, world)
    world.chain.state = TaskState.REVEALING
    step(verifier, world)
    said = world.chain.revealed[0]
    assert (said.verdict, said.ground) == (Verdict.REJECT, Ground.TILE)
    assert said.evidence in world.store.pins()
    assert set(world.store.files(said.evidence)) == {"report.json", "report.html"}


def test_nothing_is_sent_before_the_submission_can_be_drawn(tmp_path: Path) -> None:
    world = World()
    step(start(world, tmp_path), world, 10)
    assert world.chain.calls == []


def test_a_verifier_without_a_seat_sends_nothing(tmp_path: Path) -> None:
    world = World()
    world.chain.slots = ()
    verifier = start(world, tmp_path)
    for state in (TaskState.DRAWABLE, TaskState.COMMITTING, TaskState.SETTLEABLE):
        world.chain.state = state
        step(verifier, world, 8)
    assert world.chain.calls == []


def test_who_was_not_drawn_does_not_audit(tmp_path: Path) -> None:
    world = World()
    drawn(world, 9, NO_SEAT, 3)
    step(start(world, tmp_path), world, 6)
    assert world.chain.calls == []
    assert world.renderer.sessions == 0


def test_a_seat_taken_while_running_is_noticed_when_it_is_drawn(tmp_path: Path) -> None:
    world = World()
    world.chain.slots = (1,)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.slots = (1, 7)
    drawn(world, 7)
    step(verifier, world)
    assert world.chain.names() == ["commit"]


def test_the_seat_is_named_by_its_place_in_the_committee(tmp_path: Path) -> None:
    world = World()
    drawn(world, 9, 4, 3)
    step(start(world, tmp_path), world)
    assert list(world.chain.committed) == [1]


def test_two_seats_of_one_verifier_audit_once_and_vote_twice(tmp_path: Path) -> None:
    world = World()
    world.chain.slots = (4, 5)
    drawn(world, 4, 9, 5)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.state = TaskState.REVEALING
    step(verifier, world)
    assert sorted(world.chain.revealed) == [0, 2]
    assert world.renderer.sessions == 1
    assert world.chain.committed[0] != world.chain.committed[2]


def test_verifiers_do_not_all_draw_in_the_same_moment(tmp_path: Path) -> None:
    world = World()
    world.chain.state = TaskState.DRAWABLE
    verifier = start(world, tmp_path)
    waits = 0
    while not world.chain.calls and waits < 10:
        step(verifier, world, 1)
        waits += 1
    assert 1 <= waits <= SETTINGS.stagger_seconds + 1


@pytest.mark.parametrize(
    ("state", "call", "reason"),
    [
        (TaskState.DRAWABLE, "draw", "TASK_NOT_DRAWABLE"),
        (TaskState.SETTLEABLE, "settle", "TASK_NOT_SETTLEABLE"),
    ],
)
def test_somebody_else_was_faster_and_that_is_fine(
    state: TaskState, call: str, reason: str, tmp_path: Path
) -> None:
    world = World()
    world.chain.state = state
    world.chain.refuse[call] = reason
    step(start(world, tmp_path), world, 6)
    assert call in world.chain.names()


def test_killed_between_commit_and_reveal_it_opens_the_same_verdict(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    world.chain.die_after = "commit"
    with pytest.raises(Killed):
        step(start(world, tmp_path), world)
    sessions = world.renderer.sessions
    world.chain.state = TaskState.REVEALING
    step(start(world, tmp_path), world)
    assert verdict_of(world.chain) is Verdict.ACCEPT
    assert world.chain.names() == ["commit", "reveal"]
    assert world.renderer.sessions == sessions


def test_killed_after_the_commit_it_does_not_commit_again(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    world.chain.die_after = "commit"
    with pytest.raises(Killed):
        step(start(world, tmp_path), world)
    world.chain.die_after = None
    step(start(world, tmp_path), world, 4)
    assert world.chain.names() == ["commit"]


def test_a_commit_that_never_arrived_is_sent_again_and_is_the_same(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    world.chain.refuse["commit"] = "NOT_COMMITTING"
    step(start(world, tmp_path), world)
    first = world.chain.calls[0]
    world.chain.refuse.clear()
    step(start(world, tmp_path), world)
    assert world.chain.calls[-1] == first
    assert len(world.chain.committed) == 1


def test_killed_between_reveal_and_its_record_it_does_not_reveal_again(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.state = TaskState.REVEALING
    world.chain.die_after = "reveal"
    with pytest.raises(Killed):
        step(verifier, world)
    world.chain.die_after = None
    step(start(world, tmp_path), world)
    assert world.chain.names() == ["commit", "reveal"]


def test_killed_during_an_audit_it_audits_again(tmp_path: Path) -> None:
    world = World()
    drawn(world)

    class Dies(AtOnce):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            raise Killed

    verifier = start(world, tmp_path)
    verifier._executor = Dies()
    with pytest.raises(Killed):
        step(verifier, world)
    step(start(world, tmp_path), world)
    assert world.chain.names() == ["commit"]


def test_the_salt_is_durable_before_the_commitment_is_sent(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    seen: list[object] = []
    send = world.chain.commit

    def watching(job_id, commitments):  # type: ignore[no-untyped-def]
        seen.extend(record["salt"] for record in world.journal.all("vote").values())
        return send(job_id, commitments)

    world.chain.commit = watching  # type: ignore[method-assign]
    step(start(world, tmp_path), world)
    assert len(seen) == 1
    assert int(str(seen[0]), 16) > 2**128


def test_a_result_that_nobody_serves_ends_unavailable(tmp_path: Path) -> None:
    world = World()
    world.store.withheld.add(world.result)
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.state = TaskState.REVEALING
    step(verifier, world)
    assert verdict_of(world.chain) is Verdict.UNAVAILABLE


def test_a_redraw_is_another_round_with_another_audit(tmp_path: Path) -> None:
    world = World()
    chain = world.chain
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    chain.round, chain.committed, chain.state = 1, {}, TaskState.COMMITTING
    step(verifier, world)
    chain.state = TaskState.REVEALING
    step(verifier, world)
    assert chain.names() == ["commit", "commit", "reveal"]
    assert verdict_of(chain) is Verdict.ACCEPT


def test_after_a_reorganisation_the_new_tiles_are_judged(tmp_path: Path) -> None:
    world = World()
    chain = world.chain
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    chain.committed, hashes = {}, chain.block_hash
    chain.block_hash = lambda block: hashes(block) + 1  # type: ignore[method-assign]
    step(verifier, world)
    chain.state = TaskState.REVEALING
    step(verifier, world)
    assert chain.names() == ["commit", "commit", "reveal"]
    assert world.renderer.sessions == 2


def test_a_commit_that_a_reorganisation_took_away_is_sent_again(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    first = dict(world.chain.committed)
    world.chain.committed.clear()
    step(verifier, world)
    assert world.chain.committed == first


def test_a_report_stays_pinned_until_long_after_the_outcome(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.state = TaskState.REVEALING
    step(verifier, world)
    evidence: Cid = world.chain.revealed[0].evidence
    world.chain.state = TaskState.PAID
    step(verifier, world, SETTINGS.keep_reports_blocks - 1)
    assert world.store.unpinned == []
    step(verifier, world, 4)
    assert world.store.unpinned == [evidence]
    assert empty(tmp_path / "reports")


def test_a_task_that_reopened_is_left_alone_until_it_is_submitted_again(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    verifier = start(world, tmp_path)
    step(verifier, world)
    world.chain.state = TaskState.OPEN
    step(verifier, world)
    assert Watchlist(world.journal).by_job() == {}
    step(verifier, world, REORG_WINDOW_BLOCKS + 2)
    assert world.journal.all("watched") == {}


def test_a_lying_node_stops_one_audit_and_not_the_verifier(tmp_path: Path) -> None:
    world = World()
    world.chain.lies_about_seed = True
    drawn(world)
    step(start(world, tmp_path), world, 5)
    assert world.chain.calls == []


def test_an_audit_that_crashes_stops_neither_the_verifier_nor_repeats(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    tries = []

    def crash(*_: object, **__: object) -> None:
        tries.append(1)
        raise RuntimeError("a bug of ours")

    world.decoder.decode = crash  # type: ignore[method-assign, assignment]
    step(start(world, tmp_path), world, 5)
    assert world.chain.calls == []
    assert len(tries) == 1


def test_a_node_that_is_down_for_a_while_is_waited_for(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    down = [True, True]
    head = world.chain.head

    def flaky():  # type: ignore[no-untyped-def]
        if down and down.pop():
            raise ServiceError("ledger.unreachable", "refused", retryable=True)
        return head()

    world.chain.head = flaky  # type: ignore[method-assign]
    waits = []

    def after_six_waits() -> None:
        waits.append(1)
        if len(waits) >= 6:
            world.clock.stop()

    world.clock.on_wait = after_six_waits
    start(world, tmp_path).run()
    assert world.chain.names() == ["commit"]


def test_asked_to_stop_it_reveals_what_can_be_revealed_and_ends(tmp_path: Path) -> None:
    world = World()
    drawn(world)
    step(start(world, tmp_path), world)
    world.chain.state = TaskState.REVEALING
    world.clock.stop()
    start(world, tmp_path).run()
    assert verdict_of(world.chain) is Verdict.ACCEPT


def test_a_restart_clears_what_a_killed_audit_left(tmp_path: Path) -> None:
    world = World()
    (tmp_path / "work" / "audit-old").mkdir(parents=True)
    world.clock.stop()
    start(world, tmp_path).run()
    assert empty(tmp_path / "work")


def test_the_loop_goes_on_while_an_audit_runs_beside_it(tmp_path: Path) -> None:
    """On the real thread: each wait lets the audit finish and stops once the verdict is out."""
    world = World()
    drawn(world)
    verifier = Verifier(
        ledger=world.chain,  # type: ignore[arg-type]
        store=world.store,
        renderer=world.renderer,
        decoder=world.decoder,
        journal=world.journal,
        clock=world.clock,
        settings=SETTINGS,
        home=tmp_path,
    )

    def until_revealed() -> None:
        if verifier._running is not None:
            wait([verifier._running.future], timeout=30)
        if world.chain.committed:
            world.chain.state = TaskState.REVEALING
        if world.chain.revealed or world.clock.seconds > 2_000:
            world.clock.stop()

    world.clock.on_wait = until_revealed
    verifier.run()
    assert world.chain.names() == ["commit", "reveal"]


def test_events_are_read_from_where_the_last_process_stopped(tmp_path: Path) -> None:
    world = World()
    world.chain.state = TaskState.PAID
    step(start(world, tmp_path), world)
    cursors: list[int] = []
    events = world.chain.events

    def watching(cursor=0, *, job_id=None, trail=None):  # type: ignore[no-untyped-def]
        cursors.append(cursor)
        return events(cursor, job_id=job_id, trail=trail)

    world.chain.events = watching  # type: ignore[method-assign]
    step(start(world, tmp_path), world, 1)
    assert cursors == [103]
