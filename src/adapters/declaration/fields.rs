//! Taking typed fields out of a TOML table, key by key.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostic::Findings;
use crate::domain::spelling::did_you_mean;

/// A value and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

#[cfg(feature = "cli")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<T>()
    }
}

pub(in crate::adapters) type Value<'t> = toml::Spanned<DeValue<'t>>;

/// A table being read. Whatever was not asked for by [`Self::finish`] is an unknown key.
pub(in crate::adapters) struct Fields<'t, 'f, 'x> {
    table: &'t DeTable<'t>,
    path: String,
    asked: Vec<&'static str>,
    findings: &'f mut Findings<'x>,
}

impl<'t, 'f, 'x> Fields<'t, 'f, 'x> {
    pub(in crate::adapters) fn new(
        table: &'t DeTable<'t>,
        path: String,
        findings: &'f mut Findings<'x>,
    ) -> Self {
        Self {
            table,
            path,
            asked: Vec::new(),
            findings,
        }
    }

    fn key(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<&'t Value<'t>> {
        self.asked.push(name);
        self.table.get(name)
    }

    fn wrong_type(&mut self, name: &str, value: &Value<'_>, wanted: &str) {
        let key = self.key(name);
        self.findings
            .wrong_type(value.span(), key, value.get_ref().type_str())
            .help(format!("write {wanted}"));
    }

    /// A text.
    pub(in crate::adapters) fn text(
        &mut self,
        name: &'static str,
        wanted: &str,
    ) -> Option<At<String>> {
        let value = self.take(name)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At {
                value: text.to_string(),
                span: value.span(),
            }),
            _ => {
                self.wrong_type(name, value, wanted);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(in crate::adapters) fn flag(&mut self, name: &'static str) -> Option<At<bool>> {
        let value = self.take(name)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(At {
                value: *flag,
                span: value.span(),
            }),
            _ => {
                self.wrong_type(name, value, "true or false");
                None
            }
        }
    }

    /// A list of texts.
    pub(in crate::adapters) fn texts(
        &mut self,
        name: &'static str,
        wanted: &str,
    ) -> Option<At<Vec<At<String>>>> {
        let value = self.take(name)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, value, wanted);
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(At {
                    value: text.to_string(),
                    span: item.span(),
                }),
                _ => self.wrong_type(name, item, wanted),
            }
        }
        Some(At {
            value: texts,
            span: value.span(),
        })
    }

    /// A table, read by `read`.
    pub(in crate::adapters) fn table<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(Fields<'t, '_, 'x>) -> T,
    ) -> Option<At<T>> {
        let value = self.take(name)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(At {
                value: read(Fields::new(table, self.key(name), self.findings)),
                span: value.span(),
            }),
            _ => {
                self.wrong_type(name, value, wanted);
                None
            }
        }
    }

    /// A table of texts, by names of the integrator's choice.
    pub(in crate::adapters) fn texts_by_name(
        &mut self,
        name: &'static str,
        wanted: &str,
    ) -> Vec<(At<String>, At<String>)> {
        let mut out = Vec::new();
        let Some(value) = self.take(name) else {
            return out;
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(name, value, wanted);
            return out;
        };
        for (key, value) in table {
            let DeValue::String(text) = value.get_ref() else {
                let path = format!("{}.{}", self.key(name), key.get_ref());
                let found = value.get_ref().type_str();
                let wrong = self.findings.wrong_type(value.span(), path, found);
                wrong.help("write a text in quotes");
                continue;
            };
            let at = |text: &str, span| At {
                value: text.to_owned(),
                span,
            };
            out.push((at(key.get_ref(), key.span()), at(text, value.span())));
        }
        out
    }

    /// A table of anything, with its place.
    pub(in crate::adapters) fn anything(
        &mut self,
        name: &'static str,
        wanted: &str,
    ) -> Option<&'t Value<'t>> {
        let value = self.take(name)?;
        match value.get_ref() {
            DeValue::Table(_) => Some(value),
            _ => {
                self.wrong_type(name, value, wanted);
                None
            }
        }
    }

    /// A table of tables, by names of the integrator's choice.
    pub(in crate::adapters) fn tables_by_name<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        mut read: impl FnMut(Fields<'t, '_, 'x>) -> T,
    ) -> Vec<(At<String>, T)> {
        let mut out = Vec::new();
        let Some(value) = self.take(name) else {
            return out;
        };
        let DeValue::Table(outer) = value.get_ref() else {
            self.wrong_type(name, value, wanted);
            return out;
        };
        for (key, value) in outer {
            let path = format!("{}.{}", self.key(name), key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => out.push((
                    At {
                        value: key.get_ref().to_string(),
                        span: key.span(),
                    },
                    read(Fields::new(inner, path, self.findings)),
                )),
                _ => self.wrong_type(name, value, wanted),
            }
        }
        out
    }

    /// A list of tables.
    pub(in crate::adapters) fn tables<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        mut read: impl FnMut(Fields<'t, '_, 'x>) -> T,
    ) -> Vec<At<T>> {
        let mut out = Vec::new();
        let Some(value) = self.take(name) else {
            return out;
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, value, wanted);
            return out;
        };
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.key(name));
            match item.get_ref() {
                DeValue::Table(table) => out.push(At {
                    value: read(Fields::new(table, path, self.findings)),
                    span: item.span(),
                }),
                _ => self.wrong_type(name, item, wanted),
            }
        }
        out
    }

    /// As [`Self::finish`], with the findings given back for what the values mean.
    pub(in crate::adapters) fn finished(mut self) -> &'f mut Findings<'x> {
        self.report_unknown();
        self.findings
    }

    /// Reports every key that was not asked for.
    pub(in crate::adapters) fn finish(mut self) {
        self.report_unknown();
    }

    fn report_unknown(&mut self) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let shown: String = name.chars().take(60).collect();
            let mut help = did_you_mean(name, self.asked.iter().copied());
            if !help.is_empty() {
                help.push(' ');
            }
            help.push_str(&format!("allowed here: {}", self.asked.join(", ")));
            let path = match self.path.as_str() {
                "" => shown.clone(),
                path => format!("{path}.{shown}"),
            };
            self.findings
                .error(
                    "unknown-key",
                    Some(key.span()),
                    &path,
                    format!("unknown key {shown:?}"),
                )
                .help(help);
        }
    }
}
