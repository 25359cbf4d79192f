"""A follower's index of events ends as one that was built anew, whatever the chain took back, whenever
the process was killed, and wherever it began."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.domain.cid import Cid
from tileproof.domain.job import Address, Terms
from tileproof.domain.money import Fri
from tileproof.intake.following import EventFollower
from tileproof.ports.journal import Journal
from tileproof.ports.ledger import Event, EventPage, JobCreated, LedgerReader
from tileproof.ports.trail import REORG_WINDOW_BLOCKS, BlockMark, Trail
from tileproof.verifier.watchlist import Watchlist
from tileproof.worker.market import Market

from tests.fakes.clock import FakeClock
from tests.fakes.journal import FakeJournal
from tests.fakes.ledger import FakeChain

REQUESTER = Address(0x1001)
MANIFEST = Cid.of_raw_block(b"manifest")
OTHER = Cid.of_raw_block(b"another manifest")


def terms_at(chain: FakeChain) -> Terms:
    return Terms(
        reward=Fri(1_000), audit_fee=Fri(10), worker_bond=Fri(101), committee_size=1, audit_rate_bps=10_000,
        lease_seconds=600, commit_blocks=12, reveal_blocks=15, appeal_blocks=5,
        deadline=chain.timestamp + 50_000,
    )  # fmt: skip


@dataclass
class Index:
    """All events, kept in the journal beside the follower's place."""

    ledger: LedgerReader
    journal: Journal = field(default_factory=FakeJournal)

    def look(self, *, killed: bool = False) -> EventPage:
        """Takes a page in; ``killed``: and dies before it is kept."""
        follower = EventFollower(self.ledger, self.journal)  # each look is of a process of its own
        page = follower.news()
        if page.rewound_to is not None:
            for key, record in self.journal.all("event").items():
                if int(str(record["block"])) >= page.rewound_to:
                    self.journal.remove("event", key)
        numbers: dict[int, int] = {}
        for event in page.events:
            numbers[event.block] = numbers.get(event.block, -1) + 1
            record = {"block": event.block, "what": repr(event)}
            self.journal.put("event", f"{event.block}-{numbers[event.block]}", record)
        if not killed:
            follower.keep(page)
        return page

    def content(self) -> list[tuple[int, str]]:
        """By block and order in it."""
        kept = self.journal.all("event").items()
        order = sorted(kept, key=lambda item: tuple(map(int, item[0].split("-"))))
        return [(int(str(record["block"])), str(record["what"])) for _, record in order]


class Story:
    def __init__(self) -> None:
        self.chain = FakeChain(seconds_per_block=1)
        self.chain.mint(REQUESTER, Fri(10**12))
        self.ledger = self.chain.acting_as(REQUESTER)
        self.start = self.chain.block

    def create(self, tasks: int) -> int:
        return self.ledger.create_job(MANIFEST, tasks, terms_at(self.chain))[0]

    def close(self, which: int) -> None:
        open_jobs = [job for job in range(1, self.ledger.job_count() + 1) if not self.ledger.job(job).closed]
        if open_jobs:
            self.ledger.close_job(open_jobs[which % len(open_jobs)])

    def take_back(self, blocks: int) -> None:
        self.chain.abort_blocks(max(self.start + 1, self.chain.block + 1 - blocks))

    def truth(self) -> list[tuple[int, str]]:
        return [(event.block, repr(event)) for event in self.ledger.events().events]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(1, 3)),
        st.tuples(st.just("close"), st.integers(0, 5)),
        st.tuples(st.just("pass"), st.integers(1, 40)),
        st.tuples(st.just("take back"), st.integers(1, 60)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("look and die"), st.just(0)),
    ),
    max_size=40,
)


def tell(story: Story, steps: list[tuple[str, int]], index: Index) -> None:
    for step, number in steps:
        match step:
            case "create":
                story.create(number)
            case "close":
                story.close(number)
            case "pass":
                story.chain.pass_blocks(number)
            case "take back":
                story.take_back(number)
            case "look":
                index.look()
            case "look and die":
                index.look(killed=True)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_a_live_index_equals_the_chain_and_one_built_anew(steps: list[tuple[str, int]]) -> None:
    story = Story()
    live = Index(story.ledger)
    tell(story, steps, live)
    live.look()
    anew = Index(story.ledger)
    anew.look()
    assert live.content() == anew.content() == story.truth()
    again = live.look()
    assert (again.events, again.rewound_to) == ((), None)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(0, 400), STEPS)
def test_an_index_rebuilt_from_any_cursor_equals_the_live_one(
    before: list[tuple[str, int]], offset: int, after: list[tuple[str, int]]
) -> None:
    """All that is known of what lies before the cursor is the live index's content of it."""
    story = Story()
    live = Index(story.ledger)
    tell(story, before, live)
    page = live.look()
    cursor = max(0, page.cursor - offset)
    rebuilt = Index(story.ledger)
    rebuilt.journal.put("cursor", "events", {"block": cursor})
    for key, record in live.journal.all("event").items():
        if int(str(record["block"])) < cursor:
            rebuilt.journal.put("event", key, record)
    rebuilt.look()
    assert rebuilt.content() == live.content()
    tell(story, [step for step in after if not step[0].startswith("look")], live)
    live.look()
    rebuilt.look()
    assert rebuilt.content() == live.content() == story.truth()


@pytest.mark.parametrize("blocks", [1, 10, 100, REORG_WINDOW_BLOCKS])
def test_a_reorganisation_of_any_depth_in_the_window_is_noticed(blocks: int) -> None:
    story = Story()
    story.start -= REORG_WINDOW_BLOCKS
    index = Index(story.ledger)
    kept = story.create(2)
    story.chain.pass_blocks(1)
    lost = story.create(1)
    story.chain.pass_blocks(blocks - 1)
    index.look()
    story.take_back(blocks)
    story.chain.pass_blocks(blocks + 5)
    page = index.look()
    assert (lost, page.events, page.rewound_to) == (2, (), page.cursor - 5 - blocks)
    assert [what for _, what in index.content()] == [repr(e) for e in story.ledger.events().events]
    assert kept == story.ledger.job_count() == 1


def test_a_trail_remembers_the_window_and_no_more() -> None:
    def event(block: int) -> Event:
        return JobCreated(block, 1, block, REQUESTER, MANIFEST, 1, terms_at(FakeChain()))

    trail = Trail().extended([event(10), event(20)], since=0, last=BlockMark(20, 1))
    far = trail.extended([event(3_000)], since=21, last=BlockMark(20 + REORG_WINDOW_BLOCKS - 10, 2))
    assert sorted(far.events) == [20, 3_000]
    assert Trail.from_record(through_a_journal(far.as_record())) == far
    assert Trail.from_record(Trail().as_record()) == Trail()
    assert far.parts_at([event(20), event(3_000)], first=11, cursor=4_000) is None
    assert far.parts_at([event(20)], first=11, cursor=4_000) == 3_000
    assert far.parts_at([event(20), event(15)], first=11, cursor=4_000) == 15
    assert far.parts_at([event(20)], first=11, cursor=3_000) is None


def through_a_journal(record: dict[str, object]) -> object:
    journal = FakeJournal()
    journal.put("trail", "", record)
    return journal.get("trail", "")


# --- what the roles make of it ---


def nothing(block: int) -> None:
    """No claims are held."""


def market_of(story: Story, journal: FakeJournal) -> Market:
    return Market(story.ledger, journal, FakeClock(), 60.0)


def test_a_worker_forgets_jobs_that_never_were_and_what_went_wrong_with_them() -> None:
    story, journal = Story(), FakeJournal()
    market = market_of(story, journal)
    kept = story.create(1)
    lost = story.create(1)
    market.follow(nothing)
    market.note_failure(kept, 0, "it was not rendered in time")
    market.note_failure(lost, 0, "its scene is broken")
    market.put_off(lost, "nobody serves it")
    assert market.jobs() == [kept]
    story.take_back(1)
    other, _ = story.ledger.create_job(OTHER, 1, terms_at(story.chain))
    market = market_of(story, journal)  # restarted meanwhile
    market.follow(nothing)
    assert (other, market.jobs()) == (lost, [kept, lost])
    assert journal.all("job")[str(lost)]["manifest"] == str(OTHER)
    assert (market.failed(kept), market.failed(lost)) == (frozenset({0}), frozenset())


def test_a_worker_looks_again_at_a_job_whose_end_was_taken_back() -> None:
    story, journal = Story(), FakeJournal()
    market = market_of(story, journal)
    job = story.create(1)
    story.chain.pass_blocks(5)
    story.ledger.close_job(job)
    market.follow(nothing)
    market.drop(job)
    assert market.jobs() == []
    story.take_back(1)
    story.chain.pass_blocks(3)
    market.follow(nothing)
    assert market.jobs() == [job]


def test_a_verifier_watches_again_what_was_over_only_in_blocks_that_are_gone() -> None:
    journal = FakeJournal()
    watchlist = Watchlist(journal)
    watchlist.add(1, 0, block=10)
    watchlist.add(1, 1, block=20)
    watchlist.end(1, 0, head=30)
    assert watchlist.by_job() == {1: {1}}
    watchlist.rewind(15)
    assert Watchlist(journal).by_job() == watchlist.by_job() == {1: {0}}
    watchlist.end(1, 0, head=31)
    watchlist.rewind(32)
    assert watchlist.by_job() == {}
    watchlist.forget_what_stays_over(31 + REORG_WINDOW_BLOCKS)
    assert len(journal.all("watched")) == 1
    watchlist.forget_what_stays_over(32 + REORG_WINDOW_BLOCKS)
    assert journal.all("watched") == {}


def test_a_task_submitted_again_is_watched_since_its_first_submission() -> None:
    """Both its second submission and the end of its first may be taken back together."""
    journal = FakeJournal()
    watchlist = Watchlist(journal)
    watchlist.add(1, 0, block=10)
    watchlist.end(1, 0, head=30)
    watchlist.add(1, 0, block=40)
    watchlist.rewind(25)
    assert Watchlist(journal).by_job() == watchlist.by_job() == {1: {0}}
