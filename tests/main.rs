//! The program as its users call it.

mod bad_input;
mod cases;
mod demo;
mod determinism;
mod layouts;
<<<<<<< HEAD
mod mutations;
=======
mod privacy;
>>>>>>> 658b4e9 (Categories have a common vocabulary in mappings/values)
mod program;
mod samples;
mod values;
mod whole_way;
