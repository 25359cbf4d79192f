use tileproof::packing::jobs::{ProgressPacking, TermsPacking};
use tileproof::packing::money::{Account, AccountPacking, TotalsPacking};
use tileproof::packing::rounds::{
    pack_charge, pack_slots, pack_votes, unpack_charge, unpack_slots, unpack_votes,
};
use tileproof::packing::seats::{SeatPacking, TallyPacking};
use tileproof::packing::tasks::{AppealPacking, CidPacking, TaskPacking};
use tileproof::round::{Charge, MAX_APPEAL_COMMITTEE, NO_SEAT, Vote, Votes};
use tileproof::seats::{SeatCell, SeatTally};
use tileproof::state::{AppealRecord, Kind, Progress, TaskRecord};
use tileproof::types::{Cid, Ground, Lane, Outcome, Question, Terms, Totals};

fn extreme_task() -> TaskRecord {
    TaskRecord {
        kind: Kind::Closed,
        attempt: 0xffffffff,
        failures: 3,
        outcome: Outcome::NoVerdict,
        claim_block: 0xffffffff,
        lease_until: 0xffffffffff,
        seat_count: 0xffffffff,
        submit_block: 0xfffffffe,
        round: 2,
        seed_block: 0xfffffffd,
        draw_block: 0xfffffffc,
        audited: true,
        appealed: true,
    }
}

#[test]
fn test_a_task_of_extremes_reads_back() {
    assert_eq!(TaskPacking::unpack(TaskPacking::pack(extreme_task())), extreme_task());
}

#[test]
fn test_an_untouched_cell_is_an_open_task() {
    let record = TaskPacking::unpack(0);
    assert_eq!(record.kind, Kind::Open);
    assert_eq!(record.outcome, Outcome::Undecided);
    assert_eq!(record.attempt, 0);
    assert_eq!(TaskPacking::pack(record), 0);
}

#[test]
fn test_every_kind_and_outcome_reads_back() {
    for kind in [Kind::Open, Kind::Claimed, Kind::Submitted, Kind::Paid, Kind::Closed].span() {
        for outcome in [
            Outcome::Undecided, Outcome::NotDrawn, Outcome::Accepted, Outcome::Rejected,
            Outcome::Unavailable, Outcome::NoVerdict,
        ]
            .span() {
            let record = TaskRecord { kind: *kind, outcome: *outcome, ..extreme_task() };
            assert_eq!(TaskPacking::unpack(TaskPacking::pack(record)), record);
        }
    }
}

#[test]
#[should_panic(expected: 'FIELD_OVERFLOW')]
fn test_a_field_never_spills_into_its_neighbour() {
    TaskPacking::pack(TaskRecord { claim_block: 0x100000000, ..extreme_task() });
}

#[test]
#[should_panic(expected: 'CELL_OVERFLOW')]
fn test_a_cell_never_wraps_around() {
    AccountPacking::pack(
        Account { withdrawable: 0, worker_bonds: 0x4000000000000000000000000000000 },
    );
}

#[test]
fn test_terms_read_back() {
    let terms = Terms {
        reward: 0xffffffffffffffffffffffff,
        audit_fee: 0xfffffffffffffffffffffffe,
        worker_bond: 0xfffffffffffffffffffffffd,
        committee_size: 7,
        audit_rate_bps: 10_000,
        lease_seconds: 0xffffffff,
        commit_blocks: 0xfffffffe,
        reveal_blocks: 0xfffffffd,
        appeal_blocks: 0xfffffffc,
        deadline: 0xffffffffff,
        lane: Lane::Hash,
    };
    assert_eq!(TermsPacking::unpack(TermsPacking::pack(terms)), terms);
    let terms = Terms { lane: Lane::Exact, ..terms };
    assert_eq!(TermsPacking::unpack(TermsPacking::pack(terms)), terms);
}

#[test]
fn test_progress_reads_back() {
    let progress = Progress {
        task_count: 0xffffffff,
        created_block: 0xfffffffe,
        paid: 0xfffffffd,
        refunded: 0xfffffffc,
        swept: 0xfffffffb,
        paused: true,
        closed: false,
    };
    assert_eq!(ProgressPacking::unpack(ProgressPacking::pack(progress)), progress);
    let progress = Progress { paused: false, closed: true, ..progress };
    assert_eq!(ProgressPacking::unpack(ProgressPacking::pack(progress)), progress);
}

#[test]
fn test_slots_of_every_committee_size_read_back() {
    let all = array![NO_SEAT, 1, 0xfffffffe, 0, 0x80000001, NO_SEAT, 0xfffe0001];
    for size in array![1_u32, 3, 5, 7] {
        let slots = all.span().slice(0, size);
        assert_eq!(unpack_slots(pack_slots(slots), size), slots);
    }
}

#[test]
fn test_votes_keep_their_places() {
    let seven = array![
        Vote::Unavailable, Vote::Silent, Vote::Sealed, Vote::Accept, Vote::Reject,
        Vote::Inconclusive, Vote::Silent,
    ]
        .span();
    for count in array![1_u32, 3, 5, 7] {
        let votes = seven.slice(0, count);
        let record = Votes { sealed_block: 0xffffffff, opened_block: 7, votes };
        assert_eq!(unpack_votes(pack_votes(record), count), record);
    }
}

#[test]
fn test_the_votes_of_the_largest_appeal_fit_into_one_cell() {
    let mut votes = array![];
    for _ in 0..MAX_APPEAL_COMMITTEE {
        votes.append(Vote::Unavailable);
    }
    let record = Votes {
        sealed_block: 0xffffffff, opened_block: 0xffffffff, votes: votes.span(),
    };
    assert_eq!(unpack_votes(pack_votes(record), MAX_APPEAL_COMMITTEE), record);
}

#[test]
fn test_every_charge_reads_back() {
    for ground in [
        Ground::None, Ground::Tile, Ground::Missing, Ground::Undecodable, Ground::WrongFormat,
    ]
        .span() {
        for index in [0, 1, 0xffffffff].span() {
            let charge = Charge { ground: *ground, index: *index };
            assert_eq!(unpack_charge(pack_charge(charge)), charge);
        }
    }
}

#[test]
fn test_every_appeal_reads_back() {
    for question in [
        Question::ListedTile, Question::NamedTile, Question::Picture, Question::Whole,
    ]
        .span() {
        for against in [
            Outcome::NotDrawn, Outcome::Accepted, Outcome::Rejected, Outcome::Unavailable,
        ]
            .span() {
            let appeal = AppealRecord {
                against: *against,
                question: *question,
                position: 0xffffffff,
                tile: 0xfffffffe,
                raised_block: 0xfffffffd,
                draw_block: 0xfffffffc,
            };
            assert_eq!(AppealPacking::unpack(AppealPacking::pack(appeal)), appeal);
        }
    }
}

#[test]
fn test_a_cid_reads_back() {
    let cid = Cid { codec: 0x70, digest: core::num::traits::Bounded::MAX };
    assert_eq!(CidPacking::unpack(CidPacking::pack(cid)), cid);
}

#[test]
fn test_seats_and_money_read_back() {
    let seat = SeatCell {
        bond: 0xffffffffffffffffffffffffffffffff,
        since_block: 0xffffffff,
        leaving_block: 0xfffffffe,
        collected: true,
        link: 0xfffffffd,
    };
    assert_eq!(SeatPacking::unpack(SeatPacking::pack(seat)), seat);
    let tally = SeatTally {
        slots: 0xffffffff,
        active: 0xfffffffe,
        newest_block: 0xfffffffd,
        taken_in_newest: 0xfffffffc,
        free: 0xfffffffb,
    };
    assert_eq!(TallyPacking::unpack(TallyPacking::pack(tally)), tally);
    assert_eq!(TallyPacking::pack(TallyPacking::unpack(0)), 0);
    let totals = Totals { escrow: 1, bonds: 2, withdrawable: 3, forfeited: 4 };
    assert_eq!(TotalsPacking::unpack(TotalsPacking::pack(totals)), totals);
}
