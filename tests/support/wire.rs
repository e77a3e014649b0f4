//! A server on loopback that answers as it is told to: for what no well-behaved server would do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How many came before it.
    pub number: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What it is answered with.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    cut: bool,
    delay: Duration,
}

pub fn reply(status: u16, body: &str) -> Reply {
    let json = ("content-type".to_owned(), "application/json; charset=utf-8".to_owned());
    Reply { status, headers: vec![json], body: body.to_owned(), cut: false, delay: Duration::ZERO }
}

impl Reply {
    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body breaks off in the middle.
    pub fn cut(mut self) -> Reply {
        self.cut = true;
        self
    }

    pub fn late(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The server. It ends with the value.
pub struct Wire {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Wire {
    pub fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Wire {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let state: (Answer, Arc<Mutex<Vec<Seen>>>) = (Arc::new(answer), Arc::clone(&seen));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(serve).with_state(state);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Wire { url, seen, _runtime: runtime }
    }

    /// Every request, in the order in which they came.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(State((answer, all)): State<(Answer, Arc<Mutex<Vec<Seen>>>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let mut seen =
        Seen { method: parts.method.to_string(), path, headers, body: String::from_utf8(body.to_vec()).unwrap(), number: 0 };
    {
        let mut all = all.lock().unwrap();
        seen.number = all.len();
        all.push(seen.clone());
    }
    let reply = answer(&seen);
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = if reply.cut {
        response = response.header("content-length", reply.body.len());
        let half = Bytes::from(reply.body.as_bytes()[..reply.body.len() / 2].to_vec());
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        Body::from_stream(futures_util::stream::iter([Ok(half), Err(broken)]))
    } else {
        Body::from(reply.body)
    };
    response.body(body).unwrap()
}
