/// The rounds: who was drawn, who has sealed a verdict, who has opened it. Each task has cells for
/// one round, which the next round reuses: rewriting a cell costs an eighth of a new one, and a
/// failed round's penalties are carried out when the next one is drawn. An appeal's round has cells of
/// its own, since the round that it judges still has to be settled.
#[starknet::component]
pub mod AuditsComponent {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_number};
    use crate::draw::{RoundId, verdict_commitment};
    use crate::events::{VerdictCommitted, VerdictRevealed};
    use crate::packing::rounds::{
        SLOTS_PER_CELL, pack_charge, pack_slots, pack_votes, unpack_charge, unpack_slots,
        unpack_votes,
    };
    use crate::round::{APPEAL_ROUND, Charge, NO_SEAT, Round, Vote, Votes, no_charge, vote_of};
    use crate::types::{Commitment, Ground, Reveal, Verdict};
    use crate::{cid, errors};

    /// Where the sealed verdicts of an appeal's round start.
    const APPEAL_PLACES: u8 = 16;

    #[storage]
    pub struct Storage {
        /// By job and task.
        pub Audits_slots: Map<(u64, u32), felt252>,
        pub Audits_votes: Map<(u64, u32), felt252>,
        /// By job, task and index in the committee. Once a first round's place has rejected, what it
        /// names.
        pub Audits_sealed: Map<(u64, u32, u8), felt252>,
        /// By job, task and part of the committee: seven slots a cell.
        pub Audits_appeal_slots: Map<(u64, u32, u32), felt252>,
        pub Audits_appeal_votes: Map<(u64, u32), felt252>,
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
            ref self: ComponentState<TState>, job_id: u64, task: u32, round: u8, slots: Span<u32>,
        ) {
            if round == APPEAL_ROUND {
                let mut left = slots;
                let mut part = 0;
                while !left.is_empty() {
                    let size = core::cmp::min(left.len(), SLOTS_PER_CELL);
                    let cell = pack_slots(left.slice(0, size));
                    self.Audits_appeal_slots.entry((job_id, task, part)).write(cell);
                    left = left.slice(size, left.len() - size);
                    part += 1;
                }
            } else {
                self.Audits_slots.entry((job_id, task)).write(pack_slots(slots));
            }
            let mut votes = array![];
            for _ in slots {
                votes.append(Vote::Silent);
            }
            let votes = Votes { sealed_block: 0, opened_block: 0, votes: votes.span() };
            self.write_votes(job_id, task, round, votes);
        }

        /// The stored round of a committee of `size`. What rejects name is read for a first round only.
        fn round(
            self: @ComponentState<TState>, job_id: u64, task: u32, round: u8, size: u8,
        ) -> Round {
            let at = (job_id, task);
            let (seats, cell) = if round == APPEAL_ROUND {
                (self.appeal_slots(at, size.into()), self.Audits_appeal_votes.entry(at).read())
            } else {
                let slots = unpack_slots(self.Audits_slots.entry(at).read(), size.into());
                (slots, self.Audits_votes.entry(at).read())
            };
            let stored = unpack_votes(cell, size.into());
            let mut votes = array![];
            let mut charges = array![];
            for place in 0..seats.len() {
                let vote = if *seats[place] == NO_SEAT {
                    Vote::Empty
                } else {
                    *stored.votes[place]
                };
                votes.append(vote);
                charges
                    .append(
                        if vote == Vote::Reject && round != APPEAL_ROUND {
                            let place: u8 = place.try_into().unwrap();
                            unpack_charge(self.Audits_sealed.entry((job_id, task, place)).read())
                        } else {
                            no_charge()
                        },
                    );
            }
            Round {
                seats,
                votes: votes.span(),
                charges: charges.span(),
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
            let RoundId { job_id, task, attempt, round: number, .. } = *id;
            let seat = commitment.seat;
            assert(*(*round.votes)[seat.into()] == Vote::Silent, errors::ALREADY_COMMITTED);
            self.Audits_sealed.entry(sealed_at(id, seat)).write(commitment.commitment);
            let votes = Votes {
                sealed_block: get_block_number(),
                opened_block: *round.opened_block,
                votes: with_vote(*round.votes, seat, Vote::Sealed),
            };
            self.write_votes(job_id, task, number, votes);
            self.emit(VerdictCommitted { job_id, verifier, task, attempt, round: number, seat });
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
            let RoundId { job_id, task, attempt, round: number, .. } = *id;
            let Reveal { seat, verdict, ground, index, evidence, .. } = reveal;
            let vote = *(*round.votes)[seat.into()];
            assert(vote != Vote::Silent, errors::NOT_COMMITTED);
            assert(vote == Vote::Sealed, errors::ALREADY_REVEALED);
            let sealed = self.Audits_sealed.entry(sealed_at(id, seat));
            assert(
                sealed.read() == verdict_commitment(id, @reveal), errors::COMMITMENT_MISMATCH,
            );
            check_ground(@reveal);
            cid::check(@evidence);
            if verdict == Verdict::Reject && number != APPEAL_ROUND {
                sealed.write(pack_charge(Charge { ground, index }));
            }
            let votes = Votes {
                sealed_block: *round.sealed_block,
                opened_block: get_block_number(),
                votes: with_vote(*round.votes, seat, vote_of(verdict)),
            };
            self.write_votes(job_id, task, number, votes);
            self
                .emit(
                    VerdictRevealed {
                        job_id,
                        verifier,
                        task,
                        attempt,
                        round: number,
                        seat,
                        verdict,
                        ground,
                        index,
                        evidence,
                    },
                );
        }
    }

    #[generate_trait]
    impl PrivateImpl<TState, +HasComponent<TState>> of PrivateTrait<TState> {
        fn appeal_slots(self: @ComponentState<TState>, at: (u64, u32), size: u32) -> Span<u32> {
            let (job_id, task) = at;
            let mut slots = array![];
            let mut part = 0;
            while slots.len() < size {
                let cell = self.Audits_appeal_slots.entry((job_id, task, part)).read();
                let count = core::cmp::min(size - slots.len(), SLOTS_PER_CELL);
                slots.append_span(unpack_slots(cell, count));
                part += 1;
            }
            slots.span()
        }

        fn write_votes(
            ref self: ComponentState<TState>, job_id: u64, task: u32, round: u8, votes: Votes,
        ) {
            let cell = pack_votes(votes);
            if round == APPEAL_ROUND {
                self.Audits_appeal_votes.entry((job_id, task)).write(cell);
            } else {
                self.Audits_votes.entry((job_id, task)).write(cell);
            }
        }
    }

    fn sealed_at(id: @RoundId, seat: u8) -> (u64, u32, u8) {
        let place = if *id.round == APPEAL_ROUND {
            APPEAL_PLACES + seat
        } else {
            seat
        };
        (*id.job_id, *id.task, place)
    }

    fn with_vote(votes: Span<Vote>, seat: u8, vote: Vote) -> Span<Vote> {
        let mut all = array![];
        for place in 0..votes.len() {
            all.append(if place == seat.into() {
                vote
            } else {
                *votes[place]
            });
        }
        all.span()
    }

    fn check_ground(reveal: @Reveal) {
        let named = *reveal.ground != Ground::None;
        assert(named == (*reveal.verdict == Verdict::Reject), errors::BAD_GROUND);
        assert(named || *reveal.index == 0, errors::BAD_GROUND);
    }
}
