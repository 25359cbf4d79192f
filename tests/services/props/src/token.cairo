/// What the token does when it is asked to move an amount.
#[derive(Copy, Drop, Serde, PartialEq, starknet::Store, Default)]
pub enum Manner {
    /// Moves it.
    #[default]
    Honest,
    /// Says no and moves nothing.
    Refuses,
    /// Says yes and moves one unit less.
    TakesAFee,
    /// Makes the call it was given, to whoever asked it, before it moves anything.
    Reenters,
}

#[starknet::interface]
pub trait IFaultyToken<TState> {
    /// Gives each account exactly `amount` and lets `spender` take all of it.
    fn endow(
        ref self: TState,
        accounts: Span<starknet::ContractAddress>,
        amount: u256,
        spender: starknet::ContractAddress,
    );
    fn behave(ref self: TState, manner: Manner, selector: felt252, calldata: Span<felt252>);
    fn approve(ref self: TState, spender: starknet::ContractAddress, amount: u256) -> bool;
    fn balance_of(self: @TState, account: starknet::ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: starknet::ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState,
        sender: starknet::ContractAddress,
        recipient: starknet::ContractAddress,
        amount: u256,
    ) -> bool;
}

#[starknet::contract]
pub mod FaultyToken {
    use starknet::storage::{
        Map, MutableVecTrait, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
        Vec, VecTrait,
    };
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ContractAddress, SyscallResultTrait, get_caller_address};
    use super::Manner;

    #[storage]
    struct Storage {
        balances: Map<ContractAddress, u256>,
        allowances: Map<(ContractAddress, ContractAddress), u256>,
        manner: Manner,
        selector: felt252,
        words: u64,
        calldata: Vec<felt252>,
    }

    #[abi(embed_v0)]
    impl FaultyTokenImpl of super::IFaultyToken<ContractState> {
        fn endow(
            ref self: ContractState,
            accounts: Span<ContractAddress>,
            amount: u256,
            spender: ContractAddress,
        ) {
            for account in accounts {
                self.balances.entry(*account).write(amount);
                self.allowances.entry((*account, spender)).write(core::num::traits::Bounded::MAX);
            }
        }

        fn behave(
            ref self: ContractState, manner: Manner, selector: felt252, calldata: Span<felt252>,
        ) {
            self.manner.write(manner);
            self.selector.write(selector);
            self.words.write(calldata.len().into());
            for at in 0..calldata.len() {
                let at: u64 = at.into();
                if at == self.calldata.len() {
                    self.calldata.push(0);
                }
                self.calldata.at(at).write(*calldata[at.try_into().unwrap()]);
            }
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            self.allowances.entry((get_caller_address(), spender)).write(amount);
            true
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.entry(account).read()
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move(get_caller_address(), recipient, amount)
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256,
        ) -> bool {
            let allowance = self.allowances.entry((sender, get_caller_address())).read();
            assert(allowance >= amount, 'ALLOWANCE');
            self.move(sender, recipient, amount)
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn move(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256,
        ) -> bool {
            let amount = match self.manner.read() {
                Manner::Honest => amount,
                Manner::Refuses => { return false; },
                Manner::TakesAFee => amount - 1,
                Manner::Reenters => {
                    self.call_back(get_caller_address());
                    amount
                },
            };
            let from = self.balances.entry(sender);
            assert(from.read() >= amount, 'insufficient balance');
            from.write(from.read() - amount);
            let to = self.balances.entry(recipient);
            to.write(to.read() + amount);
            true
        }

        fn call_back(self: @ContractState, caller: ContractAddress) {
            let mut calldata = array![];
            for at in 0..self.words.read() {
                calldata.append(self.calldata.at(at).read());
            }
            call_contract_syscall(caller, self.selector.read(), calldata.span()).unwrap_syscall();
        }
    }
}
