//! HTTP/1.1 towards the handler, written by hand: the bytes must be those of the real host.
//!
//! A connection serves one exchange after the other; `pool` keeps those that are idle.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::reply::{Reader, Reply};

/// How long a body waits for `100 Continue` (seen in a running host).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// Size of the host's write buffer, hence of the largest chunk of a JSON body (seen).
const JSON_CHUNK: usize = 0x400;

/// What became of a request that has no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// Nothing listens: the handler certainly saw nothing.
    #[error("nothing listens on the handler's port")]
    Refused,
    /// The connection ended before an answer: the handler may have seen the request.
    #[error("the handler closed the connection without an answer")]
    Dropped,
    /// What came back is no HTTP.
    #[error("the handler's answer is no HTTP: {0}")]
    Garbage(String),
    /// The connection ended inside the body.
    #[error("the handler's answer was cut off")]
    Truncated,
}

/// The body of a request.
pub(crate) enum Outgoing {
    Nothing,
    /// The head says its length.
    Whole(Bytes),
    /// The JSON protocol's form: chunks of at most 0x400 bytes.
    JsonChunks(Bytes),
    /// Chunks as they come from a client.
    Streamed(BoxStream<'static, Result<Bytes, axum::Error>>),
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// The method is HEAD: the answer has no body, whatever its head says.
    pub(crate) is_head: bool,
    /// The head says `Expect: 100-continue`.
    pub(crate) expects_continue: bool,
}

/// Opens a connection to the handler.
pub(super) async fn connect(port: u16) -> Result<TcpStream, WireError> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|_| WireError::Refused)?;
    // Without it, small writes wait for the other side's acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Sends one request to the handler and reads the head of its answer.
pub(crate) async fn exchange(
    stream: TcpStream,
    head: Vec<u8>,
    body: Outgoing,
    manner: Manner,
) -> Result<Reply, WireError> {
    let (read, write) = stream.into_split();
    let (may_continue, continued) = oneshot::channel();
    let wait = manner.expects_continue.then_some(continued);
    // Written beside the reading, because an answer may come before the body has gone. The
    // half is kept by the finished task: dropping it would look like a client that went away.
    let writer = Writer(tokio::spawn(send(write, head, body, wait)));
    let mut reader = Reader::new(read);
    let mut may_continue = Some(may_continue);
    loop {
        let head = reader.head().await?;
        if head.status == 100 {
            may_continue.take().map(|sender| sender.send(()));
        }
        if head.status >= 200 {
            return head.into_reply(reader, manner.is_head, writer);
        }
    }
}

/// The task that writes a request; it ends with the answer at the latest.
#[derive(Debug)]
pub(crate) struct Writer(pub(super) JoinHandle<std::io::Result<OwnedWriteHalf>>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn send(
    mut write: OwnedWriteHalf,
    head: Vec<u8>,
    body: Outgoing,
    continued: Option<oneshot::Receiver<()>>,
) -> std::io::Result<OwnedWriteHalf> {
    write.write_all(&head).await?;
    if let Some(continued) = continued {
        // Without a 100 the body comes after the wait.
        let _ = tokio::time::timeout(CONTINUE_WAIT, continued).await;
    }
    match body {
        Outgoing::Nothing => {}
        Outgoing::Whole(bytes) => write.write_all(&bytes).await?,
        Outgoing::JsonChunks(bytes) => write.write_all(&json_chunks(&bytes)).await?,
        Outgoing::Streamed(mut stream) => {
            while let Some(bytes) = stream.next().await {
                let bytes = bytes.map_err(std::io::Error::other)?;
                write.write_all(&chunk(&bytes)).await?;
            }
            write.write_all(b"0\r\n\r\n").await?;
        }
    }
    Ok(write)
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let mut out = format!("{:X}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    out
}

/// The body of a JSON invocation on the wire.
pub(crate) fn json_chunks(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = body.chunks(JSON_CHUNK).flat_map(chunk).collect();
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn a_json_body_goes_in_chunks_of_at_most_0x400_bytes() {
        assert_eq!(json_chunks(b"{}"), b"2\r\n{}\r\n0\r\n\r\n");
        let body = vec![b'x'; 0x400 + 3];
        let wire = String::from_utf8(json_chunks(&body)).unwrap();
        let expected = format!("400\r\n{}\r\n3\r\nxxx\r\n0\r\n\r\n", "x".repeat(0x400));
        assert_eq!(wire, expected);
    }

    async fn reply_to(answer: &'static [u8], manner: Manner) -> Result<Vec<u8>, String> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 64];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
        });
        let head = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let result = async {
            exchange(connect(port).await?, head, Outgoing::Nothing, manner)
                .await?
                .body
                .whole(1000)
                .await
        };
        let result = result.await.map_err(|error| error.to_string());
        server.await.unwrap();
        result
    }

    #[tokio::test]
    async fn every_framing_of_an_answer_is_read() {
        let plain = Manner::default();
        let cases: [(&[u8], &str); 5] = [
            (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef", "abc"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n", "abc"),
            (b"HTTP/1.1 200 OK\r\n\r\nabc", "abc"),
            (b"HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\n", ""),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", "a"),
        ];
        for (answer, expected) in cases {
            assert_eq!(
                reply_to(answer, plain).await,
                Ok(expected.as_bytes().to_vec())
            );
        }
        let head = Manner {
            is_head: true,
            ..plain
        };
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
        assert_eq!(reply_to(answer, head).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn what_is_no_whole_answer_is_told_apart() {
        let cases: [(&[u8], &str); 6] = [
            (b"", "the handler closed the connection without an answer"),
            (
                b"HTTP/1.1 200",
                "the handler closed the connection without an answer",
            ),
            (
                b"hello\r\n\r\n",
                "the handler's answer is no HTTP: invalid HTTP version",
            ),
            (
                b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
                "the handler's answer was cut off",
            ),
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
                "the handler's answer was cut off",
            ),
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                "the handler's answer is no HTTP: `zz` is no chunk size",
            ),
        ];
        for (answer, expected) in cases {
            assert_eq!(
                reply_to(answer, Manner::default()).await,
                Err(expected.to_owned())
            );
        }
    }
}
