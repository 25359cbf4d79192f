"""The model and the contract are one: a state machine drives both, and finds what tells them apart.

Each sequence begins at the same block with the whole cast funded and seated, and ends with everybody
taking out what is theirs. Few sequences run in `make test`, five hundred others in `make test-long
PART=model`, block by block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tileproof.adapters.starknet.accounts import predeployed
from tileproof.domain.job import NO_SEAT, TaskResult, TaskState
from tileproof.domain.money import ZERO, Fri
from tileproof.localnet.devnet import Devnet
from tileproof.ports import ledger as port

from model.books import Books, Token
from model.status import FREE
from tests.fakes.ledger import BOUNDS
from tests.services.rewind import Call, Rewound

from .invariants import RESULTS, Invariants, Truth, stage_of
from .play import (
    CAST,
    LIES,
    MANIFEST,
    OFFERS,
    PARTIES,
    SEATS_EACH,
    TASKS,
    TRUTHS,
    VERIFIERS,
    VOTING,
    WAITING,
    any_call,
    ballot,
    fitting,
    hurt_party,
    opened,
    own_places,
    round_id,
    round_of,
    seal,
    sitters,
    terms_at,
    true_words,
)
from .twin import Twin

pytestmark = pytest.mark.devnet
luck = st.randoms(use_true_random=True)
LIVE = [state for state in TaskState if not state.is_final]
STEPS = 40
FEW, ENOUGH = 8, 48
"""The first sequences of one list. The larger number meets everything that there is."""
BLOCKS, OF_A_BLOCK = 10, 50
"""Of the long run: each block is a test, so that an interrupted run goes on after the last."""
MOST = 0.8
"""The least share of sequences that have all steps; the others end early."""


@pytest.fixture(scope="module")
def rig(new_devnet: Devnet) -> Iterator[Rewound]:
    rig = Rewound(new_devnet, predeployed(new_devnet.rpc_url)[-1], CAST, BOUNDS)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def seated(rig: Rewound) -> Books:
    """The parties have money, and four verifiers three seats each: what every sequence begins with."""
    twin = Twin(rig)
    for who in PARTIES:
        assert not twin.run(who, ("deposit", (Fri(20_000),)))
    for who in VERIFIERS:
        seats: list[Call] = [("take_seat", ())] * SEATS_EACH
        assert not twin.run(who, ("deposit", (Fri(10_000),)), *seats)
    rig.mark()
    return twin.books


def aside(action: Callable[[Sequence, Random], None]) -> Callable[..., None]:
    """A rule that crosses the story, and lets it go on instead as often as not."""

    @wraps(action)
    def step(self: Sequence, luck: Random) -> None:
        if luck.random() < 0.5:
            self.story(luck)
        else:
            action(self, luck)

    crossing: Callable[..., None] = rule(luck=luck)(step)
    return crossing


class Sequence(RuleBasedStateMachine):
    """One sequence. A rule's name says who does what; each is one step."""

    rig: Rewound
    beginning: Books
    tally: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.watch = Invariants(tally=self.tally)
        self.twin = Twin(self.rig, self.beginning, self.watch)
        self.honesty = self.honesty_under_appeal = 1.0
        self.steps = 0

    def run(self, who: str, *calls: Call) -> str:
        said = self.twin.run(who, *calls)
        self.tally[said or "done"] += 1
        return said

    def some(self, luck: Random, *states: TaskState) -> tuple[int, int] | None:
        found = self.twin.in_state(*states)
        return luck.choice(found) if found else None

    @initialize(luck=luck)
    def a_job_is_created(self, luck: Random) -> None:
        self.honesty = luck.choice([1.0, 0.9, 0.5, 0.2])
        self.honesty_under_appeal = luck.choice([1.0, 1.0, 0.9, 0.4])
        terms = terms_at(self.twin.head.timestamp, **luck.choice(OFFERS))
        assert not self.run("requester", ("create_job", (MANIFEST, TASKS, terms)))

    # --- the story of a task: three rules, because there are many other things to do ---

    @rule(luck=luck)
    def the_story_goes_on(self, luck: Random) -> None:
        self.story(luck)

    @rule(luck=luck)
    def it_goes_further(self, luck: Random) -> None:
        self.story(luck)

    @rule(luck=luck)
    def it_goes_on_and_on(self, luck: Random) -> None:
        self.story(luck)
        self.story(luck)

    def story(self, luck: Random) -> None:
        """The next step of some task, by whoever it is up to, honest or not."""
        live = self.twin.in_state(*LIVE)
        if not live:
            return self.create(luck)
        furthest = max(live, key=lambda where: stage_of(self.twin.now().task(*where)))
        job_id, task = where = furthest if luck.random() < 0.7 else luck.choice(live)
        cell, status = self.twin.find(*where)
        if status.state in FREE:
            self.run(*self.claim(luck, job_id, task))
        elif status.state is TaskState.CLAIMED:
            assert cell.worker is not None
            results = [TaskResult(task, RESULTS[luck.choice(TRUTHS)])]
            self.run(self.twin.names[cell.worker], ("submit", (job_id, results)))
        elif status.state in WAITING:
            self.twin.pass_until(status.seed_block + 10 - luck.choice([0, 0, 0, 0, 2]))
            self.run(luck.choice(CAST[:-1]), ("draw", (job_id, [task])))
        elif status.state in VOTING:
            self.committee_votes(luck, *where)
        else:
            self.decide(luck, *where)

    def claim(self, luck: Random, job_id: int, task: int) -> tuple[str, Call]:
        job = self.twin.books.jobs[job_id - 1]
        if job.closed:
            return "passer_by", ("close_tasks", (job_id, [task]))
        if job.paused:
            return self.twin.names[job.requester], ("resume_job", (job_id,))
        return luck.choice(["worker", "worker", "other_worker", "requester"]), ("claim", (job_id, [task]))

    def committee_votes(self, luck: Random, job_id: int, task: int) -> None:
        """The round to its end, unless its window is over first."""
        for _ in range(2):
            if self.twin.find(job_id, task)[1].state in VOTING:
                for who in sitters(self.twin, job_id, task):
                    self.run(who, self.vote(luck, job_id, task, who))

    def decide(self, luck: Random, job_id: int, task: int) -> None:
        """An appeal by whom the provisional verdict hurts, or a settlement by anyone."""
        status = self.twin.find(job_id, task)[1]
        who = hurt_party(self.twin, job_id, task)
        if status.state is TaskState.PROVISIONAL and who is not None and luck.random() < 0.6:
            appeal = luck.choice(fitting(self.twin, job_id, task))
            self.run(who, ("appeal", (job_id, [appeal])))
        else:
            self.twin.pass_until(status.window_ends)
            self.run(luck.choice(CAST[:-1]), ("settle", (job_id, [task])))

    def vote(self, luck: Random, job_id: int, task: int, who: str) -> Call:
        """Seals for all places of this account that have not, or opens all that have."""
        cell, status = self.twin.find(job_id, task)
        of, live = round_id(self.twin, job_id, task), round_of(cell)
        places = [(at, live.places[at]) for at in own_places(self.twin, job_id, task, who)]
        if status.state is TaskState.COMMITTING:
            truth = true_words(self.twin, job_id, task)
            honesty = self.honesty if cell.appeal is None else self.honesty_under_appeal
            said = [
                ballot(task, at, truth if luck.random() < honesty else luck.choice(LIES))
                for at, place in places
                if place.sealed is None
            ]
            return "commit", (job_id, [seal(of, each) for each in said])
        sealed = [(at, place.sealed) for at, place in places if place.verdict is None]
        return "reveal", (job_id, [opened(of, task, at, word) for at, word in sealed if word is not None])

    # --- what crosses it ---

    @aside
    def one_verifier_seals_or_opens_its_verdicts(self, luck: Random) -> None:
        if where := self.some(luck, *VOTING):
            who = luck.choice(sitters(self.twin, *where))
            self.run(who, self.vote(luck, *where, who))

    @aside
    def a_committee_is_silent(self, luck: Random) -> None:
        if where := self.some(luck, *VOTING):
            self.twin.pass_until(self.twin.find(*where)[1].window_ends)

    @aside
    def a_squatter_gives_back_or_is_released(self, luck: Random) -> None:
        if where := self.some(luck, TaskState.CLAIMED, TaskState.LAPSED):
            job_id, task = where
            worker = self.twin.find(job_id, task)[0].worker
            assert worker is not None
            if luck.random() < 0.5:
                self.twin.pass_seconds(600)
                self.run("passer_by", ("release", (job_id, [task])))
            else:
                self.run(self.twin.names[worker], ("give_back", (job_id, [task])))

    @aside
    def another_job_is_created(self, luck: Random) -> None:
        self.create(luck)

    def create(self, luck: Random) -> None:
        terms = terms_at(self.twin.head.timestamp, **luck.choice(OFFERS))
        who = luck.choice(["requester", "other_worker"])
        if len(self.twin.books.jobs) < 4:
            self.run(who, ("create_job", (MANIFEST, luck.randint(1, TASKS), terms)))

    @aside
    def a_requester_pauses_resumes_or_closes(self, luck: Random) -> None:
        job = luck.choice(self.twin.books.jobs)
        name = luck.choice(["resume_job" if job.paused else "pause_job"] * 3 + ["close_job"])
        self.run(self.twin.names[job.requester], (name, (job.job_id,)))

    @aside
    def a_verifier_takes_or_leaves_or_collects_a_seat(self, luck: Random) -> None:
        who = luck.choice(VERIFIERS)
        held = [seat.slot for seat in self.twin.now().seats_of(self.twin.address(who))]
        calls: list[Call] = [("take_seat", ())] * 2
        calls += [(name, (slot,)) for slot in held for name in ("leave_seat", "collect_seat")]
        self.run(who, luck.choice(calls))

    @aside
    def somebody_calls_anything(self, luck: Random) -> None:
        self.run(luck.choice(CAST), any_call(luck, self.twin))

    @aside
    def somebody_calls_several_things_at_once(self, luck: Random) -> None:
        self.run(luck.choice(CAST), *(any_call(luck, self.twin) for _ in range(luck.randint(2, 3))))

    @aside
    def the_token_misbehaves(self, luck: Random) -> None:
        """Refuses, keeps a unit, or has the contract called back, whatever the call."""
        token = luck.choice([each for each in Token if each is not Token.HONEST])
        terms = terms_at(self.twin.head.timestamp)
        moving: list[Call] = [
            ("deposit", (Fri(100),)),
            ("withdraw", (Fri(100),)),
            ("create_job", (MANIFEST, 1, terms)),
        ]
        self.twin.misbehave(token, any_call(luck, self.twin))
        self.run(luck.choice(CAST), luck.choice(moving))
        self.twin.misbehave(Token.HONEST)

    @aside
    def time_passes(self, luck: Random) -> None:
        self.twin.pass_blocks(luck.choice([1, 2, 5, 12, BOUNDS.seat_exit_blocks]))
        if luck.random() < 0.3:
            self.twin.pass_seconds(700)

    @invariant()
    def one_more_step_is_done(self) -> None:
        self.steps += 1

    def teardown(self) -> None:
        self.tally.update(
            {"sequences": 1, "steps": self.steps, "sequences of all steps": self.steps >= STEPS}
        )
        if self.tally["sequences"] % FEW == 0:
            print(f"{self.tally['sequences']} sequences, {self.tally['steps']} steps", flush=True)
        if self.twin.sound and self.twin.books.jobs:
            end(self.twin)


def end(twin: Twin) -> None:
    """From every state anyone can move the money to where it belongs (invariant 4), and then everybody
    takes theirs out but for what is forfeited."""
    deadline = max(job.terms.deadline for job in twin.books.jobs)
    twin.pass_seconds(max(700, deadline - twin.head.timestamp + 1))
    while left := twin.in_state(*LIVE):
        for job_id, task in left:
            state, ends = twin.find(job_id, task)[1].state, twin.find(job_id, task)[1].window_ends
            if state in WAITING:
                twin.pass_until(twin.find(job_id, task)[1].seed_block + 10)
                assert not twin.run("passer_by", ("draw", (job_id, [task])))
            elif state in (*VOTING, TaskState.PROVISIONAL):
                twin.pass_until(ends)
            elif state is TaskState.SETTLEABLE:
                assert not twin.run("passer_by", ("settle", (job_id, [task])))
            else:
                assert not twin.run("passer_by", ("close_tasks", (job_id, [task])))
    assert twin.seen.totals.escrow == ZERO
    for who in CAST:
        held = twin.now().seats_of(twin.address(who))
        leaving: list[Call] = [("leave_seat", (s.slot,)) for s in held if s.leaving_block is None]
        assert not leaving or not twin.run(who, *leaving)
    twin.pass_blocks(BOUNDS.seat_exit_blocks)
    for who in CAST:
        held = twin.now().seats_of(twin.address(who))
        calls: list[Call] = [("collect_seat", (seat.slot,)) for seat in held]
        own = twin.now().balances(twin.address(who))
        if amount := own.withdrawable.units + own.seat_bonds.units:
            calls.append(("withdraw", (Fri(amount),)))
        assert not calls or not twin.run(who, *calls)
    totals = twin.seen.totals
    assert (totals.bonds, totals.withdrawable, totals.forfeited.units) == (ZERO, ZERO, twin.seen.held)


def test_no_sequence_tells_the_model_from_the_contract(rig: Rewound, seated: Books) -> None:
    assert compare(rig, seated, FEW)["sequences of all steps"] >= MOST * FEW


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_enough_sequences_meet_all_that_can_become_of_a_task(rig: Rewound, seated: Books) -> None:
    tally = compare(rig, seated, ENOUGH)
    met = {
        *("Accepted None", "Rejected None", "Unavailable None", "NoVerdict None", "NotDrawn None"),
        *("Accepted Won", "Rejected Won", "Accepted Lost", "Rejected Lost"),
        *("TOKEN_REFUSED", "TOKEN_MISCOUNTED", "REENTERED", "an honest seat slashed"),
    }
    assert [what for what in sorted(met) if not tally[what]] == []
    assert tally["sequences of all steps"] >= MOST * ENOUGH


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_sequence_of_a_longer_run_tells_the_model_from_the_contract(
    rig: Rewound, seated: Books, block: int
) -> None:
    tally = compare(rig, seated, OF_A_BLOCK, block)
    assert tally["sequences of all steps"] >= MOST * OF_A_BLOCK


def compare(rig: Rewound, seated: Books, sequences: int, of_seed: int | None = None) -> Counter[str]:
    """Plays so many sequences on both and returns the counts of what they met.

    Without a seed they are the same in every run.
    """

    class Played(Sequence):
        """The sequences of this run."""

    Played.rig, Played.beginning, Played.tally = rig, seated, Counter()
    run_state_machine_as_test(
        Played if of_seed is None else seed(of_seed)(Played),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=of_seed is None,
            database=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"\n{sequences} sequences of up to {STEPS} steps: {dict(Played.tally.most_common())}")
    return Played.tally


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_the_model_draws_whom_the_contract_draws(rig: Rewound, seated: Books, rounds: int) -> None:
    """Plays jobs of fifty tasks, four a round, so that the long run draws a thousand seeds.

    They have either size of committee and either rate. In some the parties' own seats are in the way, and
    some are drawn so late that seats have left.
    """
    twin, batch = Twin(rig, seated), list(range(50))
    for who in ("requester", "worker"):
        assert not twin.run(who, ("deposit", (Fri(2_000_000),)), *[("take_seat", ())] * 2)
    drawn: list[port.TaskDrawn] = []
    for number, offer in enumerate(SIZES_AND_RATES * rounds):
        terms = terms_at(twin.head.timestamp, **offer)
        assert not twin.run("requester", ("create_job", (MANIFEST, len(batch), terms)))
        job_id = len(twin.books.jobs)
        results = [TaskResult(task, RESULTS[Truth.GOOD]) for task in batch]
        assert not twin.run("worker", ("claim", (job_id, batch)), ("submit", (job_id, results)))
        if number in (1, 3):
            leaver = number // 2
            assert not twin.run(VERIFIERS[leaver], ("leave_seat", (leaver * SEATS_EACH,)))
            twin.pass_blocks(200)
        twin.pass_until(twin.find(job_id, 0)[1].seed_block + 10)
        before = len(twin.books.events)
        assert not twin.run("passer_by", ("draw", (job_id, batch)))
        drawn += [event for event in twin.books.events[before:] if isinstance(event, port.TaskDrawn)]
    assert len({event.audit_seed for event in drawn}) == 200 * rounds
    audited = [event for event in drawn if event.audited]
    assert 120 * rounds < len(audited) < 160 * rounds  # all of half the jobs, and two fifths of the others
    assert {len(event.seats) for event in audited} == {1, 3}
    assert any(NO_SEAT not in event.seats for event in audited)


SIZES_AND_RATES: list[dict[str, Any]] = [
    {},
    {"committee_size": 3},
    {"audit_rate_bps": 4_000, "worker_bond": Fri(1_500)},
    {"committee_size": 3, "audit_rate_bps": 4_000, "worker_bond": Fri(1_500)},
]
