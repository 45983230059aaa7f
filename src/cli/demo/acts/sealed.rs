//! Content comes sealed, and is opened.

use serde_json::Value;

use super::super::play::Play;
use super::super::tally::Got;
use super::super::wishes::FIRST;
use super::notifications::announce;
use crate::sim::deliveries::Delivery;
use crate::sim::events::Event;

const MESSAGES: u32 = 3;

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    let channel = FIRST[2];
    play.story.step("Content comes sealed, and is opened");
    play.story.tell(format!(
        "{} asked for the messages themselves. Graph seals each to our certificate, and signs a \
         token that says who sends it.",
        channel.name
    ));
    let after = play.stage.last_event();
    announce(play, &channel, MESSAGES)?;
    let posts = play.delivered(after).await?;
    claims_of_wire(play, &posts);
    let sent = play.stage.control().events(after);
    let got = play.stage.sink()?;
    claims_of_content(play, &sent, &got);
    Ok(())
}

fn claims_of_wire(play: &mut Play, posts: &[Delivery]) {
    let items = posts
        .iter()
        .filter_map(|post| post.body["value"].as_array())
        .flatten();
    let sealed = items.filter(|item| item["encryptedContent"]["data"].is_string());
    let tokens = posts.iter().filter(|post| {
        let tokens = post.body["validationTokens"].as_array();
        tokens.is_some_and(|tokens| !tokens.is_empty())
    });
    let sim = play.stage.control().sim();
    let fetched = sim.with(|service, _| service.publisher.fetches > 0);
    play.story.same(
        "On the wire there was ciphertext and a token, which was checked by the keys that the \
         authority publishes",
        &"3 sealed, 1 with a token, keys fetched true".to_owned(),
        &format!(
            "{} sealed, {} with a token, keys fetched {fetched}",
            sealed.count(),
            tokens.count()
        ),
    );
}

fn claims_of_content(play: &mut Play, sent: &[Event], got: &[Got]) {
    let opened: Vec<&Got> = sent
        .iter()
        .filter_map(|event| got.iter().find(|one| is_of(one, event)))
        .collect();
    if let Some(first) = opened.first() {
        play.story.tell(format!(
            "In the sink: \"decryptedContent\":{{…,\"body\":{}}}.",
            first.event["data"]["decryptedContent"]["body"]
        ));
    }
    let right = opened.iter().filter(|one| {
        let data = &one.event["data"];
        let id = data["resourceData"]["id"].as_str().unwrap_or_default();
        data["decryptedContent"]["body"]["content"] == format!("Text of {id}")
    });
    let right = right.count();
    let left = opened.iter().filter(|one| {
        let data = &one.event["data"];
        !data["encryptedContent"].is_null() || !data["clientState"].is_null()
    });
    play.story.same(
        "In the sink the text stands in the place of the ciphertext; the secrets are gone",
        &"3 opened, 0 with ciphertext or clientState".to_owned(),
        &format!(
            "{right} opened, {} with ciphertext or clientState",
            left.count()
        ),
    );
}

fn is_of(got: &Got, event: &Event) -> bool {
    let id = &got.event["data"]["resourceData"]["id"];
    event.resource_id.is_some() && id.as_str() == event.resource_id.as_deref() && *id != Value::Null
}
