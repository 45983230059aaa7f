//! The other door: what a person does in the portal.

use jiff::SignedDuration;

use super::site::{Hindrance, Ordered, Site};
use super::{AppService, Lock};

/// Why the portal refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PortalRefusal(pub String);

fn no_site(name: &str) -> PortalRefusal {
    PortalRefusal(format!("there is no site {name}"))
}

impl AppService {
    /// Creates a site in a resource group (`/subscriptions/…/resourceGroups/…`).
    pub fn portal_create_site(&self, group: &str, name: &str) {
        self.with(|state, _| state.sites.push(Site::new(group, name)));
    }

    /// Sets an application setting.
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn portal_set_setting(
        &self,
        site: &str,
        name: &str,
        value: &str,
    ) -> Result<(), PortalRefusal> {
        self.change(site, |site| {
            site.settings.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Sets the origins of the CORS page.
    ///
    /// # Errors
    /// The page takes no origin with a wildcard subdomain; the API does
    /// (<https://learn.microsoft.com/en-us/azure/app-service/app-service-web-tutorial-rest-api>).
    pub fn portal_set_cors(&self, site: &str, origins: &[&str]) -> Result<(), PortalRefusal> {
        if let Some(wild) = origins
            .iter()
            .find(|one| one.len() > 1 && one.contains('*'))
        {
            let words = format!("{wild} is no valid origin: only a full origin, or * alone");
            return Err(PortalRefusal(words));
        }
        self.change(site, |site| {
            site.origins = origins.iter().map(|&one| one.to_owned()).collect();
        })
    }

    /// Puts a lock on a subscription, resource group or resource.
    pub fn portal_lock(&self, lock: Lock) {
        self.with(|state, _| state.locks.push(lock));
    }

    /// Takes a lock away.
    pub fn portal_unlock(&self, name: &str) {
        self.with(|state, _| state.locks.retain(|lock| lock.name != name));
    }

    /// A deployment by a source that the Deployment Center connected, or by a person's tool. It
    /// waits for its turn instead of being refused, as connected sources do.
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn portal_deploy(&self, site: &str, deployer: &str) -> Result<(), PortalRefusal> {
        self.with(|state, now| {
            let (id, switches) = (state.id(), state.switches.clone());
            let site_found = state.site(site).ok_or_else(|| no_site(site))?;
            let begins = site_found.running(now).map_or(now, |one| one.ends);
            let order = Ordered {
                author: "Ada Lovelace".to_owned(),
                deployer: deployer.to_owned(),
                message: "Merge branch 'main'".to_owned(),
                extracted: begins,
                ..Ordered::new(id, begins, 0, switches.deploy_s)
            };
            site_found.deployments.push(order);
            Ok(())
        })
    }

    /// An automatic slot swap begins.
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn portal_auto_swap(&self, site: &str, for_s: i64) -> Result<(), PortalRefusal> {
        let until = self.clock.read() + SignedDuration::from_secs(for_s);
        self.change(site, |site| {
            site.hindrance = Some(Hindrance::AutoSwap(until))
        })
    }

    /// Somebody scales the plan or changes the site: the management side is busy.
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn portal_manage(&self, site: &str, for_s: i64) -> Result<(), PortalRefusal> {
        let until = self.clock.read() + SignedDuration::from_secs(for_s);
        self.change(site, |site| site.managed_until = Some(until))
    }

    /// The deployment engine dies and leaves its lock behind
    /// (<https://github.com/projectkudu/kudu/issues/2834>).
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn leave_stale_lock(&self, site: &str) -> Result<(), PortalRefusal> {
        self.change(site, |site| site.hindrance = Some(Hindrance::StaleLock))
    }

    /// A person restarts the site, which frees a lock that was left behind.
    ///
    /// # Errors
    /// Where the site is not there.
    pub fn portal_restart(&self, site: &str) -> Result<(), PortalRefusal> {
        self.change(site, |site| site.hindrance = None)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Site)) -> Result<(), PortalRefusal> {
        self.with(|state, _| state.site(name).map(change).ok_or_else(|| no_site(name)))
    }
}
