//! The program as its users call it.

mod bad_input;
mod cases;
mod decisions;
mod demo;
mod determinism;
mod layouts;
mod lots;
mod mutations;
mod privacy;
mod program;
mod rehearsals;
mod samples;
mod values;
mod whole_way;
