//! The wire: accepts on loopback, reads a request, lets `pipeline` answer it, and delivers the answer as whole or as broken as it
//! should be.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::pipeline::{self, Delivery, Incoming};
use super::shared::Shared;
use super::watch::{self, Watched};

/// The largest body that is read.
const LARGEST: usize = 16 << 20;

/// Starts to answer. It ends with the runtime.
pub fn start(shared: Arc<Shared>, listener: std::net::TcpListener, runtime: &tokio::runtime::Runtime) {
    let closed = Arc::clone(&shared.closed);
    let router = Router::new().fallback(answer).with_state(shared);
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a bound listener");
        let address = listener.local_addr().expect("a bound listener has an address");
        let service = router.into_make_service_with_connect_info::<Cut>();
        axum::serve(Door { listener: Some(listener), address, closed }, service).await
    });
}

async fn answer(State(shared): State<Arc<Shared>>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let began = Instant::now();
    let under_way = shared.enter();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await.unwrap_or_default();
    rest(shared.latency()).await;
    let incoming = Incoming {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.to_vec(),
        in_flight: under_way.with_this,
        began,
    };
    let number = match watch::arrived(&shared, &incoming) {
        Watched::GoesOn(number) => number,
        Watched::NeverAnswered => std::future::pending().await,
    };
    let outgoing = pipeline::answer(&shared, &incoming);
    if !watch::handled(&shared, &incoming, number) {
        std::future::pending::<()>().await;
    }
    rest(outgoing.delay).await;
    let mut response = Response::builder().status(outgoing.status);
    for (name, value) in &outgoing.headers {
        response = response.header(name, value);
    }
    let body = match outgoing.delivery {
        Delivery::Whole => Body::from(outgoing.body),
        Delivery::Cut => {
            response = response.header("content-length", outgoing.body.len());
            let half = outgoing.body[..outgoing.body.len() / 2].to_vec();
            let broken = io::Error::from(io::ErrorKind::ConnectionReset);
            Body::from_stream(stream::iter([Ok(Bytes::from(half)), Err(broken)]))
        }
        Delivery::Hang => std::future::pending().await,
        Delivery::Disconnect => {
            cut.0.store(true, Ordering::Release);
            Body::empty()
        }
        Delivery::Close => {
            cut.0.store(true, Ordering::Release);
            shared.closed.notify_one();
            Body::empty()
        }
    };
    response.body(body).expect("headers that were written by the bed")
}

/// A timer that is set to nothing still waits for the next millisecond.
async fn rest(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The listener. Once it is closed, whoever connects is refused by the operating system.
struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    closed: Arc<Notify>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            let Some(listener) = &self.listener else { std::future::pending().await };
            tokio::select! {
                () = self.closed.notified() => self.listener = None,
                accepted = listener.accept() => if let Ok((stream, address)) = accepted {
                    // Small answers would otherwise wait for the client's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return (Line { stream, cut: Cut::default() }, address);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Whether a connection is to break instead of carrying an answer.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cut.clone()
    }
}

/// A connection that can break.
struct Line {
    stream: TcpStream,
    cut: Cut,
}

impl Line {
    fn is_whole(&self) -> io::Result<()> {
        if self.cut.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.is_whole()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_whole()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_whole()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
