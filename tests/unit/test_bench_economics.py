"""The economics: whose rules are played, what is conserved, and that theory and play agree."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gallery
from benchmarks import economics_figures as figures
from benchmarks import economics_formula as formula
from benchmarks import economics_rules as rules
from benchmarks.charts import Chart, HeatMap, Line, draw
from benchmarks.economics_cast import (
    CHEATS,
    COPIER,
    COSTS,
    GALLERY,
    HONEST,
    ONE_TILE,
    SPAMMER,
    SQUATTER,
    Costs,
    Requester,
    Seat,
    Worker,
    seats_of,
)
from benchmarks.economics_games import PRIZE, Cell, market, pairing, play_all
from benchmarks.economics_play import GONE, SAYS, Game, play
from benchmarks.economics_rules import make_terms
from benchmarks.economics_tally import Income, Tally

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "economics.svg"
FEWER = GALLERY[0]
FREE = Costs(render=0, usd_per_million_gas=0)
TERMS = make_terms(3, 1.0, 0.125)


def played(
    workers: dict[Worker, float],
    seats: dict[Seat, float],
    *,
    tasks: int = 4_000,
    rate: float = 1.0,
    seed: int = 1,
    probed: bool = False,
    costs: Costs = COSTS,
    requester: Requester = Requester.LOOKS,
) -> Tally:
    game = Game(make_terms(3, rate, 0.125), workers, seats, requester, costs, probed)
    return play(game, tasks, np.random.default_rng(seed))


def income_of(tally: Tally, worker: Worker) -> Income:
    income = tally.worker(worker)
    assert income is not None
    return income


def sitting_of(tally: Tally, seat: Seat) -> Income:
    income = tally.seat(seat)
    assert income is not None
    return income


# --- the contract's rules ---


def test_the_cheats_that_play_are_those_of_the_gallery() -> None:
    """Those that differ in what they save or in how they are found; the others play as one of them."""
    cheats = {entry.name: entry for entry in map(gallery.load, gallery.names()) if not entry.honest}
    assert {worker.name for worker in GALLERY} <= cheats.keys()
    for worker in GALLERY:
        assert worker.saved == pytest.approx(cheats[worker.name].work_saved), worker.name


def votes(*said: int) -> int:
    return int(sum(rules.WEIGHTS[vote] for vote in said))


def test_a_number_is_the_round_whose_votes_it_counts() -> None:
    places = rules.places_of(votes(rules.ACCEPT, rules.SILENT, rules.ACCEPT))
    assert [place.verdict and place.verdict.value for place in places] == ["Accept", "Accept", None]


def test_two_rejects_that_name_different_tiles_decide_nothing() -> None:
    same = votes(rules.REJECT, rules.REJECT, rules.ACCEPT)
    other = votes(rules.REJECT, rules.REJECT_OTHER, rules.ACCEPT)
    assert rules.decide(same) == (rules.REJECTED, rules.REJECT)
    assert rules.decide(other) == (rules.NO_VERDICT, -1)


SAID = st.integers(0, rules.VOTES - 1)


@given(
    st.lists(SAID, min_size=3, max_size=3),
    st.lists(SAID, min_size=7, max_size=7),
    st.sampled_from([rules.NOT_ASKED, rules.LISTED_TILE, rules.NAMED_TILE, rules.WHOLE]),
    st.booleans(),
)
def test_what_some_gain_others_lose_for_every_vote_that_there_can_be(
    first: list[int], appeal: list[int], question: int, last: bool
) -> None:
    decided = rules.decide(votes(*first))[0]
    if decided == rules.NO_VERDICT:
        question = rules.NOT_ASKED
    row = rules.settle(TERMS, votes(*first), question, votes(*appeal) if question else 0, last)
    seats = sum(row[rules.FIRST + vote] for vote in first)
    seats += sum(row[rules.APPEAL + vote] for vote in appeal) if question else 0
    parties = row[rules.WORKER] + row[rules.REQUESTER] + row[rules.APPELLANT] + row[rules.FORFEITED]
    assert seats + parties == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("requester", list(Requester))
def test_a_whole_game_without_costs_only_moves_money(requester: Requester) -> None:
    workers = {HONEST: 0.4} | {w: 0.6 / len(GALLERY) for w in (*GALLERY, COPIER)}
    seats = {Seat.HONEST: 0.5, Seat.LAZY: 0.25, Seat.COLLUDING: 0.25}
    tally = played({w: s / sum(workers.values()) for w, s in workers.items()}, seats, rate=0.5, costs=FREE)
    moved = tally.workers.sum.sum() + tally.hirers.sum.sum() + tally.seats.sum.sum()
    # Rounds that no majority decides forfeit what the unheard lose; here everybody is heard.
    assert moved + tally.forfeited == pytest.approx(0, abs=1e-6)


# --- strategies ---


def test_an_honest_worker_among_honest_seats_earns_the_reward_less_work_and_gas() -> None:
    income = income_of(played({HONEST: 1.0}, {Seat.HONEST: 1.0}), HONEST)
    assert income.mean == pytest.approx(1 - COSTS.render - COSTS.gas(COSTS.worker_gas))
    assert income.half == pytest.approx(0, abs=1e-6)


def test_a_worker_who_spares_samples_loses_bond_and_work() -> None:
    income = income_of(played({FEWER: 1.0}, {Seat.HONEST: 1.0}), FEWER)
    bond = TERMS.worker_bond.units / rules.UNIT
    assert income.mean == pytest.approx(-bond - COSTS.render / 8 - COSTS.gas(COSTS.worker_gas))


def test_appealing_each_reject_costs_a_cheat_the_appeal_bond_more() -> None:
    tally = played({FEWER: 0.5, SPAMMER: 0.5}, {Seat.HONEST: 1.0})
    more = income_of(tally, FEWER).mean - income_of(tally, SPAMMER).mean
    assert more == pytest.approx(7 * 0.125 + COSTS.gas(COSTS.appeal_gas))


def test_a_squatter_loses_its_share_of_the_bond_and_the_task_is_done_by_another() -> None:
    tally = played({HONEST: 0.5, SQUATTER: 0.5}, {Seat.HONEST: 1.0})
    assert income_of(tally, SQUATTER).mean == pytest.approx(-0.05 * 1.25 - COSTS.gas(COSTS.claim_gas))
    assert tally.paid == tally.tasks


def test_a_copier_finds_nothing_where_nothing_is_reopened_and_shares_the_fate_of_what_it_copies() -> None:
    assert played({HONEST: 0.5, COPIER: 0.5}, {Seat.HONEST: 1.0}).worker(COPIER) is None
    income = income_of(played({FEWER: 0.5, COPIER: 0.5}, {Seat.HONEST: 1.0}), COPIER)
    assert income.mean == pytest.approx(-1.25 - COSTS.gas(COSTS.worker_gas))


def test_an_honest_worker_gets_from_the_appeal_what_two_liars_of_three_took() -> None:
    """Liars hold a third of the seats: a quarter of the committees, a sixth of the appeals'."""
    mute = replace(HONEST, name="never appeals", appeals=FEWER.appeals)
    tally = played({HONEST: 0.5, mute: 0.5}, seats_of("lying", 1 / 3), tasks=20_000)
    assert income_of(tally, HONEST).mean > income_of(tally, mute).mean + 0.2


def test_a_requester_who_appeals_everything_pays_for_it() -> None:
    looks, everything = (
        played({HONEST: 1.0}, {Seat.HONEST: 1.0}, requester=requester)
        for requester in (Requester.LOOKS, Requester.EVERYTHING)
    )
    more = (looks.requesters - everything.requesters) / looks.tasks
    assert more == pytest.approx(7 * 0.125 + COSTS.gas(COSTS.appeal_gas))


@pytest.mark.parametrize(("factor", "is_better"), [(0.5, False), (2.0, True)])
def test_laziness_pays_until_enough_results_are_bad(factor: float, is_better: bool) -> None:
    bad = factor * formula.bad_share_that_ends_laziness(0.125, COSTS)
    seats = {Seat.HONEST: 1.0}
    tally = played({HONEST: 1 - bad, FEWER: bad}, seats, tasks=150_000, probed=True)
    margin = figures.seat_margin(tally)
    assert margin.rival == "lazy"
    assert (margin.margin - margin.half > 0) if is_better else (margin.margin + margin.half < 0)


def test_silence_and_doubt_never_pay_a_seat_as_much_as_looking() -> None:
    tally = played({HONEST: 0.9, FEWER: 0.1}, seats_of("mixed", 0.2), tasks=20_000, probed=True)
    looking = sitting_of(tally, Seat.HONEST).mean
    assert looking > 0
    for seat in (Seat.SILENT, Seat.UNREVEALED, Seat.INCONCLUSIVE, Seat.DENYING):
        assert sitting_of(tally, seat).mean < 0


def test_every_kind_of_seat_says_something_about_everything_it_may_meet() -> None:
    assert SAYS.shape == (len(Seat), GONE + 1)


# --- theory ---


@pytest.mark.parametrize("lazy", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("rate", [0.25, 1.0])
def test_play_and_formula_agree(lazy: float, rate: float) -> None:
    cell = Cell(3, rate, 0.125, "lazy", lazy)
    against = figures.against_formula([(cell, play(pairing(cell), 20_000, np.random.default_rng(3)))], COSTS)
    assert against.compared > 5
    assert against.beyond_4 == 0


def test_play_by_other_terms_than_the_formula_is_told_apart() -> None:
    """The check can fail: with half the audits it does."""
    cell = Cell(3, 1.0, 0.125)
    tally = play(pairing(replace(cell, rate=0.5)), 20_000, np.random.default_rng(3))
    assert figures.against_formula([(cell, tally)], COSTS).beyond_4 > 0


def test_the_majority_of_a_committee_is_counted_as_by_hand() -> None:
    assert formula.honest_majority(1, 0.3) == pytest.approx(0.7)
    assert formula.honest_majority(3, 0.4) == pytest.approx(0.6**3 + 3 * 0.6**2 * 0.4)


def test_skipping_work_is_found_faster_than_it_saves() -> None:
    """Sixteen sample tiles find each skipped tile sixteen times as often as it spares work, so that even
    one tile of a large frame is not worth skipping."""
    assert ONE_TILE.detection == pytest.approx(16 * ONE_TILE.saved)
    assert income_of(played({ONE_TILE: 1.0}, {Seat.HONEST: 1.0}), ONE_TILE).mean < 1 - COSTS.render - 0.1


def test_with_the_bond_that_is_said_to_be_needed_the_best_cheat_that_spares_work_earns_nothing() -> None:
    """Incomes are straight lines in the bond: played again with the same luck at the bond that one
    play says is needed, the best such cheat ends at nothing to the last digit."""
    cell = Cell(3, 0.25, 0.125, "lazy", 0.4)
    game = pairing(cell)
    bond = figures.bond_needed(cell, play(game, 20_000, np.random.default_rng(5)), to_earn_nothing=True)
    assert bond > cell.bond, "the least bond reckons with honest seats"
    again = replace(game, terms=make_terms(cell.size, cell.rate, cell.fee, bond))
    tally = play(again, 20_000, np.random.default_rng(5))
    assert max(income_of(tally, worker).mean for worker in PRIZE) == pytest.approx(0, abs=1e-6)


# --- figures ---


@given(st.floats(0.01, 0.99))
def test_the_share_at_which_a_margin_ends_lies_between_the_points(zero: float) -> None:
    ends = figures.end_of({share / 10: zero - share / 10 for share in range(11)})
    assert ends == pytest.approx(zero)
    assert figures.end_of({0.0: 1.0, 0.5: 0.2}) is None


def a_candidate(price: float, **but: Any) -> figures.Candidate:
    good = figures.Candidate(3, 1.0, 1.0, worst_margin=0.1, prize=-0.1, wrong_share=0.001, price=price)
    return replace(good, **but)


def test_the_defaults_are_the_cheapest_terms_that_will_do() -> None:
    dear, right = a_candidate(0.9), a_candidate(0.5)
    bad = [a_candidate(0.1, **but) for but in ({"worst_margin": 0.0}, {"prize": 0.1}, {"wrong_share": 0.02})]
    assert figures.cheapest([dear, *bad, right]) is right


def test_the_fee_is_the_least_with_which_looking_pays_and_surely_pays_most() -> None:
    loses = figures.Margin(-0.1, "lazy", -0.2, 0.1, 0.01)
    unsure = figures.Margin(0.1, "lazy", 0.09, 0.01, 0.02)
    fine = figures.Margin(0.1, "lazy", 0.05, 0.05, 0.01)
    assert figures.least_fee({0.05: loses, 0.1: unsure, 0.2: fine, 0.3: fine}) == 0.2


def test_the_same_seed_plays_the_same_whatever_process_plays_it() -> None:
    games = [pairing(Cell(3, 1.0, 0.125, "lying", 0.2))] * 2
    one, other = play_all(games, 500, 7), play_all(games, 500, 7)
    assert [t.workers.sum.tolist() for t in one] == [t.workers.sum.tolist() for t in other]
    assert one[0].workers.count.tolist() != one[1].workers.count.tolist(), "each game has its own stream"


def test_an_interval_holds_the_mean_of_what_was_added() -> None:
    dice, tally = random.Random(1), Tally((HONEST,), probed=False)
    amounts = np.array([dice.gauss(0.3, 1) for _ in range(10_000)])
    tally.workers.add(np.zeros(10_000, dtype=np.int64), amounts)
    income = income_of(tally, HONEST)
    assert abs(income.mean - 0.3) < 2 * income.half
    assert income.half == pytest.approx(1.96 / math.sqrt(10_000), rel=0.05)


def test_shares_of_a_market_add_up() -> None:
    assert sum(market(0.3).values()) == pytest.approx(1)
    assert market(0.0) == {HONEST: 1.0}
    assert set(market(0.3)) == {HONEST, *CHEATS}
    assert all(
        sum(seats_of(family, 0.4).values()) == pytest.approx(1) for family in ("lazy", "lying", "mixed")
    )


# --- the picture ---


def test_a_picture_shows_each_number_and_is_well_formed() -> None:
    lines = [Line("a & b", [(0.1, 1.0), (0.2, -9.0)], "#123456")]
    panels: list[Chart | HeatMap] = [
        Chart("first", "across", "up", lines, -1, 1, [-1, 0, 1]),
        HeatMap("second", "across", "up", [0.1], [0.2, 0.3], {(0.1, 0.2): -0.5, (0.1, 0.3): 0.25}),
    ]
    root = ElementTree.fromstring(draw("title", panels, ["foot"]))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"first", "second", "a & b", "-0.50", "+0.25", "foot"} <= set(texts)


def test_the_picture_of_the_docs_is_small_and_has_a_ground_of_its_own() -> None:
    assert PICTURE.stat().st_size < 200_000
    root = ElementTree.parse(PICTURE).getroot()
    ground = root.find("{http://www.w3.org/2000/svg}rect")
    assert ground is not None
    assert ground.get("fill") == "#fff"
