//! Names of segments: what is ours, and of which day.

use jiff::civil::Date;

use crate::ports::audit::{Book, Segment};

/// How the names of segments end.
const ENDING: &str = ".jsonl";

/// The path of a segment below the audit's root.
pub(super) fn path(book: Book, day: Date, name: &str) -> String {
    format!("{}/{day}/{name}{ENDING}", book.as_str())
}

/// The name of a writer's segment within its day.
pub(super) fn name(writer: &str, number: u32) -> String {
    format!("{writer}-{number:06}")
}

/// Reads what stands below the book. `None` for everything that is not exactly of our form: it is
/// neither shown nor ever removed.
pub(super) fn segment(book: Book, below: &str, bytes: u64) -> Option<Segment> {
    let (day, file) = below.split_once('/')?;
    let name = file.strip_suffix(ENDING)?;
    let (writer, number) = name.rsplit_once('-')?;
    let ours = !writer.is_empty()
        && writer
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && number.len() == 6
        && number.bytes().all(|b| b.is_ascii_digit());
    Some(Segment {
        book,
        day: self::day(day)?,
        name: name.to_owned(),
        bytes,
    })
    .filter(|_| ours)
}

/// Reads a day, in its one form.
pub(super) fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_segment_is_found_under_its_name() {
        let day = date(2026, 9, 1);
        let path = path(Book::Decisions, day, &name("9f86d081", 12));
        assert_eq!(path, "decisions/2026-09-01/9f86d081-000012.jsonl");
        let below = path.strip_prefix("decisions/").unwrap();
        let found = segment(Book::Decisions, below, 7).unwrap();
        assert_eq!((found.day, found.name.as_str()), (day, "9f86d081-000012"));
    }

    #[test]
    fn what_others_left_is_no_segment() {
        for below in [
            "2026-09-01/notes.txt",
            "2026-09-01/notes.jsonl",
            "2026-09-01/a-000001.jsonl.bak",
            "2026-9-1/a-000001.jsonl",
            "2026-09-01/a/b-000001.jsonl",
            "2026-09-01/../a-000001.jsonl",
            "2026-09-01/A-000001.jsonl",
            "yesterday/a-000001.jsonl",
            "a-000001.jsonl",
        ] {
            assert_eq!(segment(Book::Decisions, below, 1), None, "{below}");
        }
    }
}
