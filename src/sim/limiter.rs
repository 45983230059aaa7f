//! Rate limits: calls within a sliding window, refused ones included ("rejected requests still
//! count", throttling page).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::request::Op;
use super::settings::Throttling;
use crate::domain::ids::{AppId, TenantId};

/// Calls of each application, by class of operation.
#[derive(Debug, Default)]
pub struct Limiter {
    calls: HashMap<(Class, AppId, Option<TenantId>), VecDeque<Duration>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Class {
    Write,
    Reauthorize,
    Get,
    List,
}

impl Limiter {
    /// Counts a call at the time; answers the seconds to wait where it is one too many.
    pub fn count(
        &mut self,
        op: Op,
        app: &AppId,
        tenant: &TenantId,
        real: Duration,
        rules: &Throttling,
    ) -> Option<u64> {
        let (class, (each_app, each_tenant)) = match op {
            Op::Create | Op::Renew | Op::Delete => (Class::Write, rules.writes),
            Op::Reauthorize => (Class::Reauthorize, rules.reauthorize),
            Op::Get => (Class::Get, rules.get),
            Op::List => (Class::List, rules.list),
        };
        let window = Duration::from_secs(rules.window_s.max(1));
        let whole = self.one(class, app, None, real, window, each_app);
        let tenant = Some(tenant.clone());
        let part = self.one(class, app, tenant, real, window, each_tenant);
        whole.max(part)
    }

    fn one(
        &mut self,
        class: Class,
        app: &AppId,
        tenant: Option<TenantId>,
        real: Duration,
        window: Duration,
        limit: usize,
    ) -> Option<u64> {
        let calls = self.calls.entry((class, app.clone(), tenant)).or_default();
        while calls.front().is_some_and(|at| *at + window <= real) {
            calls.pop_front();
        }
        calls.push_back(real);
        if calls.len() <= limit {
            return None;
        }
        // The call after the wait must find room: as many old calls must have left the window.
        let last_to_leave = calls.get(calls.len() - limit.max(1)).copied()?;
        let wait = (last_to_leave + window).saturating_sub(real);
        Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_too_many_waits_until_there_is_room() {
        let rules = Throttling {
            list: (10, 2),
            ..Throttling::default()
        };
        let app = AppId::unnamed();
        let tenant = TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap();
        let mut limiter = Limiter::default();
        let mut at = |s| limiter.count(Op::List, &app, &tenant, Duration::from_secs(s), &rules);
        assert_eq!((at(0), at(5)), (None, None));
        // The refused call counts too, so room comes when the one at 5 s has left.
        assert_eq!(at(6), Some(19));
        assert_eq!(at(25), None);
    }
}
