//! The routes, and the connections that they come on.

use std::convert::Infallible;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use work::sys::clock::Clock;

use super::log::{Filter, Log, Ticket};
use super::models;
use super::play::{self, Pieces};
use super::reply;
use super::request::ChatRequest;
use super::script::Refusal;
use super::sse::Completion;

/// Serves connections for ever.
pub(crate) async fn serve(listener: TcpListener, log: Log) {
    loop {
        // A client that goes before it was accepted is no reason to end.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let log = log.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| route(request, &log));
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
            // A connection that ends in an error was cut, by the script or by the client.
            drop(served);
        });
    }
}

async fn route(request: Request<Incoming>, log: &Log) -> Result<Response<Pieces>, Infallible> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    Ok(match (method, path.as_str()) {
        (Method::POST, "/v1/chat/completions") => complete(request, log).await,
        (Method::GET, "/v1/models") => answer(StatusCode::OK, &listed_models()),
        (Method::GET, "/_requests") => answer(StatusCode::OK, &log.list(&filter(request.uri().query()))),
        (Method::DELETE, "/_requests") => {
            log.clear();
            answer(StatusCode::OK, &json!({ "cleared": true }))
        }
        (Method::GET, "/_health") => {
            answer(StatusCode::OK, &json!({ "healthy": true, "requests": log.len() }))
        }
        (method, path) => error(StatusCode::NOT_FOUND, &format!("nothing is at {method} {path}")),
    })
}

async fn complete(request: Request<Incoming>, log: &Log) -> Response<Pieces> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return error(StatusCode::BAD_REQUEST, "the body broke off");
    };
    let request = match ChatRequest::parse(&body.to_bytes()) {
        Ok(request) => request,
        Err(problem) => return error(StatusCode::BAD_REQUEST, &problem),
    };
    let earlier = log.count(&request, &head.headers);
    let reply = reply::decide(&request, earlier);
    let ticket = log.open(&request, &head.headers, &reply.reason);
    if let Some(refusal) = &reply.answer.refusal {
        return refuse(refusal, ticket);
    }
    let model = request.model().to_owned();
    let created = Clock::System.now().timestamp();
    let completion = Completion { number: ticket.number, model, created };
    let usage = reply::usage(&reply.answer, &request);
    if request.stream() {
        let usage = request.wants_usage().then_some(usage);
        return events(play::stream(reply.answer, completion, usage, ticket));
    }
    match play::whole(&reply.answer, &completion, &usage).await {
        Ok(whole) => {
            ticket.close("complete");
            answer(StatusCode::OK, &whole)
        }
        Err(play::Cut) => {
            ticket.close("cut");
            Response::new(Pieces::cut())
        }
    }
}

fn refuse(refusal: &Refusal, ticket: Ticket) -> Response<Pieces> {
    ticket.close(&format!("refused {}", refusal.status));
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer(status, &reply::refusal_body(refusal));
    for (name, value) in &refusal.headers {
        // What can't be a header is left out: the script's author sees that it is not there.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn events(pieces: Pieces) -> Response<Pieces> {
    let mut response = Response::new(pieces);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

fn answer(status: StatusCode, body: &Value) -> Response<Pieces> {
    let mut response = Response::new(Pieces::whole(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn error(status: StatusCode, message: &str) -> Response<Pieces> {
    answer(status, &json!({ "error": { "message": message, "type": "scripted" } }))
}

fn listed_models() -> Value {
    let models: Vec<_> = models::NAMES
        .iter()
        .map(|name| json!({ "id": name, "object": "model", "owned_by": "scripted" }))
        .collect();
    json!({ "object": "list", "data": models })
}

fn filter(query: Option<&str>) -> Filter {
    let mut filter = Filter::default();
    for (name, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "contains" => filter.contains = Some(decoded(value)),
            "model" => filter.model = Some(decoded(value)),
            "session" => filter.session = Some(decoded(value)),
            _ => {}
        }
    }
    filter
}

/// A value of a query without its escapes; what is no escape stays as it is.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escape = code.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(escape.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_without_its_escapes() {
        let expected =
            Filter { contains: Some("a b\n&%z".to_owned()), model: Some("ok".to_owned()), session: None };
        assert_eq!(filter(Some("contains=a+b%0A%26%z&model=ok&other=1")), expected);
        assert_eq!(filter(None), Filter::default());
    }
}
