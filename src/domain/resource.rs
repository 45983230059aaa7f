//! Resource paths of Graph: normal form and kind.

/// A resource path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    text: String,
    normal: String,
}

/// Why a text is no resource path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResourceError(pub String);

impl Resource {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        Ok(Self {
            text: text.to_owned(),
            normal: text.trim_matches('/').to_owned(),
        })
    }
    /// As declared.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Normal form.
    pub fn normal(&self) -> &str {
        &self.normal
    }
}
