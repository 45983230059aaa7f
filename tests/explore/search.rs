//! Breadth first through all states: the first violation found is one of the shortest.

use std::collections::{HashSet, VecDeque};

use crate::mail;
use crate::model::{Broken, Next, Node};
use crate::print;
use crate::support::worker::{Fate, Op};

/// The states of one world that are looked at, at most: a bound against mistakes in a test.
const STATES_MAX: usize = 200_000;

/// What the search found.
pub enum Found {
    Nothing { states: usize, ends: usize },
    Violation { what: String, story: Vec<String> },
}

/// Looks at every state that can be reached, and heals a copy of it.
pub fn explore(begin: Node) -> Found {
    let mut seen = HashSet::from([print::of_node(&begin)]);
    let mut healed = HashSet::new();
    let mut trail: Vec<(usize, String)> = vec![(0, "at the beginning".to_owned())];
    let mut waiting = VecDeque::from([(0_usize, begin)]);
    while let Some((place, node)) = waiting.pop_front() {
        if healed.insert(print::of_durable(&node))
            && let Err(what) = heal(&node)
        {
            let story = story(&trail, place, None);
            return Found::Violation { what, story };
        }
        for next in node.nexts() {
            let label = label(&node, &next);
            match node.after(&next) {
                Err(what) => {
                    let story = story(&trail, place, Some(label));
                    return Found::Violation { what, story };
                }
                Ok(after) => {
                    if seen.insert(print::of_node(&after)) {
                        trail.push((place, label));
                        waiting.push_back((trail.len() - 1, after));
                    }
                }
            }
        }
        assert!(seen.len() < STATES_MAX, "more than {STATES_MAX} states");
    }
    Found::Nothing {
        states: seen.len(),
        ends: healed.len(),
    }
}

/// No more faults: after a bounded number of quiet passes there is exactly one, and it is known.
fn heal(node: &Node) -> Result<(), String> {
    let mut world = node.world();
    world.wait(jiff::SignedDuration::from_mins(3));
    if node.broken != Broken::Nothing {
        // A broken variant is broken by its plans, which quiet passes do not make.
        let live = world.live(&mail()).len();
        let idle = node.workers.iter().all(Option::is_none) && world.agenda().is_none();
        return match (idle, live) {
            (true, 1) | (false, _) => Ok(()),
            (true, live) => Err(format!("{live} subscriptions at rest")),
        };
    }
    let stories = world.ticks(21);
    let passes = stories.len();
    let live = world.live(&mail());
    let held = world.held(&mail()).map(|held| held.id.clone());
    if live.len() != 1 || held.as_ref() != live.first() {
        return Err(format!(
            "after {passes} quiet passes: {live:?} live, {held:?} held"
        ));
    }
    if passes > 8 {
        return Err(format!("{passes} passes in {} quiet ticks", 21));
    }
    Ok(())
}

fn story(trail: &[(usize, String)], mut place: usize, last: Option<String>) -> Vec<String> {
    let mut story: Vec<String> = last.into_iter().collect();
    while place != 0 {
        let (parent, label) = &trail[place];
        story.push(label.clone());
        place = *parent;
    }
    story.reverse();
    story
}

fn label(node: &Node, next: &Next) -> String {
    let name = |number: &usize| ["A", "B"][*number];
    match next {
        Next::Start(number) => format!("{} takes the lease and reads the state", name(number)),
        Next::Crash(number) => format!("{} dies", name(number)),
        Next::Lapse => "the lease lapses".to_owned(),
        Next::Remove(id) => format!("somebody removes {id}"),
        Next::Jump => "three minutes pass".to_owned(),
        Next::Go(number, fate) => {
            let front = node.workers[*number]
                .as_ref()
                .map(|busy| &busy.worker.queue[0]);
            let does = front.map(does).unwrap_or_default();
            let leads = if node.lease == Some(*number) {
                ""
            } else {
                ", without the lease"
            };
            let fate = match fate {
                Fate::Well => "",
                Fate::LostBefore => "; it never arrives",
                Fate::LostAfter => "; the answer is lost",
            };
            format!("{} {does}{leads}{fate}", name(number))
        }
    }
}

fn does(op: &Op) -> String {
    match op {
        Op::App(_) => "looks at its token".to_owned(),
        Op::List(_) => "takes a listing".to_owned(),
        Op::Get(_, id) => format!("reads {id}"),
        Op::Renew(renewal) => format!("renews {} ({})", renewal.id, renewal.why.as_str()),
        Op::RenewFirst(renewal, _) => {
            format!("renews {} before the others go", renewal.id)
        }
        Op::Intend(create, _) => format!("writes down that it creates {}", create.desired.name),
        Op::Create(create) => format!("creates {}", create.desired.name),
        Op::Delete(delete) => format!("deletes {} ({})", delete.id, delete.why.as_str()),
        Op::DeleteFirst(delete, _) => format!("deletes {} to make room", delete.id),
        Op::Save => "writes the state".to_owned(),
    }
}
