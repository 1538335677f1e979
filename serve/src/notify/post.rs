//! One POST over HTTP/1.1, with a bound on all of it.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Uri,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST, USER_AGENT},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::OnceCell, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

/// Posts JSON. Trusts whom the system trusts.
pub(super) struct Poster {
    try_max: Duration,
    tls: OnceCell<TlsConnector>,
}

impl Poster {
    pub(super) fn new(try_max: Duration) -> Self {
        Self { try_max, tls: OnceCell::new() }
    }

    /// Posts a body and answers the status. What is said of failures names the machine at most.
    pub(super) async fn post(&self, url: &Uri, body: Vec<u8>) -> Result<u16, String> {
        let posted = timeout(self.try_max, self.try_once(url, body)).await;
        posted.unwrap_or_else(|_| Err(format!("it did not answer within {:?}", self.try_max)))
    }

    async fn try_once(&self, url: &Uri, body: Vec<u8>) -> Result<u16, String> {
        let authority = url.authority().ok_or("its address names no machine")?;
        let is_tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let stream = TcpStream::connect((bare, port)).await.map_err(|error| error.to_string())?;
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header(HOST, authority.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("barhive/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        if !is_tls {
            return converse(TokioIo::new(stream), request).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
        let tls = self.tls.get_or_try_init(connector).await?;
        let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
        converse(TokioIo::new(stream), request).await
    }
}

async fn connector() -> Result<TlsConnector, String> {
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let found = found.map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("the system trusts nobody: install its certificates (ca-certificates)".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn converse(stream: impl Read + Write + Unpin, request: Request<Full<Bytes>>) -> Result<u16, String> {
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| error.to_string())?;
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(sender.send_request(request));
    // What comes behind the head is of no interest, and the connection goes with it.
    let answered = tokio::select! {
        biased;
        answered = answer.as_mut() => answered,
        ended = connection.as_mut() => {
            ended.map_err(|error| error.to_string())?;
            answer.await
        }
    };
    answered.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
}
