//! Every stage, in order, on one screen.
