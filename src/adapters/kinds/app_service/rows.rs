//! Rows of Kudu's list and of the list of locks.

use serde_json::Value;

use crate::adapters::kinds::call::Reply;
use crate::domain::ensure::Failure;
use crate::domain::ensure::kinds::app_service::{Phase, Row};

pub(super) fn rows(answer: &Reply) -> Result<Vec<Row>, Failure> {
    let value = answer.json()?;
    let list = value.as_array().ok_or_else(|| Failure::NoReply {
        words: "the list of deployments is no list".to_owned(),
    })?;
    let rows: Option<Vec<Row>> = list.iter().map(row).collect();
    rows.ok_or_else(|| Failure::NoReply {
        words: "the list of deployments has a row without id or status".to_owned(),
    })
}

/// One row of Kudu's list (Kudu.Contracts/Deployment/DeployResult.cs of
/// <https://github.com/projectkudu/kudu>): status 3 is failed, 4 success, anything else under way.
pub(super) fn row(value: &Value) -> Option<Row> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    Some(Row {
        id: value["id"].as_str()?.to_owned(),
        phase: match value["status"].as_u64()? {
            3 => Phase::Failed,
            4 => Phase::Stands,
            _ => Phase::Running,
        },
        active: value["active"].as_bool().unwrap_or(false),
        author: text("author"),
        deployer: text("deployer"),
        message: text("message"),
    })
}

pub(super) fn lock_words(lock: &Value) -> Option<String> {
    let (id, name) = (lock["id"].as_str()?, lock["name"].as_str()?);
    let level = lock["properties"]["level"]
        .as_str()
        .unwrap_or("unknown level");
    let scope = id
        .split("/providers/Microsoft.Authorization/locks")
        .next()?;
    let notes = match lock["properties"]["notes"].as_str() {
        Some(notes) if !notes.is_empty() => format!(": \"{notes}\""),
        _ => String::new(),
    };
    Some(format!("The lock {name} ({level}) lies on {scope}{notes}."))
}
