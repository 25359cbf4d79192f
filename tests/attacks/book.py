"""The attack book: what each attack brings, and whom it costs how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Account(NamedTuple):
    """Fri, gas apart. A gain below zero is a loss, and the other way round."""

    gain: int
    """The attacker's."""
    loss: int
    """The victim's."""
    others: int
    """What third parties gain."""
    forfeited: int

    @property
    def is_balanced(self) -> bool:
        """Whether nothing appeared or vanished."""
        return self.gain - self.loss + self.others + self.forfeited == 0


@dataclass(frozen=True, slots=True)
class Page:
    """One attack."""

    attack: str
    account: Account
    why: str

    def row(self) -> str:
        """The page as a row of the table in the docs."""
        return f"| {self.attack} | {' | '.join(map(str, self.account))} | {self.why} |"


BOOK = {
    # A cheating worker.
    "test_bad_work_that_the_sample_shows_costs_the_bond": Page(
        "fewer samples, upscaled, old frame, tampered tile in the sample",
        Account(-101, 0, 10, 91),
        "the bond pays the audit, the rest is forfeited; the requester keeps the pay",
    ),
    "test_a_tile_tampered_outside_the_sample_is_named_by_the_requester": Page(
        "tampered tile outside the sample, named in an appeal",
        Account(-101, 0, 30, 71),
        "the bond pays the appeal's three seats; who judged the list loses nothing",
    ),
    "test_a_tile_tampered_outside_the_sample_is_paid_where_nobody_looks": Page(
        "tampered tile outside the sample, and the requester does not look",
        Account(1000, 1010, 10, 0),
        "not defended: the preview shows what is odd while an appeal is open",
    ),
    "test_bad_work_that_was_not_drawn_is_named_by_the_requester": Page(
        "bad work that was not drawn, named in an appeal (q = 10 %, B = 9,000)",
        Account(-9000, 0, 30, 8970),
        "a task that nobody audits waits out the same window; B grows as q falls",
    ),
    "test_a_worker_who_was_drawn_cannot_submit_again_until_it_is_not": Page(
        "resubmitting or giving back until not drawn",
        Account(-101, 0, 10, 91),
        "one submission per claim, and no way back from it",
    ),
    "test_nobody_submits_the_result_it_copied_from_the_claimant": Page(
        "handing in the claimant's result",
        Account(0, 0, 0, 0),
        "only the claimant submits, once",
    ),
    "test_squatting_on_a_claim_costs_a_share_of_the_bond_each_time": Page(
        "squatting on a claim three times",
        Account(-18, 0, 0, 18),
        "5 % of the bond each time, rounded up; no renewing",
    ),
    "test_a_worker_who_withholds_its_bytes_loses_the_bond": Page(
        "withholding the result",
        Account(-101, 0, 10, 91),
        "as a reject",
    ),
    "test_a_cheat_who_appeals_every_reject_loses_the_appeal_bond_as_well": Page(
        "appealing a right reject",
        Account(-131, 0, 40, 91),
        "the appeal bond of 3 f pays the larger committee",
    ),
    "test_a_cheat_who_still_withholds_its_bytes_under_appeal_loses_both_bonds": Page(
        "appealing while the bytes stay withheld",
        Account(-131, 0, 40, 91),
        "the same",
    ),
    "test_bad_work_in_the_hash_lane_costs_the_audit_and_no_more": Page(
        "bad work in the hash lane",
        Account(-10, 0, 10, 0),
        "there a reject proves too little to slash: the pay is withheld, the audit is paid",
    ),
    # A hostile requester.
    "test_a_requester_who_leaves_the_worker_alone_pays_for_the_audit": Page(
        "no attack: good work is audited and paid",
        Account(-10, 0, 10, 0),
        "the yardstick: an audit costs its requester n f",
    ),
    "test_a_requester_who_pauses_and_closes_still_pays_for_what_was_submitted": Page(
        "pausing and closing after the submission",
        Account(-10, 0, 10, 0),
        "submitted tasks run to their end",
    ),
    "test_a_requester_who_closes_under_a_live_claim_cannot_take_the_task_away": Page(
        "closing under a live claim",
        Account(-10, 0, 10, 0),
        "a live claim may still submit",
    ),
    "test_a_scene_that_nobody_can_judge_costs_its_requester_the_fees_and_the_worker_its_pay": Page(
        "unpinning the scene, or selling one that nobody can judge",
        Account(990, 1000, 0, 10),
        "not defended on chain: the worker tries the scene before it claims, and serves it",
    ),
    "test_a_requester_who_appeals_good_work_pays_the_committee_and_the_worker_is_paid": Page(
        "appealing good work",
        Account(-40, 0, 40, 0),
        "the appeal bond pays the larger committee; only once per attempt",
    ),
    "test_an_appeal_about_a_tile_that_does_not_exist_is_lost": Page(
        "appealing about a tile that does not exist",
        Account(-40, 0, 40, 0),
        "the committee finds nothing wrong there",
    ),
    "test_a_requester_with_one_lying_seat_in_its_appeal_loses_more": Page(
        "appealing good work, with one seat of the appeal's committee in the plot",
        Account(-80, 0, 30, 50),
        "the majority decides, and the liar loses 4 f",
    ),
    "test_terms_that_no_worker_could_keep_are_refused": Page(
        "absurd windows, lease, deadline, fee or committee",
        Account(0, 0, 0, 0),
        "terms have bounds, fixed at deployment",
    ),
    "test_the_parties_own_seats_never_judge_their_job": Page(
        "sitting on one's own job's committee",
        Account(0, 0, 0, 0),
        "requester and claimant are never drawn (under these addresses)",
    ),
    # Faithless seats.
    "test_a_lazy_seat_that_accepts_a_trap_pays_for_it": Page(
        "accepting without looking, when the work is a trap",
        Account(-40, 101, 30, 111),
        "4 f; whoever lays the trap pays its bond for it",
    ),
    "test_a_trap_earns_nothing_to_who_lays_it": Page(
        "laying a trap for a seat that does look",
        Account(-101, -10, 0, 91),
        "the seat earns its fee; slashes never go to who lays traps",
    ),
    "test_a_silent_seat_loses_a_fee_and_others_judge": Page(
        "silence",
        Account(-10, 0, 0, 10),
        "f, and a whole new committee judges",
    ),
    "test_a_seat_that_seals_and_waits_how_the_wind_blows_loses_four_fees": Page(
        "sealing a verdict and not opening it",
        Account(-40, 0, 0, 40),
        "dearer than silence, so that nobody opens only what suits",
    ),
    "test_a_seat_that_copies_anothers_sealed_verdict_cannot_open_it": Page(
        "copying another's sealed verdict (n = 3)",
        Account(-40, 0, 0, 40),
        "the place is part of the seal",
    ),
    "test_a_seat_that_rejects_good_work_pays_the_committee_that_says_so": Page(
        "rejecting good work",
        Account(-40, 0, 30, 10),
        "its 4 f pay the appeal's seats; the worker gets everything back",
    ),
    "test_a_seat_that_denies_bytes_which_are_there_cannot_be_proved_wrong": Page(
        "denying bytes that are there",
        Account(0, 20, 20, 0),
        "not slashed, as nobody can prove it; costs the worker at most (n + 1) f, and the liar its fee",
    ),
    "test_a_seat_in_league_with_a_cheat_loses_its_share_too": Page(
        "accepting a bad tile of its list for a cheat",
        Account(-141, 0, 30, 111),
        "worker's bond and 4 f together",
    ),
    "test_a_reject_of_another_tile_moves_no_appeal_onto_a_tile_that_is_fine": Page(
        "naming a tile that is fine, to rescue a cheat on appeal (n = 3)",
        Account(-101, 0, 20, 81),
        "rejects count together only where they name the same; the stray one is not paid",
    ),
    "test_a_seat_that_leaves_once_it_has_lied_is_slashed_before_it_is_free": Page(
        "leaving after a lie",
        Account(-40, 0, 30, 10),
        "the exit outlasts the longest audit",
    ),
    "test_a_seat_that_lied_goes_free_where_nobody_settles_until_it_was_collected": Page(
        "a lie whose appeal is won, and nobody settles for as long as an exit takes",
        Account(0, 20, 20, 0),
        "not defended against oneself: anyone may settle, and the winner wants to; its bond pays the rest",
    ),
    "test_seats_taken_in_the_block_of_the_claim_neither_count_nor_sit": Page(
        "bringing seats along in the claim's block",
        Account(0, 0, 0, 0),
        "they neither count for the claim nor sit",
    ),
    "test_seats_taken_after_a_claim_are_never_drawn_for_it": Page(
        "taking seats after the claim",
        Account(0, 0, 0, 0),
        "only older seats are drawn",
    ),
    "test_slots_that_were_left_and_collected_do_not_thin_the_draw": Page(
        "filling the draw with dead slots",
        Account(0, 0, 0, 0),
        "a collected slot is given out again: three rounds of two seats use two slots",
    ),
    "test_seats_that_strike_together_lose_a_fee_each_round_and_the_worker_its_pay": Page(
        "all seats strike through three rounds",
        Account(-30, 1000, 990, 40),
        "not defended: without verdict nobody is paid, and the requester may have fetched the frames",
    ),
    "test_a_bought_committee_and_a_bought_appeal_sell_bad_work": Page(
        "a Sybil majority in both rounds accepts bad work",
        Account(1040, 1040, 0, 0),
        "not defended; it must win the lot twice",
    ),
    "test_a_bought_majority_robs_a_worker_and_sells_its_frames_again": Page(
        "a Sybil majority in both rounds rejects good work and sells the copied frames",
        Account(1050, 1131, -10, 91),
        "not defended; it must win the lot three times",
    ),
    # Strangers, and nobody at all.
    "test_refused_calls_change_nothing_and_cost_their_caller_the_gas": Page(
        "calls out of turn, in somebody else's name, or too large",
        Account(0, 0, 0, 0),
        "refused: only their caller's gas",
    ),
    "test_nobody_takes_what_another_has_in_the_contract": Page(
        "withdrawing or collecting what is another's",
        Account(0, 0, 0, 0),
        "only one's own balance, and no more than it holds",
    ),
    "test_locked_bonds_are_not_withdrawn": Page(
        "withdrawing the bond before the reject is final",
        Account(-101, 0, 10, 91),
        "a bond is no balance until the task is settled",
    ),
    "test_a_task_is_drawn_and_paid_once": Page(
        "drawing and settling twice",
        Account(0, 10, 10, 0),
        "the second call, in a later block or in the same one, is refused; the audit is paid as always",
    ),
    "test_what_everybody_has_left_behind_is_freed_by_any_passer_by": Page(
        "no attack: everybody walks away (a submission, a lapsed claim, an open task)",
        Account(0, 16, -30, 46),
        "anyone can end all three; 6 for the lapse, f for each of the requester and three silent seats",
    ),
    "test_a_token_that_lies_or_calls_back_moves_nothing": Page(
        "a token that refuses, calls back or takes a fee",
        Account(0, 0, 0, 0),
        "the whole call is refused",
    ),
}
"""The pages, by the name of the test that plays the attack."""
