//! The program as its users call it.

mod bad_input;
mod cases;
mod columns;
mod decisions;
mod demo;
mod determinism;
mod disk;
mod layouts;
mod lots;
mod mutations;
mod privacy;
mod program;
mod rehearsals;
mod reuse;
mod samples;
mod values;
mod verify;
mod whole_way;
