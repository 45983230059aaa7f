//! The specification of what a site serves.

use std::path::Path;

use url::Url;

use super::super::super::declaration::fields::Fields;
use super::{Checks, not_empty};
use crate::domain::ensure::kinds::app_service::{Site, Wanted};
use crate::domain::ensure::kinds::owner::Digest;

/// Largest package. Kudu takes 2 GiB; a package is held in memory here.
const PACKAGE_MAX: usize = 512 * 1024 * 1024;

/// A site and the package that it is to serve.
#[derive(Clone, Debug)]
pub struct AppServiceSpec {
    /// What is wanted.
    pub wanted: Wanted,
    /// The package.
    pub package: Vec<u8>,
    /// The application setting in which the app keeps its own CORS origins.
    pub cors_setting: Option<String>,
    /// Where the deployment service is, if not at `https://{site}.scm.azurewebsites.net`.
    pub scm_url: Option<Url>,
}

pub(super) fn read(mut fields: Fields<'_, '_, '_>, folder: &Path) -> Option<AppServiceSpec> {
    let text = "a text in quotes";
    let subscription = fields.text("subscription", text);
    let group = fields.text("resource_group", text);
    let site = fields.text("site", text);
    let owner = fields.text("owner", text);
    let package = fields.text("package", "the path of a zip file in quotes");
    let take_over = fields.text("take_over", "the id of a deployment in quotes");
    let cors = fields.text("app_cors_setting", "the name of a setting in quotes");
    let scm = fields.text("scm_url", "an address in quotes");
    let findings = fields.finished();
    let mut checks = Checks(findings);
    for (key, at) in [
        ("subscription", &subscription),
        ("resource_group", &group),
        ("site", &site),
    ] {
        checks.needed(key, at.as_ref(), "the site's place in Azure", not_empty);
    }
    let owner = checks.owner(owner.as_ref());
    if package.is_none() {
        checks.missing("package", "the path of the zip file to deploy");
    }
    let bytes = checks.file("package", package.as_ref(), folder, PACKAGE_MAX);
    let take_over = checks.value(
        "take_over",
        take_over.as_ref(),
        "the id of a deployment",
        not_empty,
    );
    let cors_setting = checks.value(
        "app_cors_setting",
        cors.as_ref(),
        "the name of a setting",
        not_empty,
    );
    let scm_url = checks.value("scm_url", scm.as_ref(), "an https address", |text| {
        Url::parse(text).ok()
    });
    let (subscription, group, site) = (subscription?, group?, site?);
    let place = match Site::new(&subscription.value, &group.value, &site.value) {
        Ok(place) => place,
        Err((part, rule)) => {
            let at = match part {
                "subscription" => &subscription,
                "resource_group" => &group,
                _ => &site,
            };
            checks.bad(part, at, rule);
            return None;
        }
    };
    let package = bytes?;
    Some(AppServiceSpec {
        wanted: Wanted {
            site: place,
            owner: owner?,
            package: Digest::of(&package),
            take_over,
        },
        package,
        cors_setting,
        scm_url,
    })
}
