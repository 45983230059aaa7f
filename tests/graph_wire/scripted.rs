//! A server that sends exactly the bytes it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Clone)]
pub enum Step {
    /// Send these bytes and keep the connection.
    Send(Vec<u8>),
    /// Send these bytes and close.
    SendAndClose(Vec<u8>),
    /// Close without a word.
    Close,
    /// Send these bytes and then nothing more, ever.
    Hang(Vec<u8>),
}

pub struct Scripted {
    pub root: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Answers the first request by the first step and so on; the last step serves all others.
    pub async fn start(steps: Vec<Step>) -> Self {
        Self::start_with(|_| steps).await
    }

    /// The same with steps that must know where the server stands.
    pub async fn start_with(steps: impl FnOnce(&str) -> Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let steps = Arc::new(steps(&root));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, steps.clone(), seen.clone()));
            }
        });
        Self { root, requests }
    }

    /// Heads and bodies of the requests, in order of arrival.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, steps: Arc<Vec<Step>>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read(&mut stream).await {
        let step = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            let last = steps.len() - 1;
            steps[(seen.len() - 1).min(last)].clone()
        };
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.unwrap(),
            Step::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Step::Close => return,
            Step::Hang(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                std::future::pending::<()>().await;
            }
        }
    }
}

/// One request: its head and as much body as its content-length says.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A whole answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}
