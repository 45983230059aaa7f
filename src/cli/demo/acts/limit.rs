//! A conflict that says 403, and names nobody.

use jiff::SignedDuration;

use super::super::play::Play;
use super::super::wishes::{LIMITED, short_id};
use super::conflict::{claim_blocked, claim_refused, explain, plant};
use super::{creates_of, of};
use crate::domain::conflict::Cause;
use crate::sim::request::Op;

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story
        .step("A conflict that says 403, and names nobody");
    let holder = plant(play, &LIMITED)?;
    play.story.tell(format!(
        "Teams gives an application one subscription for each channel, and \"staging\" has it, {}. \
         Now ours wishes for the same, {}.",
        short_id(&holder.id),
        LIMITED.name
    ));
    let before = play.stage.last_call();
    play.wish(LIMITED)?;
    play.tick(SignedDuration::ZERO).await?;
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    let create = creates_of(&calls, LIMITED.resource);
    let verdict = claim_refused(
        play,
        &LIMITED,
        create.first().copied(),
        "403 ExtensionError",
    );
    explain(play, &verdict);
    play.story.same(
        "It was recognised by the words of the message, not taken for a lack of permission",
        &format!("{}, nobody named", Cause::QuotaExhausted),
        &format!(
            "{}, {}",
            verdict.cause,
            verdict.holder.as_deref().unwrap_or("nobody named")
        ),
    );
    claim_blocked(play, &LIMITED, &holder).await?;
    let touched = of(&calls, Op::Renew).count() + of(&calls, Op::Delete).count();
    let same = play.live(&LIMITED) == [holder];
    play.story.same(
        "The complete list showed who has it, and it was left alone",
        &"0 calls, unchanged true".to_owned(),
        &format!("{touched} calls, unchanged {same}"),
    );
    Ok(())
}
