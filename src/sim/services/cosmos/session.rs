//! Session tokens: `{range}:{version}#{global}#{region}={local}…`, a vector of what was seen.
//!
//! Form as the SDKs read it (azure-cosmos-dotnet-v3, `VectorSessionToken.cs`).

use super::REGIONS;
use super::store::Store;

/// What a region tells its callers to have seen.
pub(super) fn token(store: &Store, region: usize) -> String {
    let applied = store.applied[region];
    let global: u64 = applied.iter().sum();
    let mut token = format!("0:1#{global}");
    for (there, seen) in applied.iter().enumerate() {
        token.push_str(&format!("#{there}={seen}"));
    }
    token
}

/// Whether the region has seen everything that the token names.
pub(super) fn is_served(store: &Store, region: usize, token: &str) -> bool {
    let parts = token.split('#').skip(2);
    let seen = parts.filter_map(|part| {
        let (there, lsn) = part.split_once('=')?;
        Some((there.parse::<usize>().ok()?, lsn.parse::<u64>().ok()?))
    });
    seen.into_iter()
        .all(|(there, lsn)| there >= REGIONS || store.applied[region][there] >= lsn)
}
