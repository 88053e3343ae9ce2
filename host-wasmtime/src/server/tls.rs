//! TLS on the listening port: certificate and key from PEM files, taken over anew when they change.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use authkernel::ports::Clock;
use authkernel::record::Timestamp;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::reload::Looks;
use super::start::StartError;
use crate::SystemClock;

/// How often the files are looked at: certificates are renewed days before they end.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
const DAY: Timestamp = 24 * 60 * 60;
/// How long before its end a certificate is warned of.
pub(crate) const WARN_BEFORE: Timestamp = 14 * DAY;

/// The certificate that connections are served with.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    /// As they were read.
    files: Files,
    acceptor: TlsAcceptor,
    /// When the certificate ends.
    ends: Timestamp,
}

/// A certificate chain and its key. Never logged.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads both files. Refused when one cannot be used, or when they do not belong together.
    pub(crate) fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, StartError> {
        let wrong = |problem: String| StartError::config(format!("tls: {problem}"));
        let files = Files::read(&certificate, &key).map_err(wrong)?;
        let current = files.current().map_err(wrong)?;
        Ok(Self {
            certificate,
            key,
            current: RwLock::new(current),
        })
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.acceptor.clone()
    }

    /// Takes changed files over until the server stops. Files that are no good change nothing: a certificate and its
    /// key are two files, and between the writes of both they do not fit.
    pub(crate) async fn watch(self: Arc<Self>, mut looks: Looks) {
        let mut refused = String::new();
        let mut warned = None;
        while looks.next().await {
            let tls = Arc::clone(&self);
            let changed = tokio::task::spawn_blocking(move || tls.reload()).await;
            match changed.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(false) => refused.clear(),
                Ok(true) => {
                    refused.clear();
                    tracing::info!("the tls certificate was changed");
                }
                Err(problem) => {
                    if refused != problem {
                        tracing::error!(
                            problem,
                            "the tls files were changed and are not used: those before stay in force"
                        );
                        refused = problem;
                    }
                }
            }
            self.warn_in_time(&mut warned);
        }
    }

    /// When the certificate ends, in seconds since 1970.
    pub(crate) fn ends(&self) -> Timestamp {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.ends
    }

    /// Says once a day that the certificate is about to end, or has ended.
    fn warn_in_time(&self, warned: &mut Option<Timestamp>) {
        let (now, ends) = (SystemClock.now(), self.ends());
        let due = warned.is_none_or(|at| now >= at + DAY);
        if !due || now + WARN_BEFORE < ends {
            return;
        }
        *warned = Some(now);
        let file = self.certificate.display();
        match ends.checked_sub(now) {
            None | Some(0) => tracing::error!(%file, "the tls certificate has expired: renew it"),
            Some(left) => {
                tracing::warn!(%file, days = left / DAY, "the tls certificate is about to expire: renew it");
            }
        }
    }

    fn reload(&self) -> Result<bool, String> {
        let files = Files::read(&self.certificate, &self.key)?;
        let unchanged = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            current.files == files
        };
        if unchanged {
            return Ok(false);
        }
        let next = files.current()?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = next;
        Ok(true)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Files {
    fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Self, String> {
        let read =
            |file: &PathBuf| fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
        Ok(Self {
            certificate: read(certificate)?,
            key: read(key)?,
        })
    }

    fn current(self) -> Result<Current, String> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the certificate file is no pem: {error}"))?;
        if chain.is_empty() {
            return Err("the certificate file holds no certificate in pem".to_owned());
        }
        let ends = ends(&chain)?;
        // Not the reader's message: nothing of a key is repeated.
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| "the key file holds no private key in pem".to_owned())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| format!("certificate and key cannot be used: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Current {
            files: self,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ends,
        })
    }
}

/// When the first certificate of a chain, the server's own, ends.
fn ends(chain: &[CertificateDer<'_>]) -> Result<Timestamp, String> {
    let own = chain.first().map(AsRef::as_ref).unwrap_or_default();
    let (_, own) = x509_parser::parse_x509_certificate(own)
        .map_err(|error| format!("the certificate cannot be read: {error}"))?;
    Ok(u64::try_from(own.validity().not_after.timestamp()).unwrap_or(0))
}
