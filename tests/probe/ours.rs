//! The handler's own handshake.

use evergraph::http::{Handler, serve};
use jiff::SignedDuration;
use tokio::net::TcpListener;

use crate::fleet::home;
use crate::receiver::report;

#[tokio::test]
async fn the_handshake_of_the_handler_passes_every_case() {
    let home = home("https://app.example.com", "prod", &[]);
    let handler = Handler::new(
        home.fleets().cloned().collect(),
        SignedDuration::from_mins(5),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = serve(listener, handler.router(), std::future::pending::<()>());
    tokio::spawn(served);
    for route in ["notifications", "lifecycle"] {
        let url = format!("http://{address}/api/{route}/prod");
        let report = report(url.parse().unwrap(), &["handshake", "strain.alive"]).await;
        assert!(report.is_clean(false), "{}", report.text());
        assert!(report.cases.len() > 15, "{}", report.cases.len());
    }
}
