//! The program as its users meet it: spawned, with arguments, looked at from outside.

mod manners;
mod program;
