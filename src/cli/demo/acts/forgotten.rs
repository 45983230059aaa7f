//! The same refusal, with another end: the holder is our own.

use jiff::SignedDuration;

use super::super::play::{Play, entry_of, held_id};
use super::super::wishes::{FORGOTTEN, short_id};
use super::conflict::{claim_recognised, claim_refused};
use super::{creates_of, of, operations};
use crate::domain::state::HeldOrigin;
use crate::sim::calls::CallRecord;
use crate::sim::faults::{Effect, Rule};
use crate::sim::request::Op;

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story
        .step("The same 409, and now the holder is our own");
    play.story.tell(format!(
        "A wish for {}. Graph creates the subscription, the answer is lost on its way, and the list \
         does not show the new row yet. So nothing is found, and after its settle time the create \
         is sent once more.",
        FORGOTTEN.name
    ));
    let before = play.stage.last_call();
    let rule = Rule {
        resource: Some(FORGOTTEN.resource.to_owned()),
        ..Rule::next(Op::Create, Effect::LoseAfter)
    };
    play.stage.control().arm(rule)?;
    play.wish(FORGOTTEN)?;
    play.tick(SignedDuration::ZERO).await?;
    let id = play.id_of(&FORGOTTEN)?;
    play.stage.control().hide(&id, true)?;
    play.tick(SignedDuration::ZERO).await?;
    play.stage.control().hide(&id, false)?;
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    let creates = creates_of(&calls, FORGOTTEN.resource);
    let refusal = "409 ObjectIdentifierInUse";
    let verdict = claim_refused(play, &FORGOTTEN, creates.last().copied(), refusal);
    play.story.tell(format!(
        "{} again, and {} again. This time the comparison ends otherwise.",
        verdict.cause, verdict.remedy
    ));
    claim_recognised(play, &verdict, &id, &calls);
    claims_of_adoption(play, &calls, &id).await
}

async fn claims_of_adoption(play: &mut Play, calls: &[CallRecord], id: &str) -> anyhow::Result<()> {
    let memory = play.stage.memory().await?;
    let held = entry_of(&memory, &FORGOTTEN).and_then(|entry| entry.held.as_ref());
    let adopted = held.is_some_and(|held| held.origin == HeldOrigin::Adopted);
    play.story.claim(
        format!(
            "It carries our address and our clientState, so it was adopted: {}",
            short_id(id)
        ),
        adopted && held_id(&memory, &FORGOTTEN) == id,
        format!("adopted, {id}"),
        format!("adopted {adopted}, {}", held_id(&memory, &FORGOTTEN)),
    );
    let live = play.live(&FORGOTTEN).len();
    let deletes = of(calls, Op::Delete).count();
    play.story.claim(
        "It was neither doubled nor deleted",
        (live, deletes) == (1, 0),
        "1 live, no DELETE",
        format!("{live} live; {}", operations(calls)),
    );
    Ok(())
}
