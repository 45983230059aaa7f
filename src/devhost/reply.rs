//! Answers of the handler, read from the wire.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::wire::{WireError, Writer};

/// A longer head of an answer is garbage (.NET's MaxResponseHeadersLength is 64 KB).
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// More header fields in an answer are garbage.
const HEADERS_MAX: usize = 256;

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: ReplyBody,
}

impl Reply {
    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

/// The head of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    is_http_11: bool,
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The answer whose head this is; its body is still with the reader.
    pub(crate) fn into_reply(
        self,
        reader: Reader,
        is_head: bool,
        writer: Writer,
    ) -> Result<Reply, WireError> {
        let framing = self.framing(is_head)?;
        let stays_open = self.stays_open();
        let body = ReplyBody {
            reader,
            framing,
            stays_open,
            writer,
        };
        Ok(Reply {
            status: self.status,
            headers: self.headers,
            body,
        })
    }

    fn value(&self, name: &str) -> Option<String> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    fn stays_open(&self) -> bool {
        self.is_http_11
            && !self
                .value("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    fn framing(&self, is_head: bool) -> Result<Framing, WireError> {
        if is_head || self.status == 204 || self.status == 304 {
            return Ok(Framing::Empty);
        }
        if self
            .value("transfer-encoding")
            .is_some_and(|v| v.to_lowercase().contains("chunked"))
        {
            return Ok(Framing::Chunked {
                left: 0,
                first: true,
            });
        }
        match self.value("content-length") {
            None => Ok(Framing::UntilClose),
            Some(text) => match text.trim().parse() {
                Ok(left) => Ok(Framing::Length { left }),
                Err(_) => Err(WireError::Garbage(format!("Content-Length is `{text}`"))),
            },
        }
    }
}

/// Reads from a connection.
#[derive(Debug)]
pub(crate) struct Reader {
    read: OwnedReadHalf,
    buffer: BytesMut,
}

impl Reader {
    pub(crate) fn new(read: OwnedReadHalf) -> Self {
        Self {
            read,
            buffer: BytesMut::with_capacity(8 * 1024),
        }
    }

    /// False at the end of the connection.
    async fn fill(&mut self) -> std::io::Result<bool> {
        Ok(self.read.read_buf(&mut self.buffer).await? > 0)
    }

    /// The head of the next answer, interim ones included.
    pub(crate) async fn head(&mut self) -> Result<Head, WireError> {
        loop {
            if let Some(head) = self.parse_head()? {
                return Ok(head);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(WireError::Garbage("the head is over 64 KB".to_owned()));
            }
            if !matches!(self.fill().await, Ok(true)) {
                return Err(WireError::Dropped);
            }
        }
    }

    fn parse_head(&mut self) -> Result<Option<Head>, WireError> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response
            .parse(&self.buffer)
            .map_err(|error| WireError::Garbage(error.to_string()))?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let headers = response.headers.iter();
        let head = Head {
            status: response.code.unwrap_or_default(),
            is_http_11: response.version == Some(1),
            headers: headers
                .map(|field| (field.name.to_owned(), field.value.to_vec()))
                .collect(),
        };
        self.buffer.advance(length);
        Ok(Some(head))
    }

    /// A line without its end.
    async fn line(&mut self) -> Result<String, WireError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.buffer.len() > HEAD_BYTES_MAX || !matches!(self.fill().await, Ok(true)) {
                return Err(WireError::Truncated);
            }
        }
    }

    /// Up to `max` bytes; None at the end of the connection.
    async fn some(&mut self, max: u64) -> std::io::Result<Option<Bytes>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        let length = self
            .buffer
            .len()
            .min(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

#[derive(Debug)]
enum Framing {
    Empty,
    Length { left: u64 },
    Chunked { left: u64, first: bool },
    UntilClose,
}

/// The body of an answer, read piece by piece. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    reader: Reader,
    framing: Framing,
    stays_open: bool,
    writer: Writer,
}

impl ReplyBody {
    /// The next piece; None at the end. Trailers are dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.framing {
            Framing::Empty | Framing::Length { left: 0 } => Ok(None),
            Framing::UntilClose => self
                .reader
                .some(u64::MAX)
                .await
                .map_err(|_| WireError::Truncated),
            Framing::Length { left } => {
                let piece = self.piece(left).await?;
                self.framing = Framing::Length {
                    left: left - piece.len() as u64,
                };
                Ok(Some(piece))
            }
            Framing::Chunked { left: 0, first } => {
                let left = self.chunk_size(first).await?;
                if left == 0 {
                    while !self.reader.line().await?.is_empty() {}
                    self.framing = Framing::Empty;
                    return Ok(None);
                }
                self.chunk_piece(left).await
            }
            Framing::Chunked { left, .. } => self.chunk_piece(left).await,
        }
    }

    /// True if the end is known to be reached.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.framing, Framing::Empty | Framing::Length { left: 0 })
    }

    /// The connection, if it may serve another request: the answer was read to its end, the
    /// request was sent to its end, and nothing else came.
    pub(crate) async fn into_idle(mut self) -> Option<TcpStream> {
        let is_clean = self.stays_open && self.is_finished() && self.reader.buffer.is_empty();
        if !is_clean || !self.writer.0.is_finished() {
            return None;
        }
        let write = (&mut self.writer.0).await.ok()?.ok()?;
        self.reader.read.reunite(write).ok()
    }

    /// The whole body, if it is at most `max` bytes.
    pub(crate) async fn whole(&mut self, max: usize) -> Result<Vec<u8>, WireError> {
        let mut out = Vec::new();
        while let Some(piece) = self.next().await? {
            out.extend_from_slice(&piece);
            if out.len() > max {
                return Err(WireError::Garbage(format!("the body is over {max} bytes")));
            }
        }
        Ok(out)
    }

    async fn piece(&mut self, left: u64) -> Result<Bytes, WireError> {
        match self.reader.some(left).await {
            Ok(Some(piece)) => Ok(piece),
            _ => Err(WireError::Truncated),
        }
    }

    async fn chunk_piece(&mut self, left: u64) -> Result<Option<Bytes>, WireError> {
        let piece = self.piece(left).await?;
        self.framing = Framing::Chunked {
            left: left - piece.len() as u64,
            first: false,
        };
        Ok(Some(piece))
    }

    async fn chunk_size(&mut self, first: bool) -> Result<u64, WireError> {
        if !first {
            // The end of the line after the last chunk's bytes.
            self.reader.line().await?;
        }
        let line = self.reader.line().await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16)
            .map_err(|_| WireError::Garbage(format!("`{digits}` is no chunk size")))
    }
}
