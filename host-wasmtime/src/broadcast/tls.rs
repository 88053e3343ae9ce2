//! Which cryptography TLS to brokers stands on.

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The libraries ask for the one that the process has chosen, and panic when it has chosen none and knows several. Who
/// wants another one installs it before connecting.
pub(super) fn choose_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may just have done it.
        let _ = ring::default_provider().install_default();
    }
}
