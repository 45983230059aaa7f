//! The name of a deleted channel.

use std::sync::Arc;

use evergraph::domain::conflict::{Automatic, Cause, Effect, Operation, Remedy, Service};
use evergraph::sim::services::teams_channels::{Manners, TeamsChannels};
use serde_json::{Value, json};

use super::{House, check_verdict, column, verdict};

const TEAM: &str = "team-1";
const API: &str = "/v1.0/teams/team-1/channels";
const CLIENT: &str = "/_portal/teams/team-1/channels";

async fn house() -> (Arc<TeamsChannels>, House) {
    let teams = TeamsChannels::new(&[TEAM]);
    (teams.clone(), House::of(teams).await)
}

fn named(name: &str) -> Value {
    json!({"displayName": name})
}

/// A channel that was made and deleted through the API. Answers its id.
async fn gone(house: &House, name: &str) -> String {
    let (status, made) = house.call("POST", API, &named(name)).await;
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("{API}/{id}");
    assert_eq!(house.get(&path).await.0, 200);
    assert_eq!(house.call("DELETE", &path, &Value::Null).await.0, 204);
    assert_eq!(house.get(&path).await.0, 404);
    id
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_deleted_channel_is_free_in_an_older_client_and_taken_for_graph() {
    let (teams, house) = house().await;
    teams.set_manners(Manners {
        client_reuses_names: true,
        ..Manners::default()
    });
    let old = gone(&house, "Plans").await;
    let refused = house.call("POST", API, &named("Plans")).await;
    assert_eq!(refused.0, 400);
    assert_eq!(
        refused.1["error"]["message"],
        "Channel name already existed, please use other name"
    );
    let found = verdict(Service::GraphTeams, Operation::Create, &refused);
    check_verdict(
        &found,
        "graph-teams/name-exists",
        Cause::AlreadyExists,
        Remedy::AdoptExisting,
    );
    // Adopting comes after a look, and here the look finds nothing that could be adopted.
    assert_eq!(found.automatic, Automatic::AfterCompare);
    assert_eq!(found.may_have_taken_effect, Effect::No);
    let (_, listed) = house.get(API).await;
    assert!(column(&listed, "displayName").is_empty());

    let (status, made) = house.call("POST", CLIENT, &named("Plans")).await;
    assert_eq!(status, 200);
    let (_, listed) = house.get(API).await;
    assert_eq!(column(&listed, "id"), [made["id"].as_str().unwrap()]);
    assert_ne!(made["id"], json!(old));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_today_refuses_the_name_too_and_restores_the_channel() {
    let (_, house) = house().await;
    let old = gone(&house, "Plans").await;
    let (status, told) = house.call("POST", CLIENT, &named("plans ")).await;
    assert_eq!(status, 422);
    assert!(
        told["portal"]
            .as_str()
            .unwrap()
            .contains("previously created")
    );

    let restore = format!("{CLIENT}/{old}/restore");
    assert_eq!(house.call("POST", &restore, &Value::Null).await.0, 200);
    let (_, listed) = house.get(API).await;
    assert_eq!(column(&listed, "id"), [old]);
    assert_eq!(house.call("POST", &restore, &Value::Null).await.0, 422);
}

#[tokio::test(start_paused = true)]
async fn a_live_channel_is_refused_in_the_same_words_and_is_there_to_be_adopted() {
    let (_, house) = house().await;
    let (_, made) = house.call("POST", API, &named("Plans")).await;
    let live = house.call("POST", API, &named("Plans")).await;
    gone(&house, "Talks").await;
    let deleted = house.call("POST", API, &named("Talks")).await;
    assert_eq!(live, deleted);
    let (_, listed) = house.get(API).await;
    assert_eq!(column(&listed, "id"), [made["id"].as_str().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn both_reported_codes_and_statuses_have_one_meaning() {
    for status in [400, 409] {
        for (code, rule) in [
            ("NameAlreadyExists", "graph-teams/name-exists"),
            ("BadRequest", "graph-teams/channel-name-existed"),
        ] {
            let (teams, house) = house().await;
            teams.set_manners(Manners {
                status,
                code,
                client_reuses_names: false,
            });
            gone(&house, "Plans").await;
            let refused = house.call("POST", API, &named("Plans")).await;
            assert_eq!(
                (refused.0, &refused.1["error"]["code"]),
                (status, &json!(code))
            );
            let found = verdict(Service::GraphTeams, Operation::Create, &refused);
            check_verdict(&found, rule, Cause::AlreadyExists, Remedy::AdoptExisting);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_name_was_used_again_cannot_be_restored_over_it() {
    let (teams, house) = house().await;
    teams.set_manners(Manners {
        client_reuses_names: true,
        ..Manners::default()
    });
    let old = gone(&house, "Plans").await;
    teams.portal_create(TEAM, "Plans").unwrap();
    assert!(teams.portal_restore(TEAM, &old).is_err());
    assert_eq!(teams.portal_channels(TEAM).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_token_or_for_an_unknown_team_is_refused() {
    let (_, house) = house().await;
    assert_eq!(house.without_token(API).await, 401);
    assert_eq!(house.get("/v1.0/teams/nobody/channels").await.0, 404);
    assert_eq!(house.call("POST", API, &json!({})).await.0, 400);
}
