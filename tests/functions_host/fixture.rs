//! An app folder, a scripted handler that lives in this process, a clock to turn, and a client
//! that speaks raw HTTP.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::devhost::{
    Console, Exit, HandlerProcess, HostEvent, HostOptions, Launch, Launcher, RunningHost,
};
use evergraph::ports::clock::{Clock, ClockError};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::{AbortHandle, JoinSet};

/// Longest that a test waits for something that should come at once.
pub const SOON: Duration = Duration::from_secs(10);

pub const HTTP: &str = r#"{"bindings":[
    {"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous"ROUTE},
    {"type":"http","direction":"out","name":"res"}]}"#;

/// function.json of an anonymous HTTP function with this route.
pub fn http(route: &str) -> String {
    HTTP.replace("ROUTE", &format!(",\"route\":\"{route}\""))
}

/// function.json of a timer.
pub fn timer(schedule: &str, more: &str) -> String {
    format!(
        r#"{{"bindings":[{{"type":"timerTrigger","direction":"in","name":"timer","schedule":"{schedule}"{more}}}]}}"#
    )
}

/// An app folder. `host_more` is put into host.json's top level, with a comma at its end.
pub fn app(host_more: &str, handler_more: &str, functions: &[(&str, String)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let host = format!(
        r#"{{{host_more}"version":"2.0","customHandler":{{{handler_more}
            "enableProxyingHttpRequest":true,
            "description":{{"defaultExecutablePath":"handler"}}}}}}"#
    );
    std::fs::write(dir.path().join("host.json"), host).unwrap();
    for (name, text) in functions {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("function.json"), text).unwrap();
    }
    dir
}

/// A clock that stands still until it is turned.
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().unwrap())))
    }

    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        Ok(*self.0.lock().unwrap())
    }
}

/// A request as the handler saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Up to the blank line, which is not in it.
    pub head: String,
    /// As on the wire, chunk sizes included.
    pub body: Vec<u8>,
    /// Which process of this launcher saw it; the first is 1.
    pub process: u32,
    /// Its place among the requests of its connection; the first is 1.
    pub place: u32,
}

impl Seen {
    pub fn request_line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a JSON invocation, its chunks joined.
    pub fn json(&self) -> serde_json::Value {
        let mut rest = self.body.as_slice();
        let mut joined = Vec::new();
        loop {
            let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
            let size = std::str::from_utf8(&rest[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                return serde_json::from_slice(&joined).unwrap();
            }
            joined.extend_from_slice(&rest[end + 2..end + 2 + size]);
            rest = &rest[end + 2 + size + 2..];
        }
    }
}

/// What the scripted handler does with a request.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// Writes these bytes and takes another request.
    Kept(Vec<u8>),
    /// Closes without a word.
    Drop,
    /// Never answers.
    Hang,
    /// Writes the first part at once and the second when it is told to.
    InTwo(Vec<u8>, Arc<Notify>, Vec<u8>),
    /// Tells when the host closes the connection.
    TellWhenClosed(Arc<Notify>),
    /// The process ends.
    Exit(Exit),
}

/// A whole answer, after which the connection is closed, and says so.
pub fn answer(status: u16, fields: &str, body: &str) -> Reaction {
    let length = body.len();
    Reaction::Bytes(
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into(),
    )
}

/// A JSON answer.
pub fn json(body: &str) -> Reaction {
    answer(200, "Content-Type: application/json\r\n", body)
}

type Script = dyn Fn(&Seen) -> Reaction + Send + Sync;

/// Starts "processes" that are tasks of this one.
#[derive(Clone)]
pub struct Scripted {
    script: Arc<Script>,
    seen: watch::Sender<Vec<Seen>>,
    readiness: Arc<Mutex<Vec<String>>>,
    starts: Arc<AtomicU32>,
}

impl Scripted {
    pub fn new(script: impl Fn(&Seen) -> Reaction + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            seen: watch::channel(Vec::new()).0,
            readiness: Arc::default(),
            starts: Arc::default(),
        }
    }

    /// Everything but readiness requests.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until the handler saw `count` requests.
    pub async fn saw(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        let enough = tokio::time::timeout(SOON, enough).await;
        enough
            .unwrap_or_else(|_| panic!("not {count} but {:?}", self.seen()))
            .unwrap()
            .clone()
    }

    pub fn readiness_requests(&self) -> Vec<String> {
        self.readiness.lock().unwrap().clone()
    }

    pub fn starts(&self) -> u32 {
        self.starts.load(Ordering::SeqCst)
    }

    /// A host over this handler, ready.
    pub async fn host(&self, app: &Path, clock: &Arc<TestClock>) -> RunningHost {
        self.host_with(app, clock, |_| {}).await
    }

    pub async fn host_with(
        &self,
        app: &Path,
        clock: &Arc<TestClock>,
        change: impl FnOnce(&mut HostOptions),
    ) -> RunningHost {
        let mut options = HostOptions::new(app, clock.clone());
        options.launcher = Arc::new(self.clone());
        options.inherit_env = false;
        options.timer_poll = Duration::from_millis(2);
        options.timeout_grace = Duration::from_millis(50);
        options.restart_after = Duration::from_millis(10);
        change(&mut options);
        let host = RunningHost::start(options).await.unwrap();
        host.ready().await.unwrap();
        host
    }
}

impl Launcher for Scripted {
    fn launch(&self, launch: &Launch, _: Console) -> std::io::Result<Box<dyn HandlerProcess>> {
        let number = self.starts.fetch_add(1, Ordering::SeqCst) + 1;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, launch.port))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (exit, ended) = watch::channel(None);
        let exit = Arc::new(exit);
        let task = tokio::spawn(listen(listener, self.clone(), number, exit.clone()));
        Ok(Box::new(Task {
            number,
            exit,
            ended,
            task: task.abort_handle(),
        }))
    }
}

struct Task {
    number: u32,
    exit: Arc<watch::Sender<Option<Exit>>>,
    ended: watch::Receiver<Option<Exit>>,
    task: AbortHandle,
}

#[async_trait::async_trait]
impl HandlerProcess for Task {
    fn pid(&self) -> u32 {
        self.number
    }

    async fn exited(&mut self) -> Exit {
        let exit = self.ended.wait_for(Option::is_some).await.unwrap().unwrap();
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
        exit
    }

    fn kill(&mut self) {
        self.exit.send_replace(Some(Exit::Signal(9)));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    listener: TcpListener,
    scripted: Scripted,
    number: u32,
    exit: Arc<watch::Sender<Option<Exit>>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, scripted.clone(), number, exit.clone()));
    }
}

async fn serve(
    mut stream: TcpStream,
    scripted: Scripted,
    process: u32,
    exit: Arc<watch::Sender<Option<Exit>>>,
) {
    let mut place = 0;
    while let Some((head, body)) = read_request(&mut stream).await {
        place += 1;
        let seen = Seen {
            head,
            body,
            process,
            place,
        };
        if seen.request_line() == "GET / HTTP/1.1" && seen.header("x-ms-invocation-id").is_none() {
            scripted
                .readiness
                .lock()
                .unwrap()
                .push(format!("{}\r\n\r\n", seen.head));
            let _ = stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                .await;
            return;
        }
        scripted.seen.send_modify(|all| all.push(seen.clone()));
        match (scripted.script)(&seen) {
            Reaction::Kept(bytes) => stream.write_all(&bytes).await.unwrap(),
            reaction => return react(stream, reaction, &exit).await,
        }
    }
}

/// Does what ends a connection.
async fn react(mut stream: TcpStream, reaction: Reaction, exit: &watch::Sender<Option<Exit>>) {
    match reaction {
        Reaction::Bytes(bytes) | Reaction::Kept(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reaction::Drop => {}
        Reaction::InTwo(first, told, second) => {
            let _ = stream.write_all(&first).await;
            told.notified().await;
            let _ = stream.write_all(&second).await;
        }
        Reaction::TellWhenClosed(closed) => {
            let _ = stream.read(&mut [0]).await;
            closed.notify_one();
        }
        Reaction::Hang => std::future::pending().await,
        Reaction::Exit(code) => {
            exit.send_replace(Some(code));
            std::future::pending().await
        }
    }
}

/// Head, and body as on the wire. None if the connection ends before.
async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let lower = head.to_lowercase();
    let length = lower
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.lines().next().unwrap().parse::<usize>().unwrap());
    let is_whole = |body: &[u8]| match length {
        Some(length) => body.len() >= length,
        None => !lower.contains("transfer-encoding: chunked") || body.ends_with(b"0\r\n\r\n"),
    };
    while !is_whole(&body) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Sends raw bytes and reads until the connection ends.
pub async fn send(host: &RunningHost, request: impl AsRef<[u8]>) -> Got {
    let mut stream = connect(host).await;
    let _ = stream.write_all(request.as_ref()).await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes));
    // A reset after a partial answer is a result too.
    let _ = read.await.expect("the host closes the connection");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let text = text
        .strip_prefix("HTTP/1.1 100 Continue\r\n\r\n")
        .unwrap_or(&text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Got {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub async fn connect(host: &RunningHost) -> TcpStream {
    let address = host.url().replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

/// A GET with more header lines, each with its end.
pub async fn get(host: &RunningHost, target: &str, fields: &str) -> Got {
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n{fields}\r\n");
    send(host, request).await
}

/// A POST with a length.
pub async fn post(host: &RunningHost, target: &str, fields: &str, body: &str) -> Got {
    let length = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    );
    send(host, request).await
}

/// Waits for an event.
pub async fn event<T>(
    events: &mut broadcast::Receiver<HostEvent>,
    mut wanted: impl FnMut(&HostEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(&events.recv().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(SOON, found)
        .await
        .expect("the event comes soon")
}
