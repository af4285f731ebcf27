//! The gate before every rpc: who asks, whether they may, and for which areas.
//!
//! **Invariant:** no handler runs without an [`Asker`], and only the gate makes one. Where principals
//! are configured, what its table does not allow is refused before a message is read.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tonic::{
    Code, Status,
    body::Body,
    codegen::StdError,
    service::Routes,
    transport::server::{TcpConnectInfo, TlsConnectInfo},
};
use tower::{Layer, Service};

use crate::{
    access::{
        Caller, Directory, Origin, Principal, Role,
        limit::{Exceeded, Held, Limits, Taken},
        principal::Reach,
        table::{Row, Scope, Who, named},
    },
    domain::{area::AreaCode, life::Life},
    service,
};

use super::status::{internal, later, of_service, refused};

/// The metadata key under which a name is stated.
const STATED: &str = "principal";
/// Tokens checked the slow way at once.
const CHECKS_AT_ONCE: usize = 2;
/// Tokens that wait to be checked.
const CHECKS_WAITING: usize = 64;

/// What stands before the services.
#[derive(Debug)]
pub struct Gate {
    directory: Option<Arc<Directory>>,
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

    fn with(directory: Option<Arc<Directory>>, limits: Limits) -> Self {
        Self {
            directory,
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
        let held = self.taken.take(&principal.name, Instant::now()).map_err(exceeded)?;
        let row = row.ok_or_else(|| not_allowed(request.uri.path(), "nobody"))?;
        if !principal.has(row.roles()) {
            return Err(not_allowed(row.rpc, &row.who.to_string()));
        }
        if row.scope == Scope::Whole && principal.reach(row.roles()) != Reach::Everywhere {
            let message = format!("{} is about all areas, which are not all yours", row.rpc);
            return Err(refused(Code::PermissionDenied, "NOT_YOURS", message));
        }
        same_name(&request.headers, &principal)?;
        let asker = Asker::new(Caller::Known(principal), origin, row);
        request.extensions.insert(Asker { directory: Some(directory.clone()), ..asker });
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
            Some(Caller::Known(principal)) => directory.by_name(&principal.name),
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
        tokio::task::spawn_blocking(check).await.map_err(|error| internal(&error))
    }
}

fn origin(extensions: &Extensions) -> Origin {
    if let Some(origin) = extensions.get::<Origin>() {
        return *origin;
    }
    let tls = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    let plain = tls.map(TlsConnectInfo::get_ref).or_else(|| extensions.get());
    let peer = plain.and_then(TcpConnectInfo::remote_addr);
    // Browsers that call the services themselves come over the port of the page.
    let peer = peer.or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0));
    peer.map_or(Origin::InProcess, |peer| Origin::Peer(peer.ip().to_canonical()))
}

/// The certificate that whoever asks has shown, which the connection layer has verified.
fn certificate(extensions: &Extensions) -> Option<Vec<u8>> {
    let chain = extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?.peer_certs()?;
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

fn sign_in(why: &str) -> Status {
    refused(Code::Unauthenticated, "SIGN_IN", format!("sign in: {why}"))
}

fn not_allowed(rpc: &str, who: &str) -> Status {
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

/// Who asks this rpc, from where, and by which roles.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// Who asks.
    pub caller: Caller,
    /// From where.
    pub origin: Origin,
    rpc: &'static str,
    reach: Reach,
    directory: Option<Arc<Directory>>,
}

impl Asker {
    fn new(caller: Caller, origin: Origin, row: &'static Row) -> Self {
        let reach = match (&caller, row.scope) {
            (Caller::Known(principal), Scope::Areas) => principal.reach(row.roles()),
            _ => Reach::Everywhere,
        };
        Self { caller, origin, rpc: row.rpc, reach, directory: None }
    }

    /// Whom the gate let through.
    pub fn of(extensions: &tonic::Extensions) -> Result<Self, Status> {
        let found = extensions.get::<Self>().cloned();
        found.ok_or_else(|| internal(&"an rpc was called without a gate before it"))
    }

    /// The same with fewer roles, for a part of an rpc that wants them.
    pub fn narrowed(self, part: &str, roles: &'static [Role]) -> Result<Self, Status> {
        let Caller::Known(principal) = &self.caller else { return Ok(self) };
        if !principal.has(roles) {
            return Err(not_allowed(&format!("{} ({part})", self.rpc), &named(roles)));
        }
        let reach = principal.reach(roles);
        Ok(Self { reach, ..self })
    }

    /// Refuses an area that is not the asker's.
    pub fn inside(
        &self,
        service: &service::Service,
        asked: impl IntoIterator<Item = AreaCode>,
    ) -> Result<(), Status> {
        match self.reach.outside(asked, &service.reference.data.areas) {
            None => Ok(()),
            Some(area) => {
                let message = format!("area {area} is not yours in {}", self.rpc);
                Err(refused(Code::PermissionDenied, "NOT_YOURS", message))
            }
        }
    }

    /// Whether the asker is shown what is of an area.
    pub fn sees(&self, service: &service::Service, area: AreaCode) -> bool {
        self.reach.holds(area, &service.reference.data.areas)
    }

    /// The areas that are the asker's: each of those that were named must be, others are left out.
    pub fn of_asked(
        &self,
        service: &service::Service,
        named: bool,
        mut areas: Vec<AreaCode>,
    ) -> Result<Vec<AreaCode>, Status> {
        match named {
            true => self.inside(service, areas.iter().copied())?,
            false => areas.retain(|area| self.sees(service, *area)),
        }
        Ok(areas)
    }

    /// Whether the asker is still listed with the same grants.
    pub fn is_still_known(&self) -> bool {
        match (&self.directory, &self.caller) {
            (Some(directory), Caller::Known(principal)) => {
                directory.by_name(&principal.name).as_ref() == Some(principal)
            }
            _ => true,
        }
    }

    /// The status of a stream whose asker is not listed any more.
    pub fn no_longer_known(&self) -> Status {
        sign_in("the principal is not listed any more, or with other grants")
    }

    /// The area in whose subtree to look: the one asked for, or the lowest above all of the asker's.
    pub fn root(
        &self,
        service: &service::Service,
        within: Option<AreaCode>,
    ) -> Result<AreaCode, Status> {
        self.inside(service, within)?;
        let Reach::Within(granted) = &self.reach else {
            return Ok(within.unwrap_or(AreaCode::NATION));
        };
        let areas = &service.reference.data.areas;
        let holds_all = |above: &AreaCode| granted.iter().all(|one| areas.within(*one, *above));
        let above = granted.first().into_iter().flat_map(|first| areas.line(*first));
        let lowest = above.map(|area| area.code).find(holds_all);
        Ok(within.or(lowest).unwrap_or(AreaCode::NATION))
    }

    /// Where the asker may ask.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether the asker is shown a run: every area that it counts or pays must be the asker's, since
    /// its sums tell of all of them.
    pub fn sees_run(&self, service: &service::Service, life: &Life) -> bool {
        let lines = life.run.lines.iter().map(|line| line.payees.area);
        let counted = life.run.headcounts.iter().map(|row| row.area);
        self.reach == Reach::Everywhere || lines.chain(counted).all(|area| self.sees(service, area))
    }

    /// A run of the asker's.
    pub fn run(&self, service: &service::Service, id: &str) -> Result<Life, Status> {
        let life = service.run(id).map_err(|error| of_service(&error))?;
        if !self.sees_run(service, &life) {
            let message = format!("run {id} counts areas that are not yours in {}", self.rpc);
            return Err(refused(Code::PermissionDenied, "NOT_YOURS", message));
        }
        Ok(life)
    }
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
                    let (rpc, origin) = (parts.uri.path(), origin(&parts.extensions));
                    tracing::info!(rpc, %origin, code = ?status.code(), "refused at the gate");
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
