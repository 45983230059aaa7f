//! The JSON Schema keeps step with the reader.

use serde_json::{Value, json};

use super::*;

fn schema() -> Value {
    evergraph::adapters::declaration::schema()
}

/// The schema that a `$ref` points to, or the schema itself.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The words of JSON Schema that ours uses. An unknown one fails the test: it would be ignored.
const WORDS: [&str; 18] = [
    "$schema",
    "$id",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "minLength",
    "maxLength",
    "pattern",
    "enum",
    "anyOf",
    "default",
];

/// Whether the value fits the schema; if not, why.
fn fits(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(root, schema);
    for word in schema.as_object().unwrap().keys() {
        assert!(
            WORDS.contains(&word.as_str()),
            "the test does not know {word}"
        );
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let fits_one = choices.iter().any(|one| fits(root, one, value).is_ok());
        return fits_one
            .then_some(())
            .ok_or_else(|| format!("{value} fits no choice"));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    match (schema["type"].as_str().unwrap(), value) {
        ("object", Value::Object(object)) => object_fits(root, schema, object),
        ("array", Value::Array(items)) => {
            if items.len() < schema.get("minItems").and_then(Value::as_u64).unwrap_or(0) as usize {
                return Err("too few items".into());
            }
            items
                .iter()
                .try_for_each(|item| fits(root, &schema["items"], item))
        }
        ("string", Value::String(text)) => text_fits(schema, text),
        ("boolean", Value::Bool(_)) => Ok(()),
        (wanted, _) => Err(format!("{value} is no {wanted}")),
    }
}

fn object_fits(
    root: &Value,
    schema: &Value,
    object: &serde_json::Map<String, Value>,
) -> Result<(), String> {
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !object.contains_key(name.as_str().unwrap()) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, value) in object {
        match schema.get("properties").and_then(|known| known.get(name)) {
            Some(inner) => fits(root, inner, value)?,
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => return Err(format!("{name} is unknown")),
                Some(inner) => fits(root, inner, value)?,
                None => {}
            },
        }
    }
    Ok(())
}

fn text_fits(schema: &Value, text: &str) -> Result<(), String> {
    let chars = text.chars().count() as u64;
    let bound = |word: &str| schema.get(word).and_then(Value::as_u64);
    if bound("minLength").is_some_and(|min| chars < min)
        || bound("maxLength").is_some_and(|max| chars > max)
    {
        return Err(format!("{text:?} has {chars} characters"));
    }
    match schema.get("pattern").and_then(Value::as_str) {
        Some(pattern) if !regex::Regex::new(pattern).unwrap().is_match(text) => {
            Err(format!("{text:?} does not match {pattern}"))
        }
        _ => Ok(()),
    }
}

fn value_of(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

#[track_caller]
fn check_both(text: &str, accepted: bool) {
    let by_reader = reading(text).declared.is_some();
    let by_schema = fits(&schema(), &schema(), &value_of(text));
    assert_eq!(by_reader, accepted, "{}", words(&reading(text)));
    assert_eq!(by_schema.is_ok(), accepted, "{by_schema:?}");
}

#[test]
fn the_example_fits_the_schema() {
    let text = std::fs::read_to_string("subscriptions.example.toml").unwrap();
    assert_eq!(fits(&schema(), &schema(), &value_of(&text)), Ok(()));
    check_good(&text, &[]);
}

#[test]
fn reader_and_schema_agree_on_form() {
    let base = "name = \"a\"\nresource = \"users\"\nchange_types = [\"updated\"]";
    check_both("", true);
    check_both(&one(base), true);
    for lifetime in ["max", "3d", "90m", "1d 12h", "1d  12h", "1h30m"] {
        check_both(&one(&format!("{base}\nlifetime = \"{lifetime}\"")), true);
    }
    for bad in [
        "lifetime = \"3\"",
        "lifetime = \"Max\"",
        "lifetime = \"1.5h\"",
        "lifetime = 3",
        "lifecycle = \"no\"",
        "colour = 1",
        "query_options = \"\"",
    ] {
        check_both(&one(&format!("{base}\n{bad}")), false);
    }
    check_both(
        &one("name = \"a b\"\nresource = \"users\"\nchange_types = [\"updated\"]"),
        false,
    );
    check_both(
        &one("name = \"a\"\nresource = \"users\"\nchange_types = []"),
        false,
    );
    check_both(
        &one("name = \"a\"\nresource = \"users\"\nchange_types = [\"moved\"]"),
        false,
    );
    check_both(
        &one("resource = \"users\"\nchange_types = [\"updated\"]"),
        false,
    );
    check_both("[tenants.t]\nid = \"contoso.com\"", false);
    check_both("[tenants.t]\n", false);
    check_both(
        &format!("[tenants.t]\nid = \"{TENANT}\"\ncredential = \"none\""),
        false,
    );
    check_both(
        &format!("[tenants.t]\nid = \"{TENANT}\"\nsecret_setting = \"X\""),
        false,
    );
}

/// Every object in the schema: where it stands in a declaration, and its properties.
fn objects(root: &Value) -> Vec<(&'static str, Vec<String>)> {
    let places = [
        ("", root),
        ("defaults", &root["$defs"]["Defaults"]),
        ("tenants.t", &root["$defs"]["Tenant"]),
        ("sinks.s", &root["$defs"]["Sink"]),
        ("subscriptions[0]", &root["$defs"]["Subscription"]),
        (
            "subscriptions[0].resource_data",
            &root["$defs"]["ResourceData"],
        ),
    ];
    let names = |schema: &Value| {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        root["$defs"].as_object().unwrap().len(),
        places.len() - 1,
        "a new table needs a place here"
    );
    places
        .into_iter()
        .map(|(place, schema)| (place, names(schema)))
        .collect()
}

#[test]
fn the_reader_asks_for_exactly_the_keys_of_the_schema() {
    // An unknown key in every table: the reader answers with the keys that it knows.
    let text = "zzz = 1\n[defaults]\nzzz = 1\n[tenants.t]\nzzz = 1\n[sinks.s]\nzzz = 1\n[[subscriptions]]\nzzz = 1\nresource_data = { zzz = 1 }\n";
    let reading = reading(text);
    for (place, mut properties) in objects(&schema()) {
        let key = if place.is_empty() {
            "zzz".to_owned()
        } else {
            format!("{place}.zzz")
        };
        let error = reading
            .errors()
            .find(|one| one.code == "unknown-key" && one.key == key)
            .unwrap();
        let help = error.help.clone().unwrap();
        let mut known: Vec<String> = help
            .rsplit("allowed here: ")
            .next()
            .unwrap()
            .split(", ")
            .map(str::to_owned)
            .collect();
        known.sort();
        properties.sort();
        assert_eq!(known, properties, "{place}");
    }
}

#[test]
fn every_key_is_described_for_editors() {
    let root = schema();
    let mut tables: Vec<&Value> = root["$defs"].as_object().unwrap().values().collect();
    tables.push(&root);
    for table in tables {
        assert_eq!(table["additionalProperties"], json!(false));
        for (name, property) in table["properties"].as_object().unwrap() {
            let text = resolved(&root, property)
                .get("description")
                .or(property.get("description"));
            assert!(
                text.and_then(Value::as_str)
                    .is_some_and(|text| text.len() > 20),
                "{name}"
            );
        }
    }
    assert!(!root.to_string().contains("null"));
}
