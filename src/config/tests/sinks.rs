//! Where notifications go.

use super::*;

#[test]
fn a_sink_is_a_folder_of_a_laptop_or_a_queue() {
    let sink = |source, more: &[(&str, &str)]| {
        let settings = Settings::read(&with(source, more)).unwrap();
        settings.passes.unwrap().sink
    };
    assert_eq!(sink(azure(), &[]), None);
    let folder = [("EVERGRAPH_SINK", "file:/tmp/sink")];
    assert_eq!(
        sink(laptop(), &folder),
        Some(SinkLocation::Folder("/tmp/sink".into()))
    );
    assert_eq!(sink(azure(), &folder), None, "a laptop's in production");
    let queue = ("EVERGRAPH_SINK", "https://a.queue.core.windows.net/q?sig=x");
    let expiring = sink(azure(), &[queue, ("EVERGRAPH_SINK_EXPIRES", "14d")]);
    let Some(SinkLocation::Queue { blobs, expires, .. }) = expiring else {
        panic!("{expiring:?}");
    };
    assert_eq!(blobs, None);
    assert_eq!(expires, Some(SignedDuration::from_hours(14 * 24)));
    let blobs = ("EVERGRAPH_SINK_BLOBS", "https://a.blob.core.windows.net/c");
    assert!(sink(azure(), &[queue, blobs]).is_some());
    assert_eq!(
        sink(azure(), &[queue, ("EVERGRAPH_SINK_BLOBS", "c")]),
        None,
        "half a sink is none"
    );
}

#[test]
fn a_wrong_sink_stops_the_intake_and_no_pass() {
    let wrong = Settings::read(&with(azure(), &[("EVERGRAPH_SINK", "queue")])).unwrap();
    let [problem] = wrong.problems.0.as_slice() else {
        panic!("{}", wrong.problems);
    };
    assert_eq!(problem.effect, Effect::NoIntake);
    assert_eq!(wrong.passes.unwrap().mode, Mode::Full);
}

#[test]
fn a_sink_that_forgets_is_for_measurements_on_this_machine() {
    let sink = |source, text| {
        let settings = Settings::read(&with(source, &[("EVERGRAPH_SINK", text)])).unwrap();
        (settings.passes.unwrap().sink, settings.problems.to_string())
    };
    let takes = |ms| {
        let takes = std::time::Duration::from_millis(ms);
        Some(SinkLocation::Memory { takes })
    };
    assert_eq!(sink(laptop(), "memory:").0, takes(0));
    assert_eq!(sink(laptop(), "memory:100ms").0, takes(100));
    for wrong in [
        "memory:100",
        "memory:ms",
        "memory:-1ms",
        "memory:60000ms",
        "memory",
    ] {
        assert_eq!(sink(laptop(), wrong).0, None, "{wrong}");
    }
    let (none, problems) = sink(azure(), "memory:");
    assert_eq!(none, None, "it would forget what was acknowledged");
    assert!(problems.contains("forgets every event"), "{problems}");
}
