//! The simulator over HTTP: start, stop, and the connections in between.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clock::SimClock;
use super::control::Control;
use super::exchange::Sim;
use super::http::{self, HungUp};
use super::settings::Settings;

/// How a simulator starts.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where the virtual clock begins.
    pub start: Timestamp,
    /// The clock stands still until it is moved.
    pub frozen: bool,
    /// Seed of ids and chances: the same calls get the same answers.
    pub seed: u64,
    /// The switches.
    pub settings: Settings,
}

impl SimOptions {
    /// A free port, a running clock, the usual switches.
    pub fn new(start: Timestamp) -> Self {
        Self {
            port: 0,
            start,
            frozen: false,
            seed: 1,
            settings: Settings::default(),
        }
    }
}

/// Why a simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or not allowed.
    #[error("could not listen on 127.0.0.1:{port}; choose another --port, or 0 for a free one")]
    Listen {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The client that calls endpoints cannot be built.
    #[error("could not set up the client that calls notification endpoints")]
    Client(#[source] reqwest::Error),
}

/// The simulator as a server.
pub struct SimServer;

impl SimServer {
    /// Listens on 127.0.0.1 and answers until stopped.
    pub async fn start(options: SimOptions) -> Result<RunningSim, StartError> {
        let port = options.port;
        let listen = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let clock = if options.frozen {
            SimClock::standing(options.start)
        } else {
            SimClock::running(options.start)
        };
        let sim = Sim::new(clock, options.settings, options.seed);
        let caller = http::Caller::new().map_err(StartError::Client)?;
        let router = http::router(&sim, caller.clone(), address);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, router, stopped));
        tasks.spawn(http::deliver(Arc::clone(&sim), caller));
        Ok(RunningSim {
            address,
            control: Control::new(sim),
            stop,
            tasks,
        })
    }
}

/// A simulator that runs. Dropping it ends it too, without waiting.
pub struct RunningSim {
    address: SocketAddr,
    control: Control,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl RunningSim {
    /// Root address, such as `http://127.0.0.1:9000`. The control API is below `/_sim/`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Base address of the API: what takes the place of `https://graph.microsoft.com/v1.0`.
    pub fn graph_url(&self) -> String {
        format!("http://{}/v1.0", self.address)
    }

    /// The handle for what goes on behind Graph's back.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops listening, ends every connection, and waits until all is quiet.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.tasks.shutdown().await;
    }
}

/// Answers connections by the router until told to stop; `HungUp` in an answer closes its connection.
pub(super) async fn accept(
    listener: TcpListener,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, router.clone()));
                }
                // Out of file descriptors and the like: others will be free soon.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            },
        }
    }
    connections.shutdown().await;
}

/// Serves one connection. An answer that is to be lost is an error to hyper, which then closes
/// the connection without a byte.
async fn serve(stream: TcpStream, router: axum::Router) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let router = hyper_util::service::TowerToHyperService::new(router.clone());
        async move {
            let answer = hyper::service::Service::call(&router, request.map(Body::new)).await;
            match answer {
                Ok(answer) if answer.extensions().get::<HungUp>().is_some() => Err(HungUp),
                Ok(answer) => Ok(answer),
                Err(never) => match never {},
            }
        }
    });
    let _ = stream.set_nodelay(true);
    // An error here is the caller's: it went away, or spoke no HTTP.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
