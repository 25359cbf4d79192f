/// The money: every account's balance, the totals, and the only calls to the token.
///
/// escrow + bonds + withdrawable + forfeited = the contract's token balance, always. Each function
/// below moves one amount between these four, or in or out of all of them.
#[starknet::component]
pub mod EscrowComponent {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_contract_address};
    use crate::erc20::{IERC20Dispatcher, IERC20DispatcherTrait};
    use crate::errors;
    use crate::events::{Deposited, Withdrawn};
    use crate::packing::cells::HIGH_LIMIT;
    use crate::packing::money::{Account, AccountPacking, TotalsPacking};
    use crate::settlement::Payout;
    use crate::types::Totals;

    #[storage]
    pub struct Storage {
        pub Escrow_token: ContractAddress,
        pub Escrow_totals: Totals,
        pub Escrow_accounts: Map<ContractAddress, Account>,
        /// Apart, so that an account that never appeals has no cell for it.
        pub Escrow_appeal_bonds: Map<ContractAddress, u128>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Deposited: Deposited,
        Withdrawn: Withdrawn,
    }

    #[generate_trait]
    pub impl EscrowImpl<
        TState, +HasComponent<TState>, +Drop<TState>,
    > of EscrowTrait<TState> {
        fn initialise(ref self: ComponentState<TState>, token: ContractAddress) {
            self.Escrow_token.write(token);
        }

        // --- in and out ---

        /// Books a deposit; `pull` moves the tokens. Errors: HOLDS_TOO_MUCH. Event: Deposited.
        fn book_deposit(ref self: ComponentState<TState>, account: ContractAddress, amount: u128) {
            let mut totals = self.room_for(amount);
            totals.withdrawable += amount;
            self.Escrow_totals.write(totals);
            self.credit(account, amount);
            self.emit(Deposited { account, amount });
        }

        /// Books a job's escrow; `pull` moves the tokens. Errors: HOLDS_TOO_MUCH.
        fn book_escrow(ref self: ComponentState<TState>, amount: u128) {
            let mut totals = self.room_for(amount);
            totals.escrow += amount;
            self.Escrow_totals.write(totals);
        }

        /// Books a withdrawal; `push` moves the tokens. Errors: BALANCE_TOO_LOW. Event: Withdrawn.
        fn book_withdrawal(
            ref self: ComponentState<TState>, account: ContractAddress, amount: u128,
        ) {
            self.debit(account, amount);
            let mut totals = self.Escrow_totals.read();
            totals.withdrawable -= amount;
            self.Escrow_totals.write(totals);
            self.emit(Withdrawn { account, amount });
        }

        /// Takes exactly `amount` from a wallet. Errors: TOKEN_REFUSED, TOKEN_MISCOUNTED, and the
        /// token's own.
        fn pull(ref self: ComponentState<TState>, from: ContractAddress, amount: u128) {
            let token = IERC20Dispatcher { contract_address: self.Escrow_token.read() };
            let this = get_contract_address();
            let before = token.balance_of(this);
            assert(token.transfer_from(from, this, amount.into()), errors::TOKEN_REFUSED);
            assert(token.balance_of(this) == before + amount.into(), errors::TOKEN_MISCOUNTED);
        }

        /// Sends exactly `amount` to a wallet. Errors as in `pull`.
        fn push(ref self: ComponentState<TState>, to: ContractAddress, amount: u128) {
            let token = IERC20Dispatcher { contract_address: self.Escrow_token.read() };
            let this = get_contract_address();
            let before = token.balance_of(this);
            assert(token.transfer(to, amount.into()), errors::TOKEN_REFUSED);
            assert(token.balance_of(this) + amount.into() == before, errors::TOKEN_MISCOUNTED);
        }

        // --- between withdrawable and bonds ---

        /// Locks a worker's bonds for claims. Errors: BALANCE_TOO_LOW, HOLDS_TOO_MUCH.
        fn lock_worker_bond(
            ref self: ComponentState<TState>, worker: ContractAddress, amount: u128,
        ) {
            let mut account = self.Escrow_accounts.entry(worker).read();
            assert(account.withdrawable >= amount, errors::BALANCE_TOO_LOW);
            account.withdrawable -= amount;
            account.worker_bonds += amount;
            self.Escrow_accounts.entry(worker).write(account);
            self.bond_from_withdrawable(amount);
        }

        /// Ends a claim without result: `forfeit` of the bond is lost, the rest returned.
        fn break_worker_bond(
            ref self: ComponentState<TState>, worker: ContractAddress, bond: u128, forfeit: u128,
        ) {
            let mut account = self.Escrow_accounts.entry(worker).read();
            account.worker_bonds -= bond;
            account.withdrawable += bond - forfeit;
            self.Escrow_accounts.entry(worker).write(account);
            let mut totals = self.Escrow_totals.read();
            totals.bonds -= bond;
            totals.withdrawable += bond - forfeit;
            totals.forfeited += forfeit;
            self.Escrow_totals.write(totals);
        }

        /// Locks what an appellant risks. Errors: BALANCE_TOO_LOW.
        fn lock_appeal_bond(
            ref self: ComponentState<TState>, appellant: ContractAddress, amount: u128,
        ) {
            self.debit(appellant, amount);
            let bonds = self.Escrow_appeal_bonds.entry(appellant);
            bonds.write(bonds.read() + amount);
            self.bond_from_withdrawable(amount);
        }

        /// Errors: BALANCE_TOO_LOW.
        fn lock_seat_bond(
            ref self: ComponentState<TState>, owner: ContractAddress, amount: u128,
        ) {
            self.debit(owner, amount);
            self.bond_from_withdrawable(amount);
        }

        fn return_seat_bond(
            ref self: ComponentState<TState>, owner: ContractAddress, amount: u128,
        ) {
            self.credit(owner, amount);
            let mut totals = self.Escrow_totals.read();
            totals.bonds -= amount;
            totals.withdrawable += amount;
            self.Escrow_totals.write(totals);
        }

        /// What seats of a failed round lose.
        fn forfeit_seat_bond(ref self: ComponentState<TState>, amount: u128) {
            let mut totals = self.Escrow_totals.read();
            totals.bonds -= amount;
            totals.forfeited += amount;
            self.Escrow_totals.write(totals);
        }

        // --- out of escrow ---

        /// Returns escrow to a requester's balance.
        fn refund(ref self: ComponentState<TState>, requester: ContractAddress, amount: u128) {
            self.credit(requester, amount);
            let mut totals = self.Escrow_totals.read();
            totals.escrow -= amount;
            totals.withdrawable += amount;
            self.Escrow_totals.write(totals);
        }

        /// Carries out a payout but for the seats: the caller credits them with `credit`, as many fri
        /// as the payout says, and has taken `slashed` off their bonds. What the payout does not use
        /// of that is forfeited.
        fn pay(
            ref self: ComponentState<TState>,
            worker: ContractAddress,
            requester: ContractAddress,
            payout: @Payout,
            slashed: u128,
        ) {
            let payout = *payout;
            let mut account = self.Escrow_accounts.entry(worker).read();
            account.worker_bonds -= payout.from_bond;
            account.withdrawable += payout.worker;
            self.Escrow_accounts.entry(worker).write(account);
            self.credit(requester, payout.requester);
            let mut totals = self.Escrow_totals.read();
            totals.escrow -= payout.from_escrow;
            totals.bonds -= payout.from_bond + payout.from_appeal + slashed;
            totals.withdrawable += payout.worker
                + payout.requester
                + payout.appellant
                + payout.seats;
            totals.forfeited += payout.forfeited + (slashed - payout.from_slashes);
            self.Escrow_totals.write(totals);
        }

        /// Ends an appeal: its bond is no longer locked and `returned` of it is credited. The totals
        /// are moved by `pay`.
        fn end_appeal(
            ref self: ComponentState<TState>,
            appellant: ContractAddress,
            bond: u128,
            returned: u128,
        ) {
            let bonds = self.Escrow_appeal_bonds.entry(appellant);
            bonds.write(bonds.read() - bond);
            self.credit(appellant, returned);
        }

        /// Adds to an account's balance only; the totals are the caller's business.
        fn credit(ref self: ComponentState<TState>, account: ContractAddress, amount: u128) {
            if amount != 0 {
                let mut record = self.Escrow_accounts.entry(account).read();
                record.withdrawable += amount;
                self.Escrow_accounts.entry(account).write(record);
            }
        }

        fn totals(self: @ComponentState<TState>) -> Totals {
            self.Escrow_totals.read()
        }

        fn token(self: @ComponentState<TState>) -> ContractAddress {
            self.Escrow_token.read()
        }

        fn account(self: @ComponentState<TState>, account: ContractAddress) -> Account {
            self.Escrow_accounts.entry(account).read()
        }

        fn appeal_bonds(self: @ComponentState<TState>, account: ContractAddress) -> u128 {
            self.Escrow_appeal_bonds.entry(account).read()
        }
    }

    #[generate_trait]
    impl PrivateImpl<TState, +HasComponent<TState>> of PrivateTrait<TState> {
        fn room_for(self: @ComponentState<TState>, amount: u128) -> Totals {
            let totals = self.Escrow_totals.read();
            let held = totals.escrow + totals.bonds + totals.withdrawable + totals.forfeited;
            assert(
                amount < HIGH_LIMIT && held + amount < HIGH_LIMIT, errors::HOLDS_TOO_MUCH,
            );
            totals
        }

        fn debit(ref self: ComponentState<TState>, account: ContractAddress, amount: u128) {
            let mut record = self.Escrow_accounts.entry(account).read();
            assert(record.withdrawable >= amount, errors::BALANCE_TOO_LOW);
            record.withdrawable -= amount;
            self.Escrow_accounts.entry(account).write(record);
        }

        fn bond_from_withdrawable(ref self: ComponentState<TState>, amount: u128) {
            let mut totals = self.Escrow_totals.read();
            totals.withdrawable -= amount;
            totals.bonds += amount;
            self.Escrow_totals.write(totals);
        }
    }
}
