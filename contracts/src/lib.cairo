pub mod cid;
pub mod components {
    pub mod audits;
    pub mod bonds;
    pub mod escrow;
    pub mod guard;
}
pub mod decision;
pub mod draw;
pub mod erc20;
pub mod errors;
pub mod events;
pub mod interface;
pub mod packing {
    pub mod cells;
    pub mod jobs;
    pub mod money;
    pub mod rounds;
    pub mod seats;
    pub mod tasks;
}
pub mod phases {
    pub mod appeals;
    pub mod claims;
    pub mod jobs;
    pub mod money;
    pub mod reading;
    pub mod rounds;
    pub mod settling;
    pub mod views;
}
pub mod registry;
pub mod round;
pub mod seats;
pub mod settlement;
pub mod state;
pub mod terms;
pub mod types;
