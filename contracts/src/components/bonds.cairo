/// The seats: who holds one, since when, until when, and what is left of its bond. A slot keeps its
/// seat until that is collected; then the next seat taken may have it, so that nobody can dilute the
/// draw with dead slots. The tokens of a bond are booked by `Escrow`, called by the registry.
#[starknet::component]
pub mod BondsComponent {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_number};
    use crate::errors;
    use crate::events::{SeatCollected, SeatLeaving, SeatSlashed, SeatTaken};
    use crate::packing::seats::{SeatPacking, TallyPacking};
    use crate::seats::{
        Eligibility, SeatCell, SeatTally, active_before, is_eligible, with_seat, without_seat,
    };
    use crate::types::Seat;

    #[storage]
    pub struct Storage {
        pub Bonds_tally: SeatTally,
        pub Bonds_owner: Map<u32, ContractAddress>,
        pub Bonds_seat: Map<u32, SeatCell>,
        pub Bonds_tally_of: Map<ContractAddress, SeatTally>,
        /// The slots that an owner holds, by place in its list.
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

    /// The seats as a claim finds them.
    #[derive(Copy, Drop)]
    pub struct Census {
        pub slots: u32,
        /// Active since an earlier block, and of neither of two accounts.
        pub active: u32,
    }

    #[generate_trait]
    pub impl BondsImpl<TState, +HasComponent<TState>, +Drop<TState>> of BondsTrait<TState> {
        /// Gives `owner` the slot that was freed last, or a new one. Event: SeatTaken.
        fn take(ref self: ComponentState<TState>, owner: ContractAddress, bond: u128) -> u32 {
            let block = get_block_number();
            let mut tally = with_seat(self.Bonds_tally.read(), block);
            let slot = if tally.free != 0 {
                let slot = tally.free - 1;
                tally.free = self.Bonds_seat.entry(slot).read().link;
                slot
            } else {
                tally.slots += 1;
                tally.slots - 1
            };
            self.Bonds_tally.write(tally);
            let own = with_seat(self.Bonds_tally_of.entry(owner).read(), block);
            self.Bonds_tally_of.entry(owner).write(SeatTally { slots: own.slots + 1, ..own });
            self.Bonds_slot_of.entry((owner, own.slots)).write(slot);
            self.Bonds_owner.entry(slot).write(owner);
            self
                .Bonds_seat
                .entry(slot)
                .write(
                    SeatCell {
                        bond,
                        since_block: block,
                        leaving_block: 0,
                        collected: false,
                        link: own.slots,
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

        /// Ends the exit, frees the slot and returns what is left of the bond. Errors: SEAT_UNKNOWN,
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
            self.strike_off(caller, slot, seat.link);
            let tally = self.Bonds_tally.read();
            self
                .Bonds_seat
                .entry(slot)
                .write(SeatCell { bond: 0, collected: true, link: tally.free, ..seat });
            self.Bonds_tally.write(SeatTally { free: slot + 1, ..tally });
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

        /// Whether the seat in a slot can be drawn.
        fn may_sit(self: @ComponentState<TState>, slot: u32, rule: @Eligibility) -> bool {
            is_eligible(@self.Bonds_seat.entry(slot).read(), rule)
        }

        /// Since when the slot's seat is there.
        fn since_block(self: @ComponentState<TState>, slot: u32) -> u64 {
            self.Bonds_seat.entry(slot).read().since_block
        }

        fn owner(self: @ComponentState<TState>, slot: u32) -> ContractAddress {
            self.Bonds_owner.entry(slot).read()
        }

        fn slots(self: @ComponentState<TState>) -> u32 {
            self.Bonds_tally.read().slots
        }

        fn active(self: @ComponentState<TState>) -> u32 {
            self.Bonds_tally.read().active
        }

        /// The seats without those of two accounts, which may be one.
        fn census(
            self: @ComponentState<TState>, one: ContractAddress, other: ContractAddress,
        ) -> Census {
            let block = get_block_number();
            let tally = self.Bonds_tally.read();
            let mut active = active_before(@tally, block)
                - active_before(@self.Bonds_tally_of.entry(one).read(), block);
            if one != other {
                active -= active_before(@self.Bonds_tally_of.entry(other).read(), block);
            }
            Census { slots: tally.slots, active }
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
            for i in 0..self.Bonds_tally_of.entry(owner).read().slots {
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
            assert(slot < self.Bonds_tally.read().slots, errors::SEAT_UNKNOWN);
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
            let tally = self.Bonds_tally.read();
            self.Bonds_tally.write(without_seat(tally, seat.since_block));
            let own = self.Bonds_tally_of.entry(owner).read();
            self.Bonds_tally_of.entry(owner).write(without_seat(own, seat.since_block));
            self.emit(SeatLeaving { owner, slot });
        }

        /// Takes a slot off its owner's list: the last one moves to its place.
        fn strike_off(
            ref self: ComponentState<TState>, owner: ContractAddress, slot: u32, place: u32,
        ) {
            let own = self.Bonds_tally_of.entry(owner).read();
            let last = self.Bonds_slot_of.entry((owner, own.slots - 1)).read();
            if last != slot {
                self.Bonds_slot_of.entry((owner, place)).write(last);
                let moved = self.Bonds_seat.entry(last).read();
                self.Bonds_seat.entry(last).write(SeatCell { link: place, ..moved });
            }
            self.Bonds_tally_of.entry(owner).write(SeatTally { slots: own.slots - 1, ..own });
        }
    }
}
