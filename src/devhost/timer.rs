//! The timer engine: schedules, one run for missed ones, no overlap, no repeat after a failure.

use std::sync::Arc;

use jiff::Timestamp;

use super::core::Core;
use super::envelope::TimerCall;
use super::events::{Cause, Invocation};
use super::function::{Function, TimerTrigger};
use super::invocation::invoke_json;
use super::schedule_status::{ScheduleStatus, at_start};
use super::worker::Worker;
use crate::ports::clock::ClockError;

/// One timer function and its handler.
#[derive(Clone)]
pub(crate) struct Timer {
    pub(crate) core: Arc<Core>,
    pub(crate) function: Arc<Function>,
    pub(crate) trigger: TimerTrigger,
    pub(crate) worker: Arc<Worker>,
}

impl Timer {
    /// Runs the schedule for as long as the host instance lives.
    pub(crate) async fn run(self) {
        let now = self.now().await;
        let monitored = self.is_monitored(now);
        let mut status = None;
        let mut is_past_due = false;
        if monitored {
            let stored = self.core.monitor.get(&self.function.name);
            let start = at_start(stored, &self.trigger.schedule, now);
            if let Some(changed) = start.stored {
                self.core.monitor.put(&self.function.name, changed);
            }
            status = Some(start.told);
            is_past_due = start.is_past_due;
        }
        if is_past_due || self.trigger.run_on_startup {
            self.tick(&mut status, now, is_past_due).await;
        }
        loop {
            let next = self.trigger.schedule.next_after(self.now().await);
            let now = self.wait_until(next).await;
            // A clock that jumps over several occurrences owes one run, like a host that slept.
            let missed_more = self.trigger.schedule.next_after(next) <= now;
            self.tick(&mut status, now, missed_more && monitored).await;
        }
    }

    /// Calls the function by hand, beside its schedule, and leaves the stored status alone.
    pub(crate) async fn by_hand(&self, input: Option<&str>) -> Result<Invocation, ClockError> {
        let now = self.core.clock.now().await?;
        let stored = self.core.monitor.get(&self.function.name);
        let status = stored.filter(|_| self.is_monitored(now));
        Ok(self
            .call(status.as_ref(), now, false, input, Cause::ByHand)
            .await)
    }

    /// One scheduled run. Its end decides nothing: the status moves on after a failure too.
    async fn tick(&self, status: &mut Option<ScheduleStatus>, now: Timestamp, past_due: bool) {
        self.call(
            status.as_ref(),
            now,
            past_due,
            None,
            Cause::Timer { past_due },
        )
        .await;
        if let Some(status) = status {
            *status = ScheduleStatus::ran(now, &self.trigger.schedule);
            self.core.monitor.put(&self.function.name, status.clone());
        }
    }

    async fn call(
        &self,
        status: Option<&ScheduleStatus>,
        now: Timestamp,
        is_past_due: bool,
        input: Option<&str>,
        cause: Cause,
    ) -> Invocation {
        let rand_guid = super::ids::guid();
        let call = TimerCall {
            function: &self.function.name,
            binding: &self.trigger.binding,
            adjust_for_dst: self.trigger.schedule.adjusts_for_dst(),
            status,
            is_past_due,
            input,
            now,
            rand_guid: &rand_guid,
        };
        invoke_json(
            &self.core,
            &self.worker,
            &self.function.name,
            cause,
            call.body(),
        )
        .await
    }

    fn is_monitored(&self, now: Timestamp) -> bool {
        self.trigger.use_monitor && !self.trigger.schedule.is_sub_minute(now)
    }

    /// The present moment; a clock that cannot be read is asked again.
    async fn now(&self) -> Timestamp {
        loop {
            match self.core.clock.now().await {
                Ok(now) => return now,
                Err(error) => {
                    tracing::warn!(%error, "timer {} waits for its clock", self.function.name);
                    tokio::time::sleep(self.core.timer_poll).await;
                }
            }
        }
    }

    /// Polls, because the clock may be a simulated one that jumps.
    async fn wait_until(&self, moment: Timestamp) -> Timestamp {
        loop {
            let now = self.now().await;
            if now >= moment {
                return now;
            }
            tokio::time::sleep(self.core.timer_poll).await;
        }
    }
}
