//! The same kind against Azurite, where `EVERGRAPH_TEST_AZURITE` names one.

use evergraph::app::ensure::Account;
use evergraph::domain::ensure::{Outcome, Stop};
use url::Url;

use crate::bed::{Wish, content, kind_at, terms};
use crate::kinds::{check_done, check_gave_up, check_rule, engine, story};

struct Emulated {
    account: Url,
    signature: String,
    container: String,
}

impl Emulated {
    /// A container of that name that nobody used before; it does not exist yet.
    fn named(test: &str) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "xtask names Azurite to the tests"
        )]
        let Ok(address) = std::env::var("EVERGRAPH_TEST_AZURITE") else {
            println!("left out: {test} needs Azurite; run `cargo xtask test`");
            return None;
        };
        let (account, signature) = address.split_once('?').unwrap();
        Some(Self {
            account: Url::parse(account).unwrap(),
            signature: signature.to_owned(),
            container: format!("ensure-{test}-{}", std::process::id()),
        })
    }

    async fn run(&self, process: u64, wish: &Wish) -> Account {
        let signature = Some(self.signature.as_str());
        let kind = kind_at(
            self.account.clone(),
            &self.container,
            signature,
            process,
            wish,
        );
        let account = engine(process).run(&kind, terms()).await;
        assert!(!story(&account).contains("sig="), "{}", story(&account));
        account
    }
}

fn wish(content: &'static str) -> Wish {
    Wish {
        create_container: true,
        content,
        ..Wish::default()
    }
}

#[tokio::test]
async fn azurite_takes_the_whole_story_of_a_blob_with_a_signature_in_the_address() {
    let Some(place) = Emulated::named("story") else {
        return;
    };
    let missing = place.run(1, &content("v1")).await;
    check_gave_up(&missing, Stop::MissingDependency);
    check_done(&place.run(1, &wish("v1")).await, Outcome::Created);
    check_done(&place.run(2, &wish("v1")).await, Outcome::Unchanged);
    check_done(&place.run(2, &wish("v2")).await, Outcome::Patched);
    let leased = Wish {
        lease_s: Some(15),
        ..wish("v3")
    };
    check_done(&place.run(2, &leased).await, Outcome::Patched);
    check_done(&place.run(2, &wish("v3")).await, Outcome::Unchanged);
    let theirs = Wish {
        owner: "team-b",
        ..wish("v3")
    };
    check_gave_up(&place.run(3, &theirs).await, Stop::Foreign);
}

#[tokio::test]
async fn azurite_refuses_the_second_of_two_racing_creators_and_it_takes_over() {
    let Some(place) = Emulated::named("race") else {
        return;
    };
    let warm = wish("v0");
    check_done(&place.run(9, &warm).await, Outcome::Created);
    let wish = wish("v1");
    let (one, other) = tokio::join!(place.run(1, &wish), place.run(2, &wish));
    assert!(
        one.is_done() && other.is_done(),
        "{}\n{}",
        story(&one),
        story(&other)
    );
    check_done(&place.run(3, &wish).await, Outcome::Unchanged);
    let refused = [&one, &other]
        .into_iter()
        .filter(|account| story(account).contains("storage/"))
        .count();
    if refused == 1 {
        let late = if story(&one).contains("storage/") {
            &one
        } else {
            &other
        };
        check_rule(late, "storage/condition");
    }
}
