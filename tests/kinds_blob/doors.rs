//! Both doors: what the portal does and the API does not, and the other way round.

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::{Ask, Service as _};

use crate::bed::{Bed, CONTAINER, NAME, Wish, content};
use crate::kinds::{check_done, check_gave_up};

fn ask(method: &str, headers: &[(&str, &str)]) -> Ask {
    let mut all = vec![("authorization".to_owned(), "Bearer x".to_owned())];
    all.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    Ask {
        method: method.to_owned(),
        path: [CONTAINER, "app", "config.json"]
            .map(str::to_owned)
            .to_vec(),
        headers: all,
        body: b"x".to_vec(),
        ..Ask::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_upload_by_the_portal_and_by_the_api_ends_differently() {
    let bed = Bed::new().await;
    bed.sim
        .portal_upload(CONTAINER, NAME, b"v1", false)
        .unwrap();
    // Portal: refused without the tick, replaced without any condition with it.
    assert!(
        bed.sim
            .portal_upload(CONTAINER, NAME, b"v2", false)
            .is_err()
    );
    bed.sim.portal_upload(CONTAINER, NAME, b"v2", true).unwrap();
    // API: If-None-Match makes a create of it, and a duplicate is told with a code.
    let create = ask(
        "PUT",
        &[("x-ms-blob-type", "BlockBlob"), ("if-none-match", "*")],
    );
    let reply = bed.sim.answer(&create).unwrap();
    assert_eq!(reply.status, 409);
    assert!(reply.body.starts_with("\u{feff}<?xml".as_bytes()));
    let code = ("x-ms-error-code".to_owned(), "BlobAlreadyExists".to_owned());
    assert!(reply.headers.contains(&code));
    assert_eq!(bed.content(), "v2");
}

#[tokio::test(start_paused = true)]
async fn an_upload_in_the_portal_takes_the_mark_away_so_that_the_blob_is_no_longer_ours() {
    let bed = Bed::new().await;
    check_done(&bed.run(1, &Wish::default()).await, Outcome::Created);
    bed.sim
        .portal_upload(CONTAINER, NAME, b"by hand", true)
        .unwrap();
    for wish in [Wish::default(), content("v2")] {
        check_gave_up(&bed.run(1, &wish).await, Stop::Foreign);
    }
    assert_eq!(bed.content(), "by hand");
    assert_eq!(bed.sim.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_owners_blob_is_foreign_even_with_our_content() {
    let bed = Bed::new().await;
    let theirs = Wish {
        owner: "team-b",
        ..Wish::default()
    };
    check_done(&bed.run(1, &theirs).await, Outcome::Created);
    check_gave_up(&bed.run(2, &Wish::default()).await, Stop::Foreign);
    assert_eq!(bed.sim.writes().len(), 1);
}
