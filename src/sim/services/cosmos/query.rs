//! The one form of query that a point of uniqueness needs:
//! `SELECT * FROM c WHERE c["a"]["b"] = @p0 AND …`.

use serde_json::Value;

/// Reads the conditions: path and wanted value of each; `None` where the query has another form.
pub(super) fn conditions(body: &Value) -> Option<Vec<(String, Value)>> {
    let text = body.get("query")?.as_str()?;
    let given = body.get("parameters")?.as_array()?;
    let condition = text.strip_prefix("SELECT * FROM c WHERE ")?;
    let parts = condition.split(" AND ");
    parts
        .map(|part| {
            let (path, name) = part.split_once(" = ")?;
            let wanted = given.iter().find(|one| one["name"] == name)?;
            Some((path_of(path)?, wanted.get("value")?.clone()))
        })
        .collect()
}

/// `c["a"]["b"]` as `/a/b`.
fn path_of(text: &str) -> Option<String> {
    let inner = text.strip_prefix("c[\"")?.strip_suffix("\"]")?;
    Some(format!("/{}", inner.replace("\"][\"", "/")))
}
