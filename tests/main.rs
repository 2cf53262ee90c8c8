//! The program as its users call it.

mod bad_input;
mod cases;
mod demo;
mod determinism;
mod program;
mod samples;
