//! The same behind a Functions host. The real one is no program of a laptop: the local host of
//! this crate stands in for it, once with the handler and once with the server that only reads behind it.

use super::bed::Bed;
use super::plan::Subject;
use crate::cli::demo::{app_folder, stage::free_port};
use crate::compose;
use crate::config::ClockChoice;
use crate::devhost::{HostOptions, RunningHost};

/// A host with its handler. Dropping it kills the handler.
pub(super) struct Behind {
    host: RunningHost,
    pub(super) port: u16,
}

impl Behind {
    /// Starts the host and waits for its handler.
    pub(super) async fn start(bed: &Bed, subject: Subject) -> anyhow::Result<Self> {
        let app = bed.folder.path().join(format!("{subject:?}"));
        app_folder::write(&app)?;
        let port = free_port().await?;
        let mut env = bed.settings(subject, port);
        env.extend(bed.behind_host(subject)?);
        let clock = compose::clock(&ClockChoice::System)?;
        let host = RunningHost::start(HostOptions {
            env,
            port,
            inherit_env: false,
            run_schedules: false,
            ..HostOptions::new(&app, clock)
        })
        .await?;
        host.ready().await?;
        Ok(Self { host, port })
    }

    /// The handler's process, whose time is counted; the host runs in this process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.host.pids().first().map(|(_, pid)| *pid)
    }

    /// Ends both.
    pub(super) async fn stop(self) {
        self.host.stop().await;
    }
}
