//! The clauses about leases.

use std::time::Duration;

use super::{created, doc, stored};
use crate::ports::state::{DocName, LeaseId, StateError, StateStore};

/// A step between two looks at the same moment of a lease: more than a busy machine loses.
const SLACK: Duration = Duration::from_millis(500);

async fn taken(store: &dyn StateStore, name: &DocName, term: Duration) -> LeaseId {
    let outcome = store.acquire(name, term).await;
    outcome.unwrap_or_else(|error| panic!("the lease of {name} must be free: {error}"))
}

/// While a lease stands, only its holder changes the document.
pub async fn keeps_others_out_of_a_lease(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("lease/exclusion");
    let term = one.lease_terms().1;
    expect_error!(one.acquire(&name, term).await, Absent, "a lease on nothing");
    let version = created(one, &name, b"0").await;
    let lease = taken(one, &name, term).await;
    expect_error!(other.acquire(&name, term).await, Held, "a second lease");
    expect_error!(one.acquire(&name, term).await, Held, "our own second lease");
    assert_eq!(
        stored(other, &name).await.version,
        version,
        "a lease makes no version, and everybody may read"
    );

    let unleased = other.write(&name, b"1".to_vec(), &version, None).await;
    expect_error!(unleased, Held, "a write without the lease");
    expect_error!(other.put(&name, b"1".to_vec()).await, Held, "a put");
    expect_error!(other.delete(&name).await, Held, "a removal");
    expect_error!(
        other.create(&name, b"1".to_vec()).await,
        Exists,
        "a creation over a leased document"
    );
    let stranger = LeaseId("11111111-2222-4333-8444-555555555555".into());
    let forged = other.write(&name, b"1".to_vec(), &version, Some(&stranger));
    expect_error!(forged.await, Lost, "a write with another lease");
    expect_error!(
        other.renew(&name, &stranger).await,
        Lost,
        "a stranger's renewal"
    );
    expect_error!(
        other.release(&name, &stranger).await,
        Lost,
        "a stranger's release"
    );

    one.renew(&name, &lease).await.expect("ours to renew");
    let written = one.write(&name, b"1".to_vec(), &version, Some(&lease));
    let version = written.await.expect("ours to write");
    let again = one.write(&name, b"2".to_vec(), &version, Some(&lease));
    let version = again.await.expect("a write leaves the lease standing");
    assert_eq!(stored(other, &name).await.bytes, b"2");
    one.release(&name, &lease).await.expect("ours to give back");
    let late = one.write(&name, b"3".to_vec(), &version, Some(&lease));
    expect_error!(late.await, Lost, "a write with a lease given back");
}

/// A lease that was given back or went with its document is lost to its holder, whoever has it now.
pub async fn refuses_a_former_holder(one: &dyn StateStore, other: &dyn StateStore) {
    let name = doc("lease/former");
    let term = one.lease_terms().1;
    let version = created(one, &name, b"0").await;
    let old = taken(one, &name, term).await;
    one.release(&name, &old).await.expect("ours to give back");
    expect_error!(
        one.renew(&name, &old).await,
        Lost,
        "a renewal after release"
    );
    expect_error!(one.release(&name, &old).await, Lost, "a second release");

    let new = taken(other, &name, term).await;
    assert_ne!(old, new, "each lease has its own id");
    let stale = one.write(&name, b"1".to_vec(), &version, Some(&old)).await;
    expect_error!(stale, Lost, "the write of a holder whose lease was taken");
    let written = other.write(&name, b"2".to_vec(), &version, Some(&new));
    written.await.expect("the new holder writes");

    other.release(&name, &new).await.expect("ours to give back");
    one.delete(&name).await.expect("nobody leases it");
    expect_error!(one.renew(&name, &new).await, Lost, "a lease on nothing");
    expect_error!(one.release(&name, &new).await, Lost, "a lease on nothing");
}

/// Leases end by themselves. Takes one and a half of the shortest term, two seconds at least.
pub async fn lets_leases_lapse(one: &dyn StateStore, other: &dyn StateStore) {
    let term = one.lease_terms().0.max(Duration::from_secs(2));
    futures::join!(
        a_lapsed_lease_is_free_for_others(one, other, term),
        a_lapsed_lease_is_no_licence(one, term),
        a_write_without_a_lease_ends_a_lapsed_one(one, other, term),
        a_renewal_begins_the_term_anew(one, other, term),
    );
}

async fn a_lapsed_lease_is_free_for_others(
    one: &dyn StateStore,
    other: &dyn StateStore,
    term: Duration,
) {
    let name = doc("lease/lapse");
    let version = created(one, &name, b"0").await;
    let old = taken(one, &name, term).await;
    tokio::time::sleep(term + SLACK).await;
    let new = taken(other, &name, term).await;
    let stale = one.write(&name, b"1".to_vec(), &version, Some(&old)).await;
    expect_error!(stale, Lost, "the write of a holder who slept too long");
    expect_error!(one.renew(&name, &old).await, Lost, "a renewal too late");
    expect_error!(one.release(&name, &old).await, Lost, "a release too late");
    let written = other.write(&name, b"2".to_vec(), &version, Some(&new));
    written.await.expect("the new holder writes");
}

async fn a_lapsed_lease_is_no_licence(one: &dyn StateStore, term: Duration) {
    let name = doc("lease/unused");
    let version = created(one, &name, b"0").await;
    let lease = taken(one, &name, term).await;
    tokio::time::sleep(term + SLACK).await;
    let late = one.write(&name, b"1".to_vec(), &version, Some(&lease));
    expect_error!(late.await, Lost, "a write after the term");
    one.renew(&name, &lease)
        .await
        .expect("a lapsed lease that nobody took may be renewed");
    let written = one.write(&name, b"1".to_vec(), &version, Some(&lease));
    written.await.expect("renewed, it stands again");
}

async fn a_write_without_a_lease_ends_a_lapsed_one(
    one: &dyn StateStore,
    other: &dyn StateStore,
    term: Duration,
) {
    let name = doc("lease/overwritten");
    let version = created(one, &name, b"0").await;
    let lease = taken(one, &name, term).await;
    tokio::time::sleep(term + SLACK).await;
    let written = other.write(&name, b"1".to_vec(), &version, None).await;
    written.expect("a lapsed lease stands in nobody's way");
    expect_error!(
        one.renew(&name, &lease).await,
        Lost,
        "a renewal after somebody wrote"
    );
}

async fn a_renewal_begins_the_term_anew(
    one: &dyn StateStore,
    other: &dyn StateStore,
    term: Duration,
) {
    let name = doc("lease/renewed");
    created(one, &name, b"0").await;
    let lease = taken(one, &name, term).await;
    tokio::time::sleep(term / 2).await;
    one.renew(&name, &lease).await.expect("still ours");
    tokio::time::sleep(term / 2 + term / 8).await;
    expect_error!(
        other.acquire(&name, term).await,
        Held,
        "a lease renewed in time"
    );
    tokio::time::sleep(term / 2 - term / 8 + SLACK).await;
    taken(other, &name, term).await;
}

/// Terms that cannot be kept are refused, never clipped.
pub async fn refuses_terms_it_cannot_keep(one: &dyn StateStore, _other: &dyn StateStore) {
    let name = doc("lease/terms");
    created(one, &name, b"0").await;
    let (shortest, longest) = one.lease_terms();
    for term in [
        Duration::ZERO,
        shortest - Duration::from_millis(1),
        longest + Duration::from_millis(1),
    ] {
        expect_error!(
            one.acquire(&name, term).await,
            Denied,
            "a term out of bounds"
        );
    }
    taken(one, &name, shortest).await;
}
