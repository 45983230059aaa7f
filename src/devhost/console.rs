//! Levels and categories of the lines that a handler writes.

use super::events::{Category, ConsoleLine, Level};

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

const SYSTEM_PREFIX: &str = "LanguageWorkerConsoleLog";
const TOOLING_PREFIX: &str = "azfuncjsonlog:";
/// Words that make a line of stderr an error when `useStdErrorStreamForErrorsOnly` is false.
const ERROR_WORDS: [&str; 4] = ["error", "fail", "severe", "unhandled exception"];

/// Level and category of a line, by the host's mapping (WorkerProcess.cs).
pub(crate) fn classify(stream: Stream, text: &str, stderr_is_errors_only: bool) -> ConsoleLine {
    let (category, text) = if let Some(rest) = text.strip_prefix(SYSTEM_PREFIX) {
        (Category::System, rest)
    } else if let Some(rest) = text.strip_prefix(TOOLING_PREFIX) {
        (Category::Tooling, rest)
    } else {
        (Category::Console, text)
    };
    ConsoleLine {
        level: level(stream, text, stderr_is_errors_only),
        category,
        text: text.to_owned(),
    }
}

fn level(stream: Stream, text: &str, stderr_is_errors_only: bool) -> Level {
    let lower = text.to_lowercase();
    match stream {
        Stream::Out => Level::Information,
        Stream::Err if lower.contains("warn") => Level::Warning,
        Stream::Err if stderr_is_errors_only => Level::Error,
        Stream::Err if ERROR_WORDS.iter().any(|word| lower.contains(word)) => Level::Error,
        Stream::Err => Level::Information,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_level(stream: Stream, text: &str, errors_only: bool, expected: Level) {
        assert_eq!(
            classify(stream, text, errors_only).level,
            expected,
            "{text}"
        );
    }

    #[test]
    fn stdout_is_information_and_stderr_an_error_unless_it_warns() {
        check_level(Stream::Out, "error: bad", true, Level::Information);
        check_level(Stream::Err, "listening", true, Level::Error);
        check_level(Stream::Err, "a WARNing", true, Level::Warning);
        check_level(Stream::Err, "listening", false, Level::Information);
        check_level(Stream::Err, "it FAILed", false, Level::Error);
        check_level(Stream::Err, "warning: error", false, Level::Warning);
    }

    #[test]
    fn prefixes_choose_the_log_and_are_removed() {
        let line = classify(Stream::Out, "LanguageWorkerConsoleLog ready", true);
        assert_eq!(
            (line.category, line.text.as_str()),
            (Category::System, " ready")
        );
        let line = classify(Stream::Out, "azfuncjsonlog:{}", true);
        assert_eq!(
            (line.category, line.text.as_str()),
            (Category::Tooling, "{}")
        );
        assert_eq!(classify(Stream::Out, "x", true).category, Category::Console);
    }
}
