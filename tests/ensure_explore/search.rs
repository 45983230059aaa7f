//! Visits every state that can be reached, and tells the story of the first that breaks a rule.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::world::{Next, World};

/// More states than any of these worlds has.
const STATES_MAX: usize = 150_000;

/// What a search found.
pub enum Found {
    Nothing { states: usize, ends: usize },
    Violation { what: String, story: Vec<String> },
}

fn print(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

pub fn explore(world: World) -> Found {
    let mut seen = HashSet::from([print(&world)]);
    let mut trail = vec![(0, String::new())];
    let mut waiting = VecDeque::from([(0, world)]);
    let mut ends = 0;
    while let Some((place, world)) = waiting.pop_front() {
        if world.is_over() {
            ends += 1;
            if let Err(what) = world.heal() {
                let story = story(&trail, place, None);
                return Found::Violation { what, story };
            }
        }
        for next in world.nexts() {
            let label = label(&world, &next);
            match world.after(&next) {
                Err(what) => {
                    let story = story(&trail, place, Some(label));
                    return Found::Violation { what, story };
                }
                Ok(after) => {
                    if seen.insert(print(&after)) {
                        trail.push((place, label));
                        waiting.push_back((trail.len() - 1, after));
                    }
                }
            }
        }
        assert!(
            seen.len() < STATES_MAX,
            "more than {STATES_MAX} states; {} wait, {ends} ended; one way:\n  {}",
            waiting.len(),
            story(&trail, place, None).join("\n  ")
        );
    }
    Found::Nothing {
        states: seen.len(),
        ends,
    }
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

fn label(world: &World, next: &Next) -> String {
    let name = |number: &usize| ["A", "B"][*number];
    let now = world.now.as_millis();
    match next {
        Next::Start(number) => format!("{now} ms: {} starts", name(number)),
        Next::Act(number, fate) => {
            let actor = world.actors[*number].as_ref();
            let does = actor.map(|actor| actor.run.next().verb());
            format!(
                "{now} ms: {} {} ({fate:?})",
                name(number),
                does.unwrap_or_default()
            )
        }
        Next::Pass => format!("{now} ms: time passes"),
        Next::Show(id) => format!("{now} ms: lists catch up with {id}"),
        Next::Meddle(id) => format!("{now} ms: somebody changes {id}"),
        Next::Remove(id) => format!("{now} ms: somebody removes {id}"),
        Next::Squat => format!("{now} ms: somebody else takes the key"),
    }
}
