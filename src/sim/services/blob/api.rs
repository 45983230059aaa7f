//! The service's REST API.

use jiff::Timestamp;

use super::answers::{self, Refusal};
use super::conditions;
use super::leases::Lease;
use super::store::{Blob, Container, State};
use crate::sim::answer::http_date;
use crate::sim::services::{Ask, Reply};

/// Answers one call.
pub(super) fn answer(state: &mut State, now: Timestamp, ask: &Ask) -> Result<Reply, Refusal> {
    let signed = ask.parameter("sig").is_some();
    if !signed && ask.header("authorization").is_none() {
        return Err(answers::NO_AUTHENTICATION);
    }
    match (ask.method.as_str(), ask.path.as_slice()) {
        (method, [container]) if ask.parameter("restype") == Some("container") => {
            of_container(state, now, method, container)
        }
        (method, [container, name @ ..]) if !name.is_empty() => {
            if !state.containers.contains_key(container) {
                // While it is being deleted, all but its creation is "not found":
                // https://learn.microsoft.com/rest/api/storageservices/delete-container
                return Err(answers::NO_CONTAINER);
            }
            of_blob(state, now, ask, method, container, &name.join("/"))
        }
        _ => Err(answers::NO_CONTAINER),
    }
}

fn of_container(
    state: &mut State,
    now: Timestamp,
    method: &str,
    name: &str,
) -> Result<Reply, Refusal> {
    let there = state.containers.contains_key(name);
    match method {
        "PUT" if there => Err(answers::CONTAINER_EXISTS),
        "PUT" if state.deleting.contains_key(name) => Err(answers::CONTAINER_DELETING),
        "PUT" => {
            state
                .containers
                .insert(name.to_owned(), Container::default());
            Ok(Reply::text(201, "").header("etag", state.etag()))
        }
        _ if !there => Err(answers::NO_CONTAINER),
        "DELETE" => {
            state.delete(name, now);
            Ok(Reply::text(202, ""))
        }
        _ => Ok(Reply::text(200, "")),
    }
}

fn of_blob(
    state: &mut State,
    now: Timestamp,
    ask: &Ask,
    method: &str,
    container: &str,
    name: &str,
) -> Result<Reply, Refusal> {
    let etag = state.etag();
    let Some(held) = state.containers.get_mut(container) else {
        return Err(answers::NO_CONTAINER);
    };
    match (method, ask.parameter("comp")) {
        ("PUT", None) => put(held, now, ask, name, etag),
        ("PUT", Some("metadata")) => put_metadata(found(held, name)?, now, ask, etag),
        ("PUT", Some("lease")) => lease(found(held, name)?, now, ask),
        ("PUT", Some("snapshot")) => {
            let blob = found(held, name)?;
            blob.snapshots += 1;
            Ok(Reply::text(201, "").header("x-ms-snapshot", now.to_string()))
        }
        ("DELETE", None) => delete(held, now, ask, name),
        ("GET" | "HEAD", None) => Ok(read(found(held, name)?, now, ask)),
        _ => Err(answers::BAD_HEADER),
    }
}

fn found<'s>(container: &'s mut Container, name: &str) -> Result<&'s mut Blob, Refusal> {
    container.blobs.get_mut(name).ok_or(answers::NO_BLOB)
}

/// What forbids a write on what stands there.
fn refuse_write(blob: &Blob, now: Timestamp, ask: &Ask) -> Result<(), Refusal> {
    if blob.held {
        return Err(answers::LEGAL_HOLD);
    }
    if blob.copied_until.is_some_and(|until| until > now) {
        return Err(answers::PENDING_COPY);
    }
    blob.lease.admits(ask.header("x-ms-lease-id"), now)
}

fn put(
    container: &mut Container,
    now: Timestamp,
    ask: &Ask,
    name: &str,
    etag: String,
) -> Result<Reply, Refusal> {
    if ask.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(answers::NO_HEADER);
    }
    let there = container.blobs.get(name);
    conditions::of_write(ask, there)?;
    match there {
        Some(blob) => refuse_write(blob, now, ask)?,
        None if ask.header("x-ms-lease-id").is_some() => return Err(answers::LEASE_NONE),
        None => {}
    }
    let kind = ask
        .header("x-ms-blob-content-type")
        .or(ask.header("content-type"));
    let blob = Blob {
        content: ask.body.clone(),
        content_type: kind.unwrap_or("application/octet-stream").to_owned(),
        metadata: metadata(ask),
        etag: etag.clone(),
        modified: now,
        lease: there.map_or(Lease::Available, |blob| blob.lease.clone()),
        snapshots: there.map_or(0, |blob| blob.snapshots),
        copied_until: None,
        held: false,
    };
    container.blobs.insert(name.to_owned(), blob);
    Ok(changed(201, &etag, now))
}

fn put_metadata(
    blob: &mut Blob,
    now: Timestamp,
    ask: &Ask,
    etag: String,
) -> Result<Reply, Refusal> {
    conditions::of_write(ask, Some(blob))?;
    refuse_write(blob, now, ask)?;
    blob.metadata = metadata(ask);
    blob.modified = now;
    blob.etag = etag;
    Ok(changed(200, &blob.etag, now))
}

fn delete(
    container: &mut Container,
    now: Timestamp,
    ask: &Ask,
    name: &str,
) -> Result<Reply, Refusal> {
    let blob = found(container, name)?;
    conditions::of_write(ask, Some(blob))?;
    refuse_write(blob, now, ask)?;
    if blob.snapshots > 0 && ask.header("x-ms-delete-snapshots").is_none() {
        return Err(answers::SNAPSHOTS);
    }
    container.blobs.remove(name);
    Ok(Reply::text(202, ""))
}

fn lease(blob: &mut Blob, now: Timestamp, ask: &Ask) -> Result<Reply, Refusal> {
    let number = |name: &str| ask.header(name).and_then(|value| value.parse::<i64>().ok());
    let id = ask.header("x-ms-lease-id").unwrap_or_default();
    let status = match ask.header("x-ms-lease-action") {
        Some("acquire") => {
            let term = number("x-ms-lease-duration").ok_or(answers::NO_HEADER)?;
            if term != -1 && !(15..=60).contains(&term) {
                return Err(answers::BAD_HEADER);
            }
            let proposed = ask.header("x-ms-proposed-lease-id");
            let id = proposed.unwrap_or("1f812371-a41d-49e6-b123-f4b542e85c2e");
            blob.lease.acquire(id, term, now)?;
            return Ok(changed(201, &blob.etag, blob.modified).header("x-ms-lease-id", id));
        }
        Some("renew") => blob.lease.renew(id, now).map(|()| 200)?,
        Some("release") => blob.lease.release(id).map(|()| 200)?,
        Some("break") => {
            let period = number("x-ms-lease-break-period").unwrap_or(0);
            blob.lease.break_within(period, now).map(|()| 202)?
        }
        _ => return Err(answers::NO_HEADER),
    };
    Ok(changed(status, &blob.etag, blob.modified))
}

fn read(blob: &Blob, now: Timestamp, ask: &Ask) -> Reply {
    if ask.header("if-none-match") == Some(blob.etag.as_str()) {
        return Reply::text(304, "");
    }
    let state = blob.lease.shown(now);
    let locked = matches!(state, "leased" | "breaking");
    let mut reply = changed(200, &blob.etag, blob.modified)
        .header("content-type", &blob.content_type)
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-lease-state", state)
        .header(
            "x-ms-lease-status",
            if locked { "locked" } else { "unlocked" },
        );
    if blob.copied_until.is_some_and(|until| until > now) {
        reply = reply.header("x-ms-copy-status", "pending");
    }
    for (name, value) in &blob.metadata {
        reply = reply.header(&format!("x-ms-meta-{name}"), value);
    }
    reply.body.clone_from(&blob.content);
    reply
}

fn changed(status: u16, etag: &str, modified: Timestamp) -> Reply {
    Reply::text(status, "")
        .header("etag", etag)
        .header("last-modified", http_date(modified))
}

fn metadata(ask: &Ask) -> Vec<(String, String)> {
    let own = ask.headers.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix("x-ms-meta-")?.to_owned(), value.clone()))
    });
    own.collect()
}
