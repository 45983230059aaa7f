//! The declaration as a pass wants it: the last one read, and a conditional read for each tick.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::subscription::Declaration;
use crate::ports::declaration::{
    DeclarationMark, DeclarationSource, DeclaredTenant, Fetched, Routing,
};
use crate::ports::desired::DesiredSource;

/// Is told of the declared tenants whenever another declaration was read.
pub type OnTenants = Box<dyn Fn(&[DeclaredTenant]) + Send + Sync>;

/// Keeps the last declaration of a source.
pub struct KeptDeclaration {
    source: Box<dyn DeclarationSource>,
    place: String,
    on_tenants: OnTenants,
    kept: Mutex<Option<(DeclarationMark, Declaration)>>,
    routing: Mutex<Option<Arc<Routing>>>,
}

impl KeptDeclaration {
    /// Over a source. `place` is for people and holds no secret.
    pub fn new(source: Box<dyn DeclarationSource>, place: String, on_tenants: OnTenants) -> Self {
        Self {
            source,
            place,
            on_tenants,
            kept: Mutex::new(None),
            routing: Mutex::new(None),
        }
    }

    fn kept(&self) -> Option<(DeclarationMark, Declaration)> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn route(&self, routing: Routing) {
        let mut known = self.routing.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != Some(&routing) {
            *known = Some(Arc::new(routing));
        }
    }

    fn keep(&self, mark: DeclarationMark, declaration: &Declaration) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((mark, declaration.clone()));
    }
}

#[async_trait::async_trait]
impl DesiredSource for KeptDeclaration {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn read(&self) -> Declaration {
        let kept = self.kept();
        let known = kept.as_ref().map(|(mark, _)| mark);
        match (self.source.fetch(known).await, kept) {
            (Ok(Fetched::Unchanged), Some((_, declaration))) => declaration,
            (Ok(Fetched::Unchanged), None) => Declaration::Unusable {
                why: format!(
                    "{} says that nothing changed, but nothing was read yet",
                    self.place
                ),
            },
            (Ok(Fetched::Read { declared, mark }), _) => {
                for warning in &declared.warnings {
                    tracing::warn!("{warning}");
                }
                (self.on_tenants)(&declared.tenants);
                if matches!(declared.declaration, Declaration::Read(_)) {
                    // One that cannot be used says nothing about where events go.
                    self.route(declared.routing);
                }
                self.keep(mark, &declared.declaration);
                declared.declaration
            }
            // Not read is not empty, and not the last one either: who knows what changed?
            (Err(error), _) => Declaration::Unusable {
                why: error.to_string(),
            },
        }
    }

    fn routing(&self) -> Option<Arc<Routing>> {
        let known = self.routing.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}
