//! TLS for whoever asks from elsewhere.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with those that vouch for it.
    pub cert: PathBuf,
    /// Its private key, for its owner only.
    pub key: PathBuf,
}

/// What accepts TLS, or everything that is wrong with the files.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Vec<String>> {
    let mut faults = Vec::new();
    let mut note = |path: &Path, what: String| faults.push(format!("{}: {what}", path.display()));
    let chain =
        match CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(chain) if chain.is_empty() => {
                note(&files.cert, "expected a certificate in PEM, found none".to_owned());
                None
            }
            Ok(chain) => Some(chain),
            Err(error) => {
                note(&files.cert, format!("no certificate can be read: {error}"));
                None
            }
        };
    let mode = fs::metadata(&files.key).map_or(0, |facts| facts.mode());
    if mode & 0o077 != 0 {
        note(
            &files.key,
            format!("others than its owner may read it (mode {:o}): `chmod 600` it", mode & 0o777),
        );
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| note(&files.key, format!("no private key can be read: {error}"))).ok();
    let (Some(chain), Some(key), true) = (chain, key, faults.is_empty()) else { return Err(faults) };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, key));
    let config = config
        .map_err(|error| vec![format!("{} and {}: {error}", files.cert.display(), files.key.display())])?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
