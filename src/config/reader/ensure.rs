//! What it takes to ensure one thing, from any machine.

use url::Url;

use super::super::locations::StateLocation;
use super::super::{EnsureSettings, Problems};
use super::Reader;

impl Reader<'_> {
    /// The credential for calls of `target` (Graph, where it is `None`), and where the audit is,
    /// if anything says so.
    pub(in crate::config) fn ensure(
        mut self,
        target: Option<&Url>,
    ) -> Result<EnsureSettings, Problems> {
        let graph = self.graph();
        let authority = self.authority(graph.as_ref());
        let credential = self.credential(false, target.or(graph.as_ref()));
        let state = self.parsed("EVERGRAPH_STATE", StateLocation::parse);
        let audit = self.audit(false);
        let audit = audit.or_else(|| Some(state.as_ref()?.beside()));
        match (graph, authority, credential) {
            (Some(graph), Some(authority), Some(credential)) if self.problems.is_empty() => {
                Ok(EnsureSettings {
                    audit,
                    credential,
                    graph,
                    authority,
                })
            }
            _ => Err(Problems(self.problems.into_values().collect())),
        }
    }
}
