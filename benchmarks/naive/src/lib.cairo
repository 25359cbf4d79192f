//! What a straightforward design of a render market comes to, kept for the comparison of gas in
//! `benchmarks/gas.py` and deployed nowhere else.

mod farm;
