"""A verifier killed at any step, and run again: one verdict a seat, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.domain.job import TaskState, Verdict
from tileproof.ports.journal import Record

from .verifier_world import (
    IMPATIENT,
    AtOnce,
    World,
    empty,
)
from .worker_world import Fate, Killed


def test_killed_between_sealing_two_own_seats_both_commit_to_the_one_verdict(tmp_path: Path) -> None:
    world = World(mine=2, committee_size=3)
    world.draw(lambda seed, seats: {0, 1} <= set(seats))
    put, votes = world.journal.put, 0

    def dies(kind: str, key: str, record: Record) -> None:
        nonlocal votes
        votes += kind == "vote"
        if votes == 2:
            raise Killed(key)
        put(kind, key, record)

    world.journal.put = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path))
    world.journal.put = put  # type: ignore[method-assign]
    world.step(world.verifier(tmp_path))
    assert len(world.committed()) == 2
    assert world.renderer.sessions == 1
    sealed = list(world.journal.all("vote").values())
    assert sealed[0]["evidence"] == sealed[1]["evidence"]
    assert sealed[0]["salt"] != sealed[1]["salt"]


def test_killed_between_commit_and_reveal_it_opens_the_same_verdict(tmp_path: Path) -> None:
    world = World()
    world.draw()
    world.me.die_after = "commit"
    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path))
    sessions = world.renderer.sessions
    world.step(world.verifier(tmp_path))
    assert world.revealed()[0].verdict is Verdict.ACCEPT
    assert world.me.calls == ["commit", "reveal"]
    assert world.renderer.sessions == sessions


def test_killed_after_the_commit_it_does_not_commit_again(tmp_path: Path) -> None:
    world = World(mine=1, committee_size=3)
    world.draw(lambda seed, seats: 0 in seats)
    world.me.die_after = "commit"
    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path))
    world.me.die_after = None
    world.step(world.verifier(tmp_path), looks=4)
    assert world.me.calls == ["commit"]


def test_a_commit_that_never_arrived_is_sent_again_and_is_the_same(tmp_path: Path) -> None:
    world = World()
    world.draw()
    world.me.refuse["commit"] = "NOT_COMMITTING"
    world.step(world.verifier(tmp_path))
    sealed = dict(world.journal.all("vote"))
    world.step(world.verifier(tmp_path))
    assert len(world.me.calls) > 2
    world.me.refuse.clear()
    world.step(world.verifier(tmp_path))
    [(name, vote)] = world.journal.all("vote").items()
    assert vote["commitment"] == sealed[name]["commitment"]
    assert len(world.committed()) == 1
    assert 0 in world.revealed()


def test_killed_between_reveal_and_its_record_it_does_not_reveal_again(tmp_path: Path) -> None:
    world = World()
    world.draw()
    world.me.die_after = "reveal"
    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path))
    world.me.die_after = None
    world.step(world.verifier(tmp_path))
    assert world.me.calls == ["commit", "reveal"]


def test_killed_during_an_audit_it_audits_again(tmp_path: Path) -> None:
    world = World()
    world.draw()

    class Dies(AtOnce):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            raise Killed

    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path, executor=Dies()))
    world.step(world.verifier(tmp_path))
    assert world.me.calls == ["commit", "reveal"]


def killed_after_its_report_was_pinned(world: World, home: Path) -> None:
    world.draw()
    put = world.journal.put

    def dies(kind: str, key: str, record: Record) -> None:
        if kind == "vote":
            raise Killed(key)
        put(kind, key, record)

    world.journal.put = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        world.step(world.verifier(home))
    world.journal.put = put  # type: ignore[method-assign]
    assert len(world.store.pins()) == 1


def test_the_report_of_an_audit_that_was_killed_does_not_stay_pinned(tmp_path: Path) -> None:
    world = World()
    killed_after_its_report_was_pinned(world, tmp_path)
    world.step(world.verifier(tmp_path))
    assert world.store.pins() == {world.revealed()[0].evidence}


def test_a_store_that_is_down_keeps_such_a_report_and_makes_no_reveal_late(tmp_path: Path) -> None:
    world = World()
    killed_after_its_report_was_pinned(world, tmp_path)
    [report] = (tmp_path / "reports").iterdir()
    report.rename(report.with_name("1-0-0-0-5eed"))  # as of a round before this one
    world.step(world.verifier(tmp_path / "elsewhere"), looks=2)
    assert world.me.calls == ["commit"]
    world.store.is_down = True
    verifier = world.verifier(tmp_path)
    world.step(verifier)
    assert 0 in world.revealed()
    world.store.is_down = False
    world.step(verifier)
    assert world.store.pins() == {world.revealed()[0].evidence}


def test_the_salt_is_durable_before_the_commitment_is_sent(tmp_path: Path) -> None:
    world = World()
    world.draw()
    seen: list[object] = []
    world.me.before["commit"] = lambda: seen.extend(r["salt"] for r in world.journal.all("vote").values())
    world.step(world.verifier(tmp_path))
    assert len(seen) == 1
    assert int(str(seen[0]), 16) > 2**128


def test_asked_to_stop_it_reveals_what_can_be_revealed_and_ends(tmp_path: Path) -> None:
    world = World()
    world.draw()
    world.me.die_after = "commit"
    with pytest.raises(Killed):
        world.step(world.verifier(tmp_path))
    world.clock.stop()
    world.verifier(tmp_path).run()
    assert world.revealed()[0].verdict is Verdict.ACCEPT


def test_a_restart_clears_what_a_killed_audit_left(tmp_path: Path) -> None:
    world = World()
    (tmp_path / "work" / "audit-old").mkdir(parents=True)
    world.clock.stop()
    world.verifier(tmp_path).run()
    assert empty(tmp_path / "work")


@pytest.mark.slow
def test_killed_before_any_call_it_votes_once_and_is_paid(tmp_path: Path) -> None:
    """A whole life, from the draw to the last unpin, ended before every single call."""
    calls = a_life(tmp_path / "unharmed", Fate())
    for name in ("FakeLedger.commit", "FakeLedger.reveal", "FakeStore.add_directory", "FakeJournal.put"):
        assert name in calls, "a life has the steps that matter"
    for last in range(len(calls)):
        a_life(tmp_path / str(last), Fate(last))


def a_life(home: Path, fate: Fate) -> list[str]:
    """A verifier that is run again when it is killed; what it called."""
    world = World(sample_tiles=2)
    world.terms = replace(world.terms, appeal_blocks=2)
    world.submit()
    world.until(TaskState.DRAWABLE)
    settings = replace(IMPATIENT, keep_reports_blocks=2, stagger_seconds=1.0, preview_seconds=0)
    what = world.until_unpinned(home, settings, fate, looks=60)
    assert world.task().state is TaskState.PAID, what
    assert len(world.committed()) == 1, what
    assert world.revealed()[0].verdict is Verdict.ACCEPT, what
    assert world.store.pins() == frozenset(), what
    assert empty(home / "reports"), what
    return fate.calls
