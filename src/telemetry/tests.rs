//! What the host would make of our lines.

use super::*;

#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }
}

/// Runs `events` and gives back the lines of stdout and of stderr.
fn written(filter: &str, format: Format, events: impl FnOnce()) -> (Vec<String>, Vec<String>) {
    let (out, err) = (Stream::default(), Stream::default());
    let subscriber = subscriber(filter, format, Console::new(out.clone(), err.clone())).unwrap();
    tracing::subscriber::with_default(subscriber, events);
    (out.lines(), err.lines())
}

/// The host's rule for a line of stderr, with its setting `useStdErrorStreamForErrorsOnly`.
fn level_at_the_host(stderr_line: &str) -> Level {
    if stderr_line.to_lowercase().contains("warn") {
        Level::WARN
    } else {
        Level::ERROR
    }
}

fn one_of_each() {
    tracing::debug!("unheard");
    tracing::info!("renewed");
    tracing::warn!("the lease was lost");
    tracing::error!("could not renew \"early-warning\": WARN");
}

#[track_caller]
fn check_levels(format: Format) {
    let (out, err) = written("", format, one_of_each);
    assert_eq!(out.len(), 1, "{out:?}");
    assert!(out[0].contains("renewed"), "{out:?}");
    assert_eq!(err.len(), 2, "{err:?}");
    assert_eq!(level_at_the_host(&err[0]), Level::WARN, "{err:?}");
    assert_eq!(level_at_the_host(&err[1]), Level::ERROR, "{err:?}");
}

#[test]
fn the_host_files_each_line_under_its_level() {
    check_levels(Format::Text);
    check_levels(Format::Json);
}

#[test]
fn a_json_line_says_exactly_what_was_meant() {
    let (_, err) = written("info", Format::Json, || {
        tracing::error!(
            { field::SUBSCRIPTION_NAME } = "early-warning",
            "could not renew\r\nWarn"
        );
    });
    assert_eq!(err.len(), 1);
    let event: serde_json::Value = serde_json::from_str(&err[0]).unwrap();
    assert_eq!(event["message"], "could not renew\r\nWarn");
    assert_eq!(event["subscription.name"], "early-warning");
    assert_eq!(event["level"], "ERROR");
    assert!(event["timestamp"].is_string());
}

#[test]
fn an_event_is_one_line_whatever_it_says() {
    let (out, _) = written("info", Format::Text, || {
        tracing::info!({ field::FLEET } = %"a\nb", "first\r\nsecond\n");
    });
    assert_eq!(out.len(), 1, "{out:?}");
    assert!(out[0].contains(r"first\r\nsecond"), "{out:?}");
    assert!(out[0].contains(r"fleet=a\nb"), "{out:?}");
}

#[test]
fn the_filter_decides_about_us_and_others_are_held_to_warnings() {
    let (out, err) = written("evergraph=debug,trace", Format::Text, || {
        tracing::debug!("ours");
        tracing::trace!("too fine");
        tracing::info!(target: "hyper::client", "GET /x?code=hunter2");
        tracing::debug!(target: "evergraphite", "not ours");
        tracing::warn!(target: "azure_core", "trouble");
    });
    assert_eq!(out.len(), 1, "{out:?}");
    assert!(out[0].contains("ours"), "{out:?}");
    assert_eq!(err.len(), 1, "{err:?}");
}

#[test]
fn a_malformed_filter_is_refused_with_its_reason() {
    let refused = subscriber("evergraph=loud=x", Format::Text, Console::of_process());
    let message = refused.map(|_| ()).unwrap_err().to_string();
    assert!(
        message.starts_with("EVERGRAPH_LOG is no filter"),
        "{message}"
    );
}
