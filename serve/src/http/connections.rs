//! Connections: how many, how long they may take, and how they end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{CONNECTIONS_MAX, HttpLimits, Shared, access::Peer, patient::Patient};

/// Largest head of a request, in bytes, and most headers.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// What the system keeps for a reader that is slow, in bytes.
const WAITING_BYTES: usize = 64 << 10;
/// How long answers under way may take to end when the server does.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What is said to whoever is too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 112\r\n\r\n\
    {\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many are connected, try again later or close others\"}\n";

/// Accepts until the server closes, then lets answers end.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shared: Arc<Shared>,
    limits: HttpLimits,
) {
    let service = TowerToHyperService::new(router);
    let mut closing = shared.closing.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = closing.wait_for(|is_closing| *is_closing) => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: some client will leave.
                tracing::warn!("a connection cannot be accepted: {error}");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&shared.chairs).try_acquire_owned() else {
            // As far as it fits at once: nobody waits for one too many.
            let _ = stream.try_write(if tls.is_some() { b"" } else { FULL });
            continue;
        };
        let (service, closing, tls) = (service.clone(), closing.clone(), tls.clone());
        tokio::spawn(async move {
            // What becomes of a connection is its client's business.
            let _ = greet(stream, peer, tls, service, closing, limits, seat).await;
        });
    }
    drop(listener);
    let everybody = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = timeout(LAST_WORDS + Duration::from_millis(100), shared.chairs.acquire_many(everybody)).await;
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: TowerToHyperService<Router>,
    closing: watch::Receiver<bool>,
    limits: HttpLimits,
    _seat: OwnedSemaphorePermit,
) -> Option<()> {
    // Answers are small and whole, and what waits for a slow reader stays small, too.
    stream.set_nodelay(true).ok()?;
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, WAITING_BYTES).ok()?;
    let stream = Patient::new(stream, limits.stall_max);
    match tls {
        None => converse(stream, peer, service, closing, limits).await,
        Some(tls) => {
            let stream = timeout(limits.head_max, tls.accept(stream)).await.ok()?.ok()?;
            converse(stream, peer, service, closing, limits).await
        }
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    service: TowerToHyperService<Router>,
    mut closing: watch::Receiver<bool>,
    limits: HttpLimits,
) -> Option<()> {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        service.call(request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_max)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        ended = connection.as_mut() => return ended.ok(),
        _ = closing.wait_for(|is_closing| *is_closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(LAST_WORDS, connection).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_one_too_many_is_as_long_as_it_says() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert_eq!(serde_json::from_str::<super::super::problem::Problem>(body).unwrap().status, 503);
    }
}
