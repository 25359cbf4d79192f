/// The rounds: who was drawn, who has sealed a verdict, who has opened it. Each task has cells for
/// one round, which the next round reuses: rewriting a cell costs an eighth of a new one, and a
/// failed round's penalties are carried out when the next one is drawn.
#[starknet::component]
pub mod AuditsComponent {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_number};
    use crate::cid;
    use crate::draw::{RoundId, verdict_commitment};
    use crate::errors;
    use crate::events::{VerdictCommitted, VerdictRevealed};
    use crate::packing::{VotesPacking, pack_slots, unpack_slots};
    use crate::state::{NO_SEAT, Round, Vote, Votes, vote_of};
    use crate::types::{Commitment, Ground, Reveal, Verdict};

    #[storage]
    pub struct Storage {
        /// By job and task.
        pub Audits_slots: Map<(u64, u32), felt252>,
        pub Audits_votes: Map<(u64, u32), Votes>,
        /// By job, task and index in the committee.
        pub Audits_sealed: Map<(u64, u32, u8), felt252>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        VerdictCommitted: VerdictCommitted,
        VerdictRevealed: VerdictRevealed,
    }

    #[generate_trait]
    pub impl AuditsImpl<TState, +HasComponent<TState>, +Drop<TState>> of AuditsTrait<TState> {
        /// Starts a round with these slots and no votes.
        fn open_round(
            ref self: ComponentState<TState>, job_id: u64, task: u32, slots: Span<u32>,
        ) {
            self.Audits_slots.entry((job_id, task)).write(pack_slots(slots));
            self.Audits_votes.entry((job_id, task)).write(no_votes());
        }

        /// The stored round of a committee of `size`.
        fn round(
            self: @ComponentState<TState>, job_id: u64, task: u32, size: u8,
        ) -> Round {
            let seats = unpack_slots(self.Audits_slots.entry((job_id, task)).read(), size.into());
            let stored = self.Audits_votes.entry((job_id, task)).read();
            let mut votes = array![];
            for place in 0..seats.len() {
                votes
                    .append(
                        if *seats[place] == NO_SEAT {
                            Vote::Empty
                        } else {
                            *stored.votes[place]
                        },
                    );
            }
            Round {
                seats,
                votes: votes.span(),
                sealed_block: stored.sealed_block,
                opened_block: stored.opened_block,
            }
        }

        /// Keeps a sealed verdict; the caller owns the seat and the round is committing.
        /// Errors: ALREADY_COMMITTED. Event: VerdictCommitted.
        fn commit(
            ref self: ComponentState<TState>,
            id: @RoundId,
            verifier: ContractAddress,
            round: @Round,
            commitment: Commitment,
        ) {
            let seat = commitment.seat;
            assert(*(*round.votes)[seat.into()] == Vote::Silent, errors::ALREADY_COMMITTED);
            self.Audits_sealed.entry((*id.job_id, *id.task, seat)).write(commitment.commitment);
            self.write_vote(id, round, seat, Vote::Sealed, get_block_number(), *round.opened_block);
            self
                .emit(
                    VerdictCommitted {
                        job_id: *id.job_id,
                        verifier,
                        task: *id.task,
                        attempt: *id.attempt,
                        round: *id.round,
                        seat,
                    },
                );
        }

        /// Opens a sealed verdict; the caller owns the seat and the round is revealing.
        /// Errors: NOT_COMMITTED, ALREADY_REVEALED, COMMITMENT_MISMATCH, BAD_GROUND, INVALID_CID.
        /// Event: VerdictRevealed.
        fn reveal(
            ref self: ComponentState<TState>,
            id: @RoundId,
            verifier: ContractAddress,
            round: @Round,
            reveal: Reveal,
        ) {
            let seat = reveal.seat;
            let vote = *(*round.votes)[seat.into()];
            assert(vote != Vote::Silent, errors::NOT_COMMITTED);
            assert(vote == Vote::Sealed, errors::ALREADY_REVEALED);
            assert(
                self.Audits_sealed.entry((*id.job_id, *id.task, seat)).read()
                    == verdict_commitment(id, @reveal),
                errors::COMMITMENT_MISMATCH,
            );
            check_ground(@reveal);
            cid::check(@reveal.evidence);
            let block = get_block_number();
            self.write_vote(id, round, seat, vote_of(reveal.verdict), *round.sealed_block, block);
            self
                .emit(
                    VerdictRevealed {
                        job_id: *id.job_id,
                        verifier,
                        task: *id.task,
                        attempt: *id.attempt,
                        round: *id.round,
                        seat,
                        verdict: reveal.verdict,
                        ground: reveal.ground,
                        index: reveal.index,
                        evidence: reveal.evidence,
                    },
                );
        }
    }

    #[generate_trait]
    impl PrivateImpl<TState, +HasComponent<TState>> of PrivateTrait<TState> {
        fn write_vote(
            ref self: ComponentState<TState>,
            id: @RoundId,
            round: @Round,
            seat: u8,
            vote: Vote,
            sealed_block: u64,
            opened_block: u64,
        ) {
            let mut votes = array![];
            for place in 0..no_votes().votes.len() {
                votes
                    .append(
                        if place == seat.into() {
                            vote
                        } else if place < (*round.votes).len() {
                            *(*round.votes)[place]
                        } else {
                            Vote::Silent
                        },
                    );
            }
            self
                .Audits_votes
                .entry((*id.job_id, *id.task))
                .write(Votes { sealed_block, opened_block, votes: votes.span() });
        }
    }

    fn no_votes() -> Votes {
        Votes { sealed_block: 0, opened_block: 0, votes: [Vote::Silent; 7].span() }
    }

    fn check_ground(reveal: @Reveal) {
        let named = *reveal.ground != Ground::None;
        assert(named == (*reveal.verdict == Verdict::Reject), errors::BAD_GROUND);
        assert(named || *reveal.index == 0, errors::BAD_GROUND);
    }
}
