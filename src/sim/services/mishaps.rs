//! What goes wrong by plan, and what was called.

use super::door::{Ask, Reply};

/// What goes wrong with one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// The connection ends before the call takes effect.
    LoseBefore,
    /// The connection ends after the call took effect.
    LoseAfter,
    /// This answer, without effect.
    Answer(Reply),
    /// This answer although the call took effect.
    AnswerAfter(Reply),
}

/// One call that arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// The service's word for it, such as `create staff`.
    pub operation: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The status that was sent; `None` where the connection ended without an answer.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct Planned {
    operation: String,
    skip: u32,
    mishap: Mishap,
}

/// Something that a test does between two calls: another actor, at the worst moment.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// The plan of a service, and its log.
#[derive(Default)]
pub struct Mishaps {
    planned: Vec<Planned>,
    meanwhile: Vec<(String, Meanwhile)>,
    called: Vec<Called>,
}

impl Mishaps {
    /// The next call of the operation goes wrong. Plans for one operation happen one after the
    /// other.
    pub fn plan(&mut self, operation: &str, mishap: Mishap) {
        self.plan_after(0, operation, mishap);
    }

    /// The call of the operation after `skip` good ones goes wrong.
    pub fn plan_after(&mut self, skip: u32, operation: &str, mishap: Mishap) {
        self.planned.push(Planned {
            operation: operation.to_owned(),
            skip,
            mishap,
        });
    }

    /// Right before the next call of the operation takes effect, this happens.
    pub fn meanwhile(&mut self, operation: &str, act: impl FnOnce() + Send + 'static) {
        self.meanwhile.push((operation.to_owned(), Box::new(act)));
    }

    /// Forgets whatever is planned; the log stays.
    pub fn forget(&mut self) {
        self.planned.clear();
        self.meanwhile.clear();
    }

    /// What is planned for a call that arrives now.
    pub fn strike(&mut self, operation: &str) -> Option<Mishap> {
        let at = self
            .planned
            .iter()
            .position(|planned| planned.operation == operation)?;
        if self.planned[at].skip > 0 {
            self.planned[at].skip -= 1;
            return None;
        }
        Some(self.planned.remove(at).mishap)
    }

    /// What happens meanwhile, taken out to be run without a lock held.
    pub fn take_meanwhile(&mut self, operation: &str) -> Option<Box<dyn FnOnce() + Send>> {
        let at = self
            .meanwhile
            .iter()
            .position(|(name, _)| name == operation)?;
        Some(self.meanwhile.remove(at).1)
    }

    /// Notes how a call ended.
    pub fn note(&mut self, operation: &str, ask: &Ask, answer: Option<&Reply>) {
        self.called.push(Called {
            operation: operation.to_owned(),
            method: ask.method.clone(),
            status: answer.map(|reply| reply.status),
        });
    }

    /// Every call so far.
    pub fn called(&self) -> &[Called] {
        &self.called
    }
}

/// Lends the plan for a moment.
type Lend<'a> = &'a dyn Fn(&mut dyn FnMut(&mut Mishaps));

/// Runs one call through the plan: what happens meanwhile, then the mishap or the effect.
/// `mishaps` lends the plan for a moment, so that no lock is held while others act.
pub fn pass_through(
    operation: &str,
    ask: &Ask,
    mishaps: Lend<'_>,
    effect: impl FnOnce() -> Reply,
) -> Option<Reply> {
    let (mut meanwhile, mut mishap) = (None, None);
    mishaps(&mut |plan| {
        meanwhile = plan.take_meanwhile(operation);
        mishap = plan.strike(operation);
    });
    if let Some(act) = meanwhile {
        act();
    }
    let answer = match mishap {
        None => Some(effect()),
        Some(Mishap::LoseBefore) => None,
        Some(Mishap::LoseAfter) => {
            effect();
            None
        }
        Some(Mishap::Answer(reply)) => Some(reply),
        Some(Mishap::AnswerAfter(reply)) => {
            effect();
            Some(reply)
        }
    };
    mishaps(&mut |plan| plan.note(operation, ask, answer.as_ref()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mishaps_happen_in_the_order_of_their_plan() {
        let mut plan = Mishaps::default();
        plan.plan("create", Mishap::LoseAfter);
        plan.plan_after(1, "create", Mishap::LoseBefore);
        assert_eq!(plan.strike("read"), None);
        assert_eq!(plan.strike("create"), Some(Mishap::LoseAfter));
        assert_eq!(plan.strike("create"), None);
        assert_eq!(plan.strike("create"), Some(Mishap::LoseBefore));
        assert_eq!(plan.strike("create"), None);
    }
}
