//! Headers that keep a browser from doing what no page here asks for.

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{connections::Peer, site::Site};
use crate::access::Origin;

/// What a page may load: its own style, script and pictures, and nothing written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

/// Half a year, after which a browser may again come unencrypted.
const ENCRYPTED: &str = "max-age=15768000";

/// Adds the headers; what is not said to be kept is not kept by browsers either.
pub(super) async fn strict(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.settings.is_encrypted {
        let kept = HeaderValue::from_static(ENCRYPTED);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, kept);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Names of this machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The name in `name:port`.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Refuses requests under a foreign name, so that no site of another name can be pointed at this
/// machine and read or record in its visitor's place; and what another site's page sends to change
/// something. Notes where the others come from.
pub(super) async fn named(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let is_own = |host: &str| {
        let same = |own: &str| own.eq_ignore_ascii_case(name(host));
        LOOPBACK.into_iter().any(same) || site.settings.hosts.iter().any(|own| same(own))
    };
    if !host.is_some_and(is_own) {
        let told = "not a name of this page; see --page-host\n";
        return (StatusCode::MISDIRECTED_REQUEST, told).into_response();
    }
    if !request.method().is_safe() && !is_from_here(request.headers(), is_own) {
        return (StatusCode::FORBIDDEN, "sent by a page of another site\n").into_response();
    }
    if let Some(ConnectInfo(Peer(peer))) = request.extensions().get() {
        let origin = Origin::Peer(peer.ip().to_canonical());
        request.extensions_mut().insert(origin);
    }
    next.run(request).await
}

/// Whether a browser says nothing of a page of another site. Programs that are no browsers say nothing at
/// all.
fn is_from_here(headers: &HeaderMap, is_own: impl Fn(&str) -> bool) -> bool {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return false;
    }
    headers.get(header::ORIGIN).is_none_or(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        origin.split_once("://").is_some_and(|(_, host)| is_own(host))
    })
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_port_is_no_part_of_the_name() {
        for (host, expected) in [
            ("localhost:8080", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("example.org", "example.org"),
        ] {
            assert_eq!(name(host), expected);
        }
    }
}
