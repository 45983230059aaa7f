//! JSON values as texts that are equal exactly when the values mean the same.

use serde_json::{Map, Value};

use crate::domain::ensure::kinds::fields::Fields;

/// The value with sorted names, without annotations (`@odata.…`) and without members that are
/// null: services answer with both where nobody sent them.
pub(super) fn text(value: &Value) -> String {
    tidy(value).to_string()
}

/// The same as a value.
pub(super) fn tidy(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(tidy).collect(),
        Value::Object(object) => {
            let mut members: Vec<_> = object
                .iter()
                .filter(|(name, value)| !name.contains("@odata") && !value.is_null())
                .collect();
            members.sort_by_key(|(name, _)| *name);
            let tidied = members
                .into_iter()
                .map(|(name, value)| (name.clone(), tidy(value)));
            Value::Object(tidied.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Every member of an object but for annotations, each as its text.
pub(super) fn fields(object: &Map<String, Value>) -> Fields {
    let members = object
        .iter()
        .filter(|(name, value)| !name.contains("@odata") && !value.is_null());
    members
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The object that the fields were made of.
pub(super) fn object(fields: &Fields) -> Map<String, Value> {
    let members = fields.iter().filter_map(|(name, text)| {
        let value = serde_json::from_str(text).ok()?;
        Some((name.clone(), value))
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_annotations_and_nulls_make_no_difference() {
        let sent = json!({"b": [{"y": 1, "x": null}], "a": "t"});
        let got = json!({"a": "t", "b@odata.type": "#C", "c": null, "b": [{"@odata.type": "#T", "y": 1}]});
        assert_eq!(text(&sent), text(&got));
        assert_ne!(text(&sent), text(&json!({"a": "t", "b": [{"y": 2}]})));
    }

    #[test]
    fn fields_lead_back_to_their_object() {
        let value = json!({"a": {"c": 1, "b": [true]}, "d": "x"});
        let made = fields(value.as_object().unwrap());
        assert_eq!(Value::Object(object(&made)), value);
    }
}
