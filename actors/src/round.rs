//! A round: one step's questions of all containers of a shard, and their answers. One message each
//! way carries the questions of however many containers are waiting for one.

use std::sync::Arc;

use barhive_engine::{
    bus::Carries,
    container::{Answer, Question},
    frame::Frame,
};

/// Questions on the way to the strategies, or answers on the way back.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The frame that the questions are about.
    pub(crate) frame: Option<Arc<Frame>>,
    /// Questions by seat.
    pub(crate) questions: Vec<(usize, Question)>,
    /// Answers by seat, or why a seat's strategies could not answer.
    pub(crate) answers: Vec<(usize, Result<Answer, String>)>,
    /// Seats whose account has failed: their strategies are not needed any more.
    pub(crate) gone: Vec<usize>,
}

impl Carries for Round {
    fn events(&self) -> usize {
        self.questions.len() + self.answers.len()
    }
}
