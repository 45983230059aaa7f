//! A relay between Graph and the host that cuts connections: before a request went through, or
//! after it, so that its answer is lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Of a thousand pieces that come from Graph, and that go to it, so many meet a cut.
const CUTS: [u32; 2] = [15, 40];

#[derive(Clone)]
struct Blade {
    rng: Arc<Mutex<fastrand::Rng>>,
    is_out: Arc<AtomicBool>,
    done: Arc<[AtomicU32; 2]>,
}

impl Blade {
    fn strikes(&self, way: usize) -> bool {
        let drawn = self.rng.lock().unwrap().u32(0..1_000);
        let strikes = self.is_out.load(Ordering::Relaxed) && drawn < CUTS[way];
        if strikes {
            self.done[way].fetch_add(1, Ordering::Relaxed);
        }
        strikes
    }
}

pub struct Relay {
    pub port: u16,
    blade: Blade,
}

impl Relay {
    /// Relays to a port of this machine; nothing is cut yet.
    pub async fn to(port: u16, seed: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let blade = Blade {
            rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            is_out: Arc::default(),
            done: Arc::default(),
        };
        let relay = Self {
            port: listener.local_addr().unwrap().port(),
            blade: blade.clone(),
        };
        tokio::spawn(async move {
            while let Ok((graph, _)) = listener.accept().await {
                tokio::spawn(join(graph, port, blade.clone()));
            }
        });
        relay
    }

    pub fn cuts(&self, on: bool) {
        self.blade.is_out.store(on, Ordering::Relaxed);
    }

    /// Requests that were cut off, and answers.
    pub fn done(&self) -> [u32; 2] {
        [0, 1].map(|way| self.blade.done[way].load(Ordering::Relaxed))
    }
}

/// Both ways, until either ends or is cut.
async fn join(graph: TcpStream, port: u16, blade: Blade) {
    let Ok(host) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (from_graph, to_graph) = graph.into_split();
    let (from_host, to_host) = host.into_split();
    tokio::select! {
        () = pass_on(from_graph, to_host, || blade.strikes(0)) => {}
        () = pass_on(from_host, to_graph, || blade.strikes(1)) => {}
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    strikes: impl Fn() -> bool,
) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        match from.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(_) if strikes() => return,
            Ok(length) => {
                if to.write_all(&piece[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
