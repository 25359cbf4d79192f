//! `cairo-test --starknet contracts` runs everything here. `world.cairo` has the cast and the
//! stage.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod test_appeal_money;
#[cfg(test)]
mod test_appeals;
#[cfg(test)]
mod test_audits;
#[cfg(test)]
mod test_cid;
#[cfg(test)]
mod test_claims;
#[cfg(test)]
mod test_decision;
#[cfg(test)]
mod test_draw;
#[cfg(test)]
mod test_jobs;
#[cfg(test)]
mod test_money;
#[cfg(test)]
mod test_outcomes;
#[cfg(test)]
mod test_packing;
#[cfg(test)]
mod test_round;
#[cfg(test)]
mod test_seats;
#[cfg(test)]
mod test_settlement;
#[cfg(test)]
mod test_state;
#[cfg(test)]
mod test_tally;
#[cfg(test)]
mod test_terms;
#[cfg(test)]
mod token;
#[cfg(test)]
mod world;
