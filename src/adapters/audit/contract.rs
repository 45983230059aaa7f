//! What every [`Audit`] must do, as functions that panic where it does not.
//!
//! Each function takes two handles on the same place, as two processes have them.

use futures::future::join_all;
use jiff::civil::{Date, date};

use crate::ports::audit::{Audit, AuditError, Book, LINE_MAX, Segment};

const DAY: Date = date(2026, 9, 1);
const NEXT: Date = date(2026, 9, 2);

async fn append(audit: &dyn Audit, book: Book, day: Date, lines: &[String]) {
    let appended = audit.append(book, day, lines).await;
    appended.unwrap_or_else(|error| panic!("lines must be taken: {error}"));
}

async fn segments(audit: &dyn Audit, book: Book, since: Option<Date>) -> Vec<Segment> {
    let listed = audit.segments(book, since).await;
    listed.unwrap_or_else(|error| panic!("segments must be listed: {error}"))
}

/// Every whole line of a book, by segment in order.
async fn lines(audit: &dyn Audit, book: Book) -> Vec<String> {
    let mut all = Vec::new();
    for segment in segments(audit, book, None).await {
        let part = audit.read(&segment, 0).await;
        let part = part.unwrap_or_else(|error| panic!("{segment:?} must be readable: {error}"));
        assert_eq!(part.torn, 0, "nothing was torn in {segment:?}");
        all.extend(part.lines);
    }
    all
}

fn numbered(what: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|at| format!("{{\"{what}\":{at}}}"))
        .collect()
}

/// Lines come back whole, in their order, to whoever reads.
pub async fn shows_lines_in_order(one: &dyn Audit, other: &dyn Audit) {
    assert_eq!(lines(one, Book::Decisions).await, [""; 0]);
    append(one, Book::Decisions, DAY, &[]).await;
    assert_eq!(segments(other, Book::Decisions, None).await, []);
    let written = numbered("n", 250);
    for some in written.chunks(100) {
        append(one, Book::Decisions, DAY, some).await;
    }
    assert_eq!(lines(other, Book::Decisions).await, written);
    assert_eq!(lines(other, Book::Refusals).await, [""; 0]);
}

/// Books and days are kept apart, and a reader may begin with a day.
pub async fn keeps_books_and_days_apart(one: &dyn Audit, other: &dyn Audit) {
    for (book, day, text) in [
        (Book::Decisions, DAY, "1"),
        (Book::Refusals, DAY, "2"),
        (Book::Decisions, NEXT, "3"),
        (Book::Decisions, DAY, "4"),
    ] {
        append(one, book, day, &[text.to_owned()]).await;
    }
    assert_eq!(lines(other, Book::Refusals).await, ["2"]);
    assert_eq!(lines(other, Book::Decisions).await, ["1", "4", "3"]);
    let later = segments(other, Book::Decisions, Some(NEXT)).await;
    let days: Vec<Date> = later.iter().map(|segment| segment.day).collect();
    assert_eq!(days, [NEXT]);
}

/// A reader goes on where it stopped, and sees what came since, and nothing twice.
pub async fn is_read_on_from_a_position(one: &dyn Audit, other: &dyn Audit) {
    append(one, Book::Decisions, DAY, &numbered("a", 3)).await;
    let segment = segments(other, Book::Decisions, None).await.remove(0);
    let read = async |from| {
        let part = other.read(&segment, from).await;
        part.unwrap_or_else(|error| panic!("it must be readable from {from}: {error}"))
    };
    let first = read(0).await;
    assert_eq!(first.lines, numbered("a", 3));
    assert_eq!(first.next, segment.bytes, "a listing tells the size");
    let nothing = read(first.next).await;
    assert_eq!((nothing.lines.len(), nothing.next), (0, first.next));
    append(one, Book::Decisions, DAY, &numbered("b", 2)).await;
    let more = read(first.next).await;
    assert_eq!(more.lines, numbered("b", 2));
    assert!(more.next > first.next);
    let gone = Segment {
        name: "nobody-000001".to_owned(),
        day: NEXT,
        ..segment.clone()
    };
    let gone = other.read(&gone, 0).await;
    assert_eq!(gone.map(|part| part.lines), Ok(Vec::new()));
}

/// Two writers lose nothing to each other.
pub async fn serves_two_writers(one: &dyn Audit, other: &dyn Audit) {
    let all = |what: &'static str| numbered(what, 60);
    let writing = [(one, "one"), (other, "other")].map(|(audit, what)| async move {
        for some in all(what).chunks(7) {
            append(audit, Book::Decisions, DAY, some).await;
        }
    });
    join_all(writing).await;
    let read = lines(one, Book::Decisions).await;
    for what in ["one", "other"] {
        let of_one: Vec<String> = read
            .iter()
            .filter(|line| line.contains(&format!("\"{what}\"")))
            .cloned()
            .collect();
        assert_eq!(of_one, all(what), "the lines of {what}, in order");
    }
    assert_eq!(read.len(), 120);
}

/// Long lines and many of them are taken; what is no line is refused and changes nothing.
pub async fn takes_lines_of_any_lawful_size(one: &dyn Audit, other: &dyn Audit) {
    let long: Vec<String> = (0..12_u8)
        .map(|at| char::from(b'a' + at).to_string().repeat(LINE_MAX))
        .collect();
    append(one, Book::Decisions, DAY, &long).await;
    for bad in ["two\nlines".to_owned(), "x".repeat(LINE_MAX + 1)] {
        let refused = one.append(Book::Decisions, DAY, &[bad]).await;
        assert!(
            matches!(refused, Err(AuditError::Denied { .. })),
            "{refused:?}"
        );
    }
    append(one, Book::Decisions, DAY, &numbered("after", 1)).await;
    let mut wanted = long;
    wanted.extend(numbered("after", 1));
    assert!(lines(other, Book::Decisions).await == wanted);
}

/// Removing takes whole days of one book, and only those before the day given.
pub async fn removes_old_days(one: &dyn Audit, other: &dyn Audit) {
    assert_eq!(other.remove(Book::Decisions, NEXT).await, Ok(0));
    for (book, day) in [
        (Book::Decisions, DAY),
        (Book::Decisions, NEXT),
        (Book::Refusals, DAY),
    ] {
        append(one, book, day, &[day.to_string()]).await;
    }
    assert_eq!(other.remove(Book::Decisions, NEXT).await, Ok(1));
    assert_eq!(lines(other, Book::Decisions).await, [NEXT.to_string()]);
    assert_eq!(lines(other, Book::Refusals).await, [DAY.to_string()]);
    append(one, Book::Decisions, NEXT, &numbered("more", 1)).await;
    assert_eq!(lines(other, Book::Decisions).await.len(), 2);
}
