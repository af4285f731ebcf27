//! The gate before every rpc: who asks, whether they may, and for which areas.
//!
//! **Invariant:** no handler runs without an [`Asker`], and only the gate makes one. Where principals
//! are configured, what its table does not allow is refused before a message is read.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Extensions, HeaderMap, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tonic::{
    Code, Status, body::Body, codegen::StdError, service::Routes, transport::server::TlsConnectInfo,
};
use tower::{Layer, Service};

use crate::{
    access::{
        Caller, Directory, Origin, Principal,
        issuer::Issuer,
        limit::{Exceeded, Held, Limits, Taken},
        table::{Row, Who},
        token,
    },
    service,
};

use super::{
    arrivals::Peer,
    asker::Asker,
    called::{blocking, is_from},
    status::{internal, later, refused},
};

/// The metadata key under which a name is stated.
const STATED: &str = "principal";
/// Tokens checked the slow way at once.
const CHECKS_AT_ONCE: usize = 2;
/// Tokens that wait to be checked.
const CHECKS_WAITING: usize = 64;

/// What a session ends with, besides its own time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// The token of this id.
    WithToken(String),
    /// This instant.
    At(DateTime<Utc>),
}

impl Ends {
    pub(super) fn has_come(&self, directory: &Directory) -> bool {
        match self {
            Self::WithToken(id) => !directory.lasts(id),
            Self::At(until) => *until <= service::now(),
        }
    }
}

/// What stands before the services.
#[derive(Debug)]
pub struct Gate {
    directory: Option<Arc<Directory>>,
    issuer: Option<Issuer>,
    taken: Taken,
    checking: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Gate {
    /// Nobody signs in; names are as stated.
    pub fn open() -> Self {
        Self::with(None, Limits::default())
    }

    /// Whoever is listed signs in.
    pub fn new(directory: Arc<Directory>, limits: Limits) -> Self {
        Self::with(Some(directory), limits)
    }

    /// Also whoever an issuer names.
    #[must_use]
    pub fn with_issuer(self, issuer: Option<Issuer>) -> Self {
        Self { issuer, ..self }
    }

    fn with(directory: Option<Arc<Directory>>, limits: Limits) -> Self {
        Self {
            directory,
            issuer: None,
            taken: Taken::new(limits),
            checking: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            waiting: Semaphore::new(CHECKS_WAITING),
        }
    }

    /// Whether anybody signs in.
    pub fn is_open(&self) -> bool {
        self.directory.is_none()
    }

    /// Whom a name belongs to now; nobody where nobody signs in.
    pub fn by_name(&self, name: &str) -> Option<Arc<Principal>> {
        self.directory.as_ref()?.by_name(name)
    }

    /// By what a session ends that is begun with a token: the token's id, or the token's own end.
    pub fn ends_with(&self, token: &str) -> Option<Ends> {
        let id = token::id_of(token).map(|id| Ends::WithToken(id.to_owned()));
        let claimed = || self.issuer.as_ref()?.claimed(token);
        id.or_else(|| claimed().map(|claimed| Ends::At(claimed.until)))
    }

    /// Whether it has come to that.
    pub fn has_ended(&self, ends: &Ends) -> bool {
        self.directory.as_ref().is_none_or(|directory| ends.has_come(directory))
    }

    /// Whom a token belongs to.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED while too many tokens wait to be checked.
    pub async fn by_its_token(&self, token: &str) -> Result<Option<Arc<Principal>>, Status> {
        match &self.directory {
            Some(directory) => self.by_token(directory, token).await,
            None => Ok(None),
        }
    }

    /// Puts the gate before services.
    pub fn before(self: &Arc<Self>, routes: Routes) -> Routes {
        Routes::from(routes.into_axum_router().layer(GateLayer(self.clone())))
    }

    /// Who asks, noted for the handler; what is held ends with the answer.
    async fn admit(&self, request: &mut Parts) -> Result<Option<Held>, Status> {
        let row = Row::of(request.uri.path());
        let origin = origin(&request.extensions);
        let given = request.extensions.remove::<Caller>();
        let Some(directory) = &self.directory else {
            // An rpc that does not exist is told so by what comes next.
            if let Some(row) = row {
                let caller = given.unwrap_or_else(|| stated(&request.headers));
                request.extensions.insert(Asker::new(caller, origin, row));
            }
            return Ok(None);
        };
        if let Some(row) = row.filter(|row| row.who == Who::Anyone) {
            request.extensions.insert(Asker::new(Caller::Public, origin, row));
            return Ok(None);
        }
        let principal = self.signed_in(directory, given, request).await?;
        is_from(&principal.name);
        let held = self.taken.take(&principal.name, Instant::now()).map_err(exceeded)?;
        let row = row.ok_or_else(|| not_allowed(request.uri.path(), "nobody"))?;
        if !principal.has(row.roles()) {
            return Err(not_allowed(row.rpc, &row.who.to_string()));
        }
        if !row.allows(&principal) {
            let message = format!("{} is about all areas, which are not all yours", row.rpc);
            return Err(refused(Code::PermissionDenied, "NOT_YOURS", message));
        }
        same_name(&request.headers, &principal)?;
        let mut asker = Asker::new(Caller::Known(principal), origin, row);
        asker.directory = Some(directory.clone());
        asker.ends = bearer(&request.headers).and_then(|token| self.ends_with(token));
        request.extensions.insert(asker);
        Ok(Some(held))
    }

    /// Whom the request comes from, as the list of principals is now.
    async fn signed_in(
        &self,
        directory: &Arc<Directory>,
        given: Option<Caller>,
        request: &Parts,
    ) -> Result<Arc<Principal>, Status> {
        let found = match given {
            // Whoever asks in their place may have left out some of their roles.
            Some(Caller::Known(given)) => {
                directory.by_name(&given.name).map(|now| now.narrowed(&given.grants))
            }
            Some(Caller::Stated(_) | Caller::Public) => None,
            None => match bearer(&request.headers) {
                Some(token) => {
                    let found = self.by_token(directory, token).await?;
                    return found.ok_or_else(|| sign_in("the token is not known, or not any more"));
                }
                None => {
                    certificate(&request.extensions).and_then(|der| directory.by_certificate(&der))
                }
            },
        };
        found.ok_or_else(|| sign_in("expected a token or the certificate of a listed principal"))
    }

    async fn by_token(
        &self,
        directory: &Arc<Directory>,
        token: &str,
    ) -> Result<Option<Arc<Principal>>, Status> {
        if let Some(claimed) = self.issuer.as_ref().and_then(|issuer| issuer.claimed(token)) {
            return Ok(directory.by_name(&claimed.name));
        }
        if let Some(known) = directory.checked(token) {
            return Ok(Some(known));
        }
        if !directory.may_be_known(token) {
            return Ok(None);
        }
        let busy = |_| {
            let message = "too many tokens wait to be checked; try again";
            later(Code::ResourceExhausted, "TOO_MANY_CALLS", message, Duration::from_secs(1))
        };
        let _waiting = self.waiting.try_acquire().map_err(busy)?;
        let turn = self.checking.clone().acquire_owned().await.map_err(|error| internal(&error))?;
        let (directory, token) = (directory.clone(), token.to_owned());
        let check = move || {
            // Held here, since the check goes on when whoever asked is gone.
            let _turn = turn;
            directory.by_token(&token)
        };
        blocking(check).await.map_err(|error| internal(&error))
    }
}

fn origin(extensions: &Extensions) -> Origin {
    if let Some(origin) = extensions.get::<Origin>() {
        return *origin;
    }
    let peer = Peer::of(extensions).and_then(|peer| peer.tcp.remote_addr());
    peer.map_or(Origin::InProcess, |peer| Origin::Peer(peer.ip().to_canonical()))
}

/// The certificate that whoever asks has shown, which the connection layer has verified.
fn certificate(extensions: &Extensions) -> Option<Vec<u8>> {
    let chain = extensions.get::<TlsConnectInfo<Peer>>()?.peer_certs()?;
    chain.first().map(|own| own.as_ref().to_vec())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn stated(headers: &HeaderMap) -> Caller {
    match headers.get(STATED) {
        None => Caller::Public,
        // What cannot be read is refused where a name is needed.
        Some(name) => Caller::Stated(name.to_str().unwrap_or_default().to_owned()),
    }
}

/// A name stated beside the one signed in as must be the same.
fn same_name(headers: &HeaderMap, principal: &Principal) -> Result<(), Status> {
    match headers.get(STATED) {
        Some(stated) if stated.as_bytes() != principal.name.as_bytes() => {
            let message = format!("expected the stated principal to be {:?}", principal.name);
            Err(refused(Code::PermissionDenied, "OTHER_NAME", message))
        }
        _ => Ok(()),
    }
}

pub(super) fn sign_in(why: &str) -> Status {
    refused(Code::Unauthenticated, "SIGN_IN", format!("sign in: {why}"))
}

pub(super) fn not_allowed(rpc: &str, who: &str) -> Status {
    let rpc: String = rpc.chars().take(80).collect();
    let message = format!("{rpc} is not allowed to you: expected {who}");
    refused(Code::PermissionDenied, "NOT_ALLOWED", message)
}

fn exceeded(exceeded: Exceeded) -> Status {
    let message = match exceeded {
        Exceeded::TooOften { .. } => "too many calls in a short time; try again",
        Exceeded::TooMany { .. } => "too many calls at once; end one and try again",
    };
    later(Code::ResourceExhausted, "TOO_MANY_CALLS", message, exceeded.again())
}

#[derive(Debug, Clone)]
struct GateLayer(Arc<Gate>);

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.0.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Debug, Clone)]
struct Gated<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: tonic::codegen::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<StdError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gate = self.gate.clone();
        // The one that said it is ready is the one that is called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let (mut parts, body) = request.into_parts();
        Box::pin(async move {
            let held = match gate.admit(&mut parts).await {
                Ok(held) => held,
                Err(status) => {
                    let origin = origin(&parts.extensions);
                    tracing::info!(%origin, code = ?status.code(), "refused at the gate");
                    return Ok(status.into_http());
                }
            };
            let answer = inner.call(Request::from_parts(parts, body)).await?;
            Ok(answer.map(|body| match held {
                None => Body::new(body),
                // A call ends with the last of its answer.
                Some(held) => Body::new(body.map_frame(move |frame| {
                    let _held = &held;
                    frame
                })),
            }))
        })
    }
}
