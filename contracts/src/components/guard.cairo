/// Keeps the token, or whoever it calls, from entering the contract again while it is being called.
#[starknet::component]
pub mod GuardComponent {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use crate::errors;

    #[storage]
    pub struct Storage {
        pub Guard_entered: bool,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {}

    #[generate_trait]
    pub impl GuardImpl<TState, +HasComponent<TState>> of GuardTrait<TState> {
        /// To be called first by everything that changes state. Errors: REENTERED.
        fn check(self: @ComponentState<TState>) {
            assert(!self.Guard_entered.read(), errors::REENTERED);
        }

        /// Right before the token is called.
        fn enter(ref self: ComponentState<TState>) {
            self.Guard_entered.write(true);
        }

        /// Right after the token was called.
        fn leave(ref self: ComponentState<TState>) {
            self.Guard_entered.write(false);
        }
    }
}
