//! The tasks of a running host: its clients, and for each group a handler and its timers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::core::{Core, group_of};
use super::events::{Group, HostEvent};
use super::front;
use super::function::Functions;
use super::options::HostOptions;
use super::schedule_status::Monitor;
use super::worker::{Order, Worker, WorkerPlan};

/// Each worker with the orders that it takes.
pub(crate) type Orders = Vec<(Arc<Worker>, mpsc::Receiver<Order>)>;

/// Puts a host together; nothing runs yet.
pub(crate) fn assemble(
    options: HostOptions,
    plan: WorkerPlan,
    functions: Functions,
    events: broadcast::Sender<HostEvent>,
) -> (Arc<Core>, Orders) {
    let plan = Arc::new(plan);
    // Without functions no handler is started; in two-process mode, none for a disabled timer.
    let groups: BTreeSet<Group> = functions
        .all
        .iter()
        .filter(|function| !(options.two_process && function.disabled))
        .map(|function| group_of(function, options.two_process))
        .collect();
    let mut workers = BTreeMap::new();
    let mut orders = Vec::new();
    for group in groups {
        let (worker, received) = Worker::new(group.clone(), plan.clone());
        workers.insert(group, worker.clone());
        orders.push((worker, received));
    }
    let core = Core {
        host: plan.host.clone(),
        functions,
        workers,
        two_process: options.two_process,
        keys: options.keys,
        enforce_keys: options.enforce_keys,
        clock: options.clock,
        timer_poll: options.timer_poll,
        timeout_grace: options.timeout_grace,
        monitor: Monitor::new(options.status_dir),
        disable_home: plan.settings.is_true("AzureWebJobsDisableHomepage"),
        jobs: Mutex::new(JoinSet::new()),
        events,
        is_closing: watch::channel(false).0,
        started: Instant::now(),
        instance: super::ids::guid(),
    };
    (Arc::new(core), orders)
}

/// The host itself: clients and groups, until one group stops for good.
pub(crate) async fn run(
    core: Arc<Core>,
    listener: TcpListener,
    orders: Orders,
    options: HostOptions,
    (mut to_stop, stopped): (watch::Receiver<bool>, watch::Sender<Option<String>>),
) {
    let mut groups = JoinSet::new();
    for (worker, received) in orders {
        groups.spawn(run_group(core.clone(), worker, received, options.clone()));
    }
    let why = tokio::select! {
        () = front::serve(listener, core.clone()) => "its clients were served and no new one is accepted".to_owned(),
        // An error means that the owner is gone; then there is nobody to wait for either.
        _ = to_stop.wait_for(|stop| *stop) => "it was told to stop".to_owned(),
        Some(ended) = groups.join_next() => {
            ended.unwrap_or_else(|error| format!("a part of it broke: {error}"))
        }
    };
    groups.shutdown().await;
    stopped.send_replace(Some(why));
}

/// One group: host instances, each with timers that start anew. Returns why it stopped.
async fn run_group(
    core: Arc<Core>,
    worker: Arc<Worker>,
    mut orders: mpsc::Receiver<Order>,
    options: HostOptions,
) -> String {
    loop {
        let mut timers = JoinSet::new();
        if options.run_schedules {
            spawn_timers(&core, &worker.group, &mut timers);
        }
        let why = tokio::select! {
            why = worker.run_instance(&mut orders) => why,
            Some(Err(error)) = timers.join_next() => format!("a timer broke: {error}"),
        };
        timers.shutdown().await;
        worker.set_stopped(&why);
        core.emit(HostEvent::HostStopped {
            group: worker.group.clone(),
            why: why.clone(),
        });
        if !options.supervise {
            return why;
        }
        tokio::time::sleep(options.restart_after).await;
        core.emit(HostEvent::HostRestarted {
            group: worker.group.clone(),
        });
    }
}

fn spawn_timers(core: &Arc<Core>, group: &Group, timers: &mut JoinSet<()>) {
    for function in core
        .functions
        .all
        .iter()
        .filter(|function| !function.disabled)
    {
        if group_of(function, core.two_process) == *group
            && let Some(timer) = core.timer(&function.name)
        {
            timers.spawn(timer.run());
        }
    }
}
