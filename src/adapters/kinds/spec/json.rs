//! Tables of TOML as JSON, and as properties that can be compared.

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::super::super::declaration::fields::At;

/// The value as JSON: dates and times become texts.
pub(super) fn of_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            let text: String = number.as_str().chars().filter(|c| *c != '_').collect();
            let parsed = i64::from_str_radix(&text, number.radix());
            parsed.map_or(Value::Null, |number| Value::Number(number.into()))
        }
        DeValue::Float(number) => {
            let text: String = number.as_str().chars().filter(|c| *c != '_').collect();
            let parsed = text.parse().ok().and_then(Number::from_f64);
            parsed.map_or(Value::Null, Value::Number)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => items.iter().map(|item| of_toml(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), of_toml(value.get_ref())));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }
    }
}

/// The properties of a table, each as a text that can be compared, and where each name stands.
pub(super) fn properties(value: &DeValue<'_>) -> Vec<(At<String>, Value)> {
    let DeValue::Table(table) = value else {
        return Vec::new();
    };
    let pairs = table.iter().map(|(name, value)| {
        let at = At {
            value: name.get_ref().to_string(),
            span: name.span(),
        };
        (at, of_toml(value.get_ref()))
    });
    pairs.collect()
}
