/// The seats: who holds one, since when, until when, and what is left of its bond. Slots never move
/// and are never handed on. The tokens of a bond are booked by `Escrow`, called by the registry.
#[starknet::component]
pub mod BondsComponent {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_number};
    use crate::errors;
    use crate::events::{SeatCollected, SeatLeaving, SeatSlashed, SeatTaken};
    use crate::packing::{SeatCell, SeatTally};
    use crate::types::Seat;

    #[storage]
    pub struct Storage {
        /// All slots ever taken, and how many of them are active.
        pub Bonds_tally: SeatTally,
        pub Bonds_owner: Map<u32, ContractAddress>,
        pub Bonds_seat: Map<u32, SeatCell>,
        pub Bonds_tally_of: Map<ContractAddress, SeatTally>,
        /// The i-th slot of an owner.
        pub Bonds_slot_of: Map<(ContractAddress, u32), u32>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        SeatTaken: SeatTaken,
        SeatLeaving: SeatLeaving,
        SeatCollected: SeatCollected,
        SeatSlashed: SeatSlashed,
    }

    #[generate_trait]
    pub impl BondsImpl<TState, +HasComponent<TState>, +Drop<TState>> of BondsTrait<TState> {
        /// Opens the next slot for `owner`. Event: SeatTaken.
        fn take(ref self: ComponentState<TState>, owner: ContractAddress, bond: u128) -> u32 {
            let mut tally = self.Bonds_tally.read();
            let slot = tally.taken;
            tally.taken += 1;
            tally.active += 1;
            self.Bonds_tally.write(tally);
            let mut own = self.Bonds_tally_of.entry(owner).read();
            self.Bonds_slot_of.entry((owner, own.taken)).write(slot);
            own.taken += 1;
            own.active += 1;
            self.Bonds_tally_of.entry(owner).write(own);
            self.Bonds_owner.entry(slot).write(owner);
            self
                .Bonds_seat
                .entry(slot)
                .write(
                    SeatCell {
                        bond, since_block: get_block_number(), leaving_block: 0, collected: false,
                    },
                );
            self.emit(SeatTaken { owner, slot });
            slot
        }

        /// Starts the exit. Errors: SEAT_UNKNOWN, NOT_SEAT_OWNER, SEAT_LEAVING. Event:
        /// SeatLeaving.
        fn leave(ref self: ComponentState<TState>, caller: ContractAddress, slot: u32) {
            let seat = self.owned(caller, slot);
            assert(seat.leaving_block == 0, errors::SEAT_LEAVING);
            self.retire(caller, slot, seat);
        }

        /// Ends the exit and returns what is left of the bond. Errors: SEAT_UNKNOWN,
        /// NOT_SEAT_OWNER, SEAT_NOT_LEAVING, SEAT_COLLECTED, SEAT_EXIT_RUNNING. Event:
        /// SeatCollected.
        fn collect(
            ref self: ComponentState<TState>, caller: ContractAddress, slot: u32, exit_blocks: u64,
        ) -> u128 {
            let seat = self.owned(caller, slot);
            assert(seat.leaving_block != 0, errors::SEAT_NOT_LEAVING);
            assert(!seat.collected, errors::SEAT_COLLECTED);
            assert(
                get_block_number() >= seat.leaving_block + exit_blocks, errors::SEAT_EXIT_RUNNING,
            );
            self.Bonds_seat.entry(slot).write(SeatCell { bond: 0, collected: true, ..seat });
            self.emit(SeatCollected { owner: caller, slot, amount: seat.bond });
            seat.bond
        }

        /// Takes up to `amount` off a seat's bond and says how much it was. A seat whose bond falls
        /// below the minimum has no way back, so its exit starts with the slash. Events:
        /// SeatSlashed, SeatLeaving.
        fn slash(
            ref self: ComponentState<TState>, job_id: u64, task: u32, slot: u32, amount: u128,
        ) -> u128 {
            let seat = self.Bonds_seat.entry(slot).read();
            let taken = core::cmp::min(amount, seat.bond);
            if taken == 0 {
                return 0;
            }
            let owner = self.Bonds_owner.entry(slot).read();
            let seat = SeatCell { bond: seat.bond - taken, ..seat };
            self.emit(SeatSlashed { job_id, verifier: owner, task, slot, amount: taken });
            if seat.leaving_block == 0 {
                self.retire(owner, slot, seat);
            } else {
                self.Bonds_seat.entry(slot).write(seat);
            }
            taken
        }

        /// Whether a seat, taken before a claim of `claim_block`, can be drawn for it: it had not left
        /// before the claim's block, and cannot be collected before `held_until`. That it was taken
        /// before the claim is known by its slot: the draw picks among those there were then.
        fn may_sit(
            self: @ComponentState<TState>,
            slot: u32,
            claim_block: u64,
            held_until: u64,
            exit_blocks: u64,
        ) -> bool {
            let seat = self.Bonds_seat.entry(slot).read();
            seat.leaving_block == 0
                || (seat.leaving_block >= claim_block
                    && seat.leaving_block + exit_blocks > held_until)
        }

        fn owner(self: @ComponentState<TState>, slot: u32) -> ContractAddress {
            self.Bonds_owner.entry(slot).read()
        }

        fn slots(self: @ComponentState<TState>) -> u32 {
            self.Bonds_tally.read().taken
        }

        fn active(self: @ComponentState<TState>) -> u32 {
            self.Bonds_tally.read().active
        }

        /// Active seats that belong to neither of two accounts, which may be one.
        fn active_without(
            self: @ComponentState<TState>, one: ContractAddress, other: ContractAddress,
        ) -> u32 {
            let others = self.Bonds_tally.read().active - self.Bonds_tally_of.entry(one).read().active;
            if one == other {
                others
            } else {
                others - self.Bonds_tally_of.entry(other).read().active
            }
        }

        /// Errors: SEAT_UNKNOWN.
        fn seat(self: @ComponentState<TState>, slot: u32) -> Seat {
            assert(slot < self.slots(), errors::SEAT_UNKNOWN);
            let seat = self.Bonds_seat.entry(slot).read();
            Seat {
                owner: self.Bonds_owner.entry(slot).read(),
                bond: seat.bond,
                since_block: seat.since_block,
                leaving_block: seat.leaving_block,
                collected: seat.collected,
            }
        }

        fn slots_of(self: @ComponentState<TState>, owner: ContractAddress) -> Array<u32> {
            let mut slots = array![];
            for i in 0..self.Bonds_tally_of.entry(owner).read().taken {
                slots.append(self.Bonds_slot_of.entry((owner, i)).read());
            }
            slots
        }

        fn bonds_of(self: @ComponentState<TState>, owner: ContractAddress) -> u128 {
            let mut bonds = 0;
            for slot in self.slots_of(owner) {
                bonds += self.Bonds_seat.entry(slot).read().bond;
            }
            bonds
        }
    }

    #[generate_trait]
    impl PrivateImpl<TState, +HasComponent<TState>, +Drop<TState>> of PrivateTrait<TState> {
        fn owned(self: @ComponentState<TState>, caller: ContractAddress, slot: u32) -> SeatCell {
            assert(slot < self.Bonds_tally.read().taken, errors::SEAT_UNKNOWN);
            assert(self.Bonds_owner.entry(slot).read() == caller, errors::NOT_SEAT_OWNER);
            self.Bonds_seat.entry(slot).read()
        }

        fn retire(
            ref self: ComponentState<TState>, owner: ContractAddress, slot: u32, seat: SeatCell,
        ) {
            self
                .Bonds_seat
                .entry(slot)
                .write(SeatCell { leaving_block: get_block_number(), ..seat });
            let mut tally = self.Bonds_tally.read();
            tally.active -= 1;
            self.Bonds_tally.write(tally);
            let mut own = self.Bonds_tally_of.entry(owner).read();
            own.active -= 1;
            self.Bonds_tally_of.entry(owner).write(own);
            self.emit(SeatLeaving { owner, slot });
        }
    }
}
