//! The rules that the core alone can keep, each as sentences that fail where it is broken.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

use support::build::*;
use support::world::World;

#[test]
fn what_is_declared_and_missing_is_created_once() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = World::new(&[mail.clone()]);
    let story = world.pass();
    assert!(story.rested);
    assert_eq!((story.created(), world.live(&mail).len()), (1, 1));
    let stories = world.ticks(24);
    assert_eq!(
        stories.iter().map(|story| story.created()).sum::<usize>(),
        0
    );
}
