//! Who sends a request, as far as the network knows.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;

use super::error::Refusal;
use super::listener::Peer;
use super::rate_limit;
use super::state::App;

/// The client's address: the connection's, or what the operator's proxy wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// Where the request comes from.
    pub(crate) address: IpAddr,
}

impl Client {
    /// What counts as one client when tries are counted.
    pub(crate) fn key(&self) -> IpAddr {
        rate_limit::client(self.address)
    }
}

impl<S> FromRequestParts<S> for Client
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let told = app.settings.client_address_header.as_ref();
        let told = told.and_then(|name| last(&parts.headers, name));
        Ok(Self {
            address: told.unwrap_or(peer).to_canonical(),
        })
    }
}

/// The last address of a list header: the one that the nearest proxy wrote.
fn last(headers: &HeaderMap, name: &http::HeaderName) -> Option<IpAddr> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let entry = line.rsplit(',').next()?.trim();
    entry.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_proxy_is_believed() {
        let name = http::HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        assert_eq!(last(&headers, &name), None);
        headers.append(&name, "6.6.6.6".parse().unwrap());
        headers.append(&name, "6.6.6.6, 2001:db8::1".parse().unwrap());
        assert_eq!(last(&headers, &name), Some("2001:db8::1".parse().unwrap()));
        headers.append(&name, "unknown".parse().unwrap());
        assert_eq!(last(&headers, &name), None);
    }
}
