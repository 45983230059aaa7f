//! A subscription is removed behind our back.

use jiff::SignedDuration;

use super::super::play::{Play, held_id};
use super::super::wishes::{CONTESTED, FIRST, short_id};
use super::{creates_of, of, operations};
use crate::sim::request::Op;

/// Beyond the next audit, twelve hours after the last listing.
const HOURS_LATER: SignedDuration = SignedDuration::from_mins(5 * 60 + 30);

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    let lost = FIRST[1];
    play.story.step("A subscription is removed behind our back");
    let old = held_id(&play.stage.memory().await?, &lost);
    play.stage.control().remove(&old, false)?;
    let before = play.stage.last_call();
    let from = play.stage.control().now();
    play.tick(HOURS_LATER).await?;
    play.story.tell(format!(
        "Somebody deletes {} ({}) in Graph; nobody is told. The clock jumps from {} to {}: the \
         audit is due, which lists everything twice a day here.",
        lost.name,
        short_id(&old),
        from.strftime("%H:%M"),
        play.stage.control().now().strftime("%H:%M")
    ));
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    let confirmed = of(&calls, Op::Get)
        .any(|call| call.id.as_deref() == Some(&old) && call.status == Some(404));
    play.story.claim(
        "Absence from the list was no proof: a GET by id answered 404",
        of(&calls, Op::List).next().is_some() && confirmed,
        format!("list, get {} with 404", short_id(&old)),
        operations(&calls),
    );
    let created = creates_of(&calls, lost.resource);
    let new = held_id(&play.stage.memory().await?, &lost);
    let live: Vec<String> = play.live(&lost).into_iter().map(|row| row.id).collect();
    let one = created.len() == 1 && created[0].status == Some(201);
    play.story.claim(
        format!("It was created again, once: {}", short_id(&new)),
        one && new != old && live == [new.clone()],
        format!("1 POST, another id than {}, 1 live", short_id(&old)),
        format!(
            "{} POST, {}, {} live",
            created.len(),
            short_id(&new),
            live.len()
        ),
    );
    let again = creates_of(&calls, CONTESTED.resource);
    if again.iter().any(|call| call.status == Some(409)) {
        play.story.tell(format!(
            "At the audit {} was tried again, too: still held by the stranger, still left alone.",
            CONTESTED.name
        ));
    }
    Ok(())
}
