pub mod cid;
pub mod components {
    pub mod audits;
    pub mod bonds;
    pub mod escrow;
    pub mod guard;
}
pub mod draw;
pub mod erc20;
pub mod errors;
pub mod events;
pub mod interface;
pub mod packing;
pub mod registry;
pub mod settlement;
pub mod state;
pub mod terms;
pub mod types;
