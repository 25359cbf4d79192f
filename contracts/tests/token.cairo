//! A token that mints for tests and can misbehave in the ways a token can.

use starknet::ContractAddress;

#[derive(Copy, Drop, Serde, PartialEq, starknet::Store, Default)]
pub enum Manner {
    #[default]
    Honest,
    /// Says no and moves nothing.
    Refuses,
    /// Says yes and moves one unit less.
    Miscounts,
    /// Calls the registry back, with call number `call`, before it moves anything.
    Reenters: u32,
}

#[starknet::interface]
pub trait ITestToken<TState> {
    fn mint(ref self: TState, account: ContractAddress, amount: u256);
    /// Mints `amount` for each account and lets `spender` take all of it, in one call: what tests
    /// do with a contract costs them more time than all else.
    fn endow(
        ref self: TState,
        accounts: Span<ContractAddress>,
        amount: u256,
        spender: ContractAddress,
    );
    fn approve(ref self: TState, spender: ContractAddress, amount: u256) -> bool;
    fn behave(ref self: TState, manner: Manner);
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256,
    ) -> bool;
}

/// How many ways back into the registry there are.
pub const REENTRIES: u32 = 20;

#[starknet::contract]
pub mod TestToken {
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_caller_address};
    use tileproof::interface::{IRegistryDispatcher, IRegistryDispatcherTrait};
    use super::Manner;

    #[storage]
    struct Storage {
        balances: Map<ContractAddress, u256>,
        allowances: Map<(ContractAddress, ContractAddress), u256>,
        manner: Manner,
    }

    #[abi(embed_v0)]
    impl TestTokenImpl of super::ITestToken<ContractState> {
        fn mint(ref self: ContractState, account: ContractAddress, amount: u256) {
            let balance = self.balances.entry(account);
            balance.write(balance.read() + amount);
        }

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

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            self.allowances.entry((get_caller_address(), spender)).write(amount);
            true
        }

        fn behave(ref self: ContractState, manner: Manner) {
            self.manner.write(manner);
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
            let allowance = self.allowances.entry((sender, get_caller_address()));
            assert(allowance.read() >= amount, 'ALLOWANCE');
            allowance.write(allowance.read() - amount);
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
                Manner::Miscounts => amount - 1,
                Manner::Reenters(call) => {
                    reenter(get_caller_address(), call);
                    amount
                },
            };
            let from = self.balances.entry(sender);
            assert(from.read() >= amount, 'FUNDS');
            from.write(from.read() - amount);
            let to = self.balances.entry(recipient);
            to.write(to.read() + amount);
            true
        }
    }

    fn reenter(registry: ContractAddress, call: u32) {
        let registry = IRegistryDispatcher { contract_address: registry };
        if call == 0 {
            registry.create_job(1, 1, crate::cases::terms());
        } else if call == 1 {
            registry.pause_job(1);
        } else if call == 2 {
            registry.resume_job(1);
        } else if call == 3 {
            registry.close_job(1);
        } else if call == 4 {
            registry.close_tasks(1, [0].span());
        } else if call == 5 {
            registry.claim(1, [0].span());
        } else if call == 6 {
            registry.give_back(1, [0].span());
        } else if call == 7 {
            registry.submit(1, [].span());
        } else if call == 8 {
            registry.draw(1, [0].span());
        } else if call == 9 {
            registry.settle(1, [0].span());
        } else if call == 10 {
            registry.release(1, [0].span());
        } else if call == 11 {
            registry.take_seat();
        } else if call == 12 {
            registry.leave_seat(0);
        } else if call == 13 {
            registry.collect_seat(0);
        } else if call == 14 {
            registry.commit(1, [].span());
        } else if call == 15 {
            registry.reveal(1, [].span());
        } else if call == 16 {
            registry.deposit(1);
        } else if call == 17 {
            registry.withdraw(1);
        } else if call == 18 {
            registry.appeal(1, [].span());
        } else {
            registry.submit_result(1, "b");
        }
    }
}
