//! The one actor type of the runtime: a shell around a plain part, which can be built anew.

use actix::{Actor, Context, Supervised};

/// A plain struct that an actor runs. Its messages are handled by `impl Handler<M> for Shell<Self>`.
pub trait Part: Sized + Unpin + 'static {
    /// Called in the actor when the part was built, before any message.
    fn started(&mut self, ctx: &mut Context<Shell<Self>>);

    /// Called once when the actor ends as it should; not after a failure.
    fn stopped(&mut self) {}
}

/// Which life of a part this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// 0 at first, then counted up by every restart.
    pub restarts: u32,
}

/// The actor around a part. Built by [`super::Supervisor::start`], which owns the part's factory:
/// a failed part is dropped and built anew behind the same address and mailbox.
pub struct Shell<P> {
    part: Option<P>,
    factory: Box<dyn FnMut(Life) -> P>,
    life: Life,
    mailbox: usize,
}

impl<P: Part> Shell<P> {
    pub(super) fn new(mailbox: usize, factory: impl FnMut(Life) -> P + 'static) -> Self {
        Self { part: None, factory: Box::new(factory), life: Life { restarts: 0 }, mailbox }
    }

    /// The part.
    ///
    /// # Panics
    /// Before the actor has started; no message is handled then.
    pub fn part(&mut self) -> &mut P {
        self.part.as_mut().expect("a part is built before its first message")
    }

    /// Which life of the part this is.
    pub fn life(&self) -> Life {
        self.life
    }
}

impl<P: Part> Actor for Shell<P> {
    type Context = Context<Self>;

    // Building happens here, not where the actor is made: so a factory that panics is a failure of
    // the child like any other.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.mailbox);
        let part = self.part.insert((self.factory)(self.life));
        part.started(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(part) = &mut self.part {
            part.stopped();
        }
    }
}

impl<P: Part> Supervised for Shell<P> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.life.restarts += 1;
        // Whatever state the panic left behind goes before anything can look at it.
        self.part = None;
    }
}
