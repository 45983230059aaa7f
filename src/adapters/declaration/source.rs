//! The declaration in a file.

use std::path::PathBuf;

use super::{MAX_BYTES, Target, read};
use crate::ports::declaration::{
    DeclarationError, DeclarationMark, DeclarationSource, Declared, Fetched, Routing,
};

/// A declaration that lies in a file, such as the one shipped in the package.
///
/// Its mark is the SHA-256 of its bytes: times of files say little after a deployment, and a
/// file of this size is read in well under a millisecond.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    target: Target,
}

impl FileSource {
    /// A declaration in a file, written for the given Graph.
    pub fn new(path: impl Into<PathBuf>, target: Target) -> Self {
        Self {
            path: path.into(),
            target,
        }
    }

    fn error(&self, why: impl Into<String>) -> DeclarationError {
        DeclarationError {
            place: self.path.display().to_string(),
            why: why.into(),
        }
    }

    async fn bytes(&self) -> Result<Vec<u8>, DeclarationError> {
        let describe = |err: std::io::Error| match err.kind() {
            std::io::ErrorKind::NotFound => self.error(
                "there is no such file; put it there, or name another in EVERGRAPH_SUBSCRIPTIONS",
            ),
            _ => self.error(err.to_string()),
        };
        let found = tokio::fs::metadata(&self.path).await.map_err(describe)?;
        if found.is_dir() {
            return Err(self.error("it is a folder; name the file in it"));
        }
        if found.len() > MAX_BYTES as u64 {
            return Err(self.error(format!("it has more than {MAX_BYTES} bytes")));
        }
        tokio::fs::read(&self.path).await.map_err(describe)
    }
}

#[async_trait::async_trait]
impl DeclarationSource for FileSource {
    async fn fetch(&self, known: Option<&DeclarationMark>) -> Result<Fetched, DeclarationError> {
        let bytes = self.bytes().await?;
        let mark = mark_of(&bytes);
        if known == Some(&mark) {
            return Ok(Fetched::Unchanged);
        }
        let declared = declared(&bytes, &self.path.display().to_string(), self.target);
        Ok(Fetched::Read { declared, mark })
    }
}

/// The content of a declaration, from its bytes; `place` names it in messages.
pub(super) fn declared(bytes: &[u8], place: &str, target: Target) -> Declared {
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text.trim_start_matches('\u{feff}'), target).into_declared(place),
        Err(why) => Declared {
            declaration: crate::domain::subscription::Declaration::Unusable {
                why: format!("{place}: the file is no UTF-8 text ({why}); save it as UTF-8"),
            },
            tenants: Vec::new(),
            routing: Routing::default(),
            warnings: Vec::new(),
        },
    }
}

fn mark_of(bytes: &[u8]) -> DeclarationMark {
    use base64::Engine as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    DeclarationMark(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.as_ref()))
}
