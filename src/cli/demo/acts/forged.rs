//! Somebody else posts in Graph's name.

use std::collections::BTreeMap;

use super::super::play::{Play, answer_of};
use super::super::story::listed;
use super::super::wishes::{FIRST, Wish};
use crate::devhost::HostEvent;
use crate::sim::forge::{Flaw, ForgeOrder};

/// In whose name, what is wrong, and by which word it is counted.
const FORGERIES: [(Wish, Flaw, &str); 5] = [
    (FIRST[0], Flaw::WrongClientState, "foreign_client_state"),
    (FIRST[1], Flaw::NoClientState, "no_client_state"),
    (FIRST[2], Flaw::WrongSignature, "token_signature"),
    (FIRST[2], Flaw::WrongPublisher, "token_publisher"),
    (FIRST[2], Flaw::BadHmac, "data_signature"),
];

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story.step("Somebody else posts in Graph's name");
    play.story.tell(
        "The address is public. Five forgeries, each right in all but one thing: a wrong \
         clientState, none at all, a token that somebody else signed, a token of another \
         publisher, a content that does not fit its signature.",
    );
    let (after, mark) = (play.stage.last_event(), play.stage.witness.mark());
    let before = play.stage.sink()?.len();
    for (wish, flaw, _) in FORGERIES {
        play.stage.control().forge(&ForgeOrder {
            subscription: play.id_of(&wish)?,
            flaw,
            count: 1,
        })?;
    }
    let posts = play.delivered(after).await?;
    let acknowledged = posts.iter().filter(|one| answer_of(one) == "202").count();
    play.story.same(
        "Each was acknowledged like a genuine one: a forger learns nothing",
        &FORGERIES.len(),
        &acknowledged,
    );
    let more = play.stage.sink()?.len() - before;
    play.story.same("None is in the sink", &0, &more);
    let counted = counted(play, mark).await?;
    play.story.same(
        "Each was counted by its reason",
        &listed(FORGERIES.map(|(_, _, word)| format!("{word} 1"))),
        &listed(
            counted
                .iter()
                .map(|(word, count)| format!("{word} {count}")),
        ),
    );
    Ok(())
}

/// What the handler said of items that it refused, by reason.
async fn counted(play: &Play, mark: usize) -> anyhow::Result<BTreeMap<String, u32>> {
    let read = |event: &HostEvent| match event {
        HostEvent::Console { line, .. } => refusal_in(&line.text),
        _ => None,
    };
    // Lines of a console come a moment after the answer.
    let last = FORGERIES[FORGERIES.len() - 1].2;
    let wanted = |event: &HostEvent| read(event).filter(|(word, _)| word == last);
    let limit = std::time::Duration::from_secs(10);
    let witness = &play.stage.witness;
    witness
        .wait(mark, limit, "the last refusal", wanted)
        .await?;
    let mut counts = BTreeMap::new();
    for (word, count) in witness.since(mark, read) {
        *counts.entry(word).or_default() += count;
    }
    Ok(counts)
}

/// Reads `… refused 2 items (reason); …`.
fn refusal_in(line: &str) -> Option<(String, u32)> {
    let (_, rest) = line.split_once("refused ")?;
    let (count, rest) = rest.split_once(" items (")?;
    let (word, _) = rest.split_once(')')?;
    Some((word.to_owned(), count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_about_refused_items_is_read() {
        let line = "WARN evergraph: refused 2 items (no_tokens); they were acknowledged";
        assert_eq!(refusal_in(line), Some(("no_tokens".to_owned(), 2)));
        assert_eq!(refusal_in("a lease was refused"), None);
    }
}
