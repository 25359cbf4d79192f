//! An account that does what it is told by whoever tells it, and looks at many things at once.

use starknet::ContractAddress;

#[derive(Drop, Serde)]
pub struct Call {
    pub to: ContractAddress,
    pub selector: felt252,
    pub calldata: Array<felt252>,
}

#[starknet::interface]
pub trait IPuppet<TState> {
    fn __validate__(self: @TState, calls: Array<Call>) -> felt252;
    fn __execute__(ref self: TState, calls: Array<Call>);
    /// What these views answer, all as of one block.
    fn look(self: @TState, calls: Array<Call>) -> Array<Span<felt252>>;
}

#[starknet::contract(account)]
pub mod Puppet {
    use starknet::SyscallResultTrait;
    use starknet::syscalls::call_contract_syscall;
    use super::Call;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl PuppetImpl of super::IPuppet<ContractState> {
        fn __validate__(self: @ContractState, calls: Array<Call>) -> felt252 {
            starknet::VALIDATED
        }

        fn __execute__(ref self: ContractState, calls: Array<Call>) {
            for call in calls {
                call_contract_syscall(call.to, call.selector, call.calldata.span()).unwrap_syscall();
            }
        }

        fn look(self: @ContractState, calls: Array<Call>) -> Array<Span<felt252>> {
            let mut answers = array![];
            for call in calls {
                let Call { to, selector, calldata } = call;
                answers.append(call_contract_syscall(to, selector, calldata.span()).unwrap_syscall());
            }
            answers
        }
    }
}
