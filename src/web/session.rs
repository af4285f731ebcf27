//! Who has signed in: sessions in memory that end by themselves.
//!
//! **Invariant:** a session's id is 256 random bits and known to the browser alone; its token, without
//! which no form is taken, is another 256.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    access::Caller,
    grpc::access::{Ends, Gate},
};

/// The cookie with the session's id.
pub(super) const COOKIE: &str = "pl_session";

/// How long a session lasts without a request.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long it lasts at most.
const LIFE: Duration = Duration::from_secs(8 * 60 * 60);
/// Most sessions at a time; beyond it the one idle longest ends.
const SESSIONS_MAX: usize = 10_000;

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Its id.
    pub id: String,
    /// What its forms carry.
    pub token: String,
    /// Who signed in; none for a visitor who has only opened a form.
    pub caller: Option<Caller>,
    /// What it ends with, besides its own time.
    pub ends: Option<Ends>,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    begun: Instant,
    used: Instant,
}

impl Kept {
    fn is_over(&self, now: Instant) -> bool {
        LIFE < now.duration_since(self.begun) || IDLE < now.duration_since(self.used)
    }
}

impl Session {
    /// The name of whoever signed in.
    pub fn name(&self) -> Option<&str> {
        match self.caller.as_ref()? {
            Caller::Stated(name) => Some(name),
            Caller::Known(principal) => Some(&principal.name),
            Caller::Public => None,
        }
    }
}

/// All sessions.
#[derive(Debug, Default, Clone)]
pub(super) struct Sessions(Arc<Mutex<HashMap<String, Kept>>>);

/// 256 random bits in hex.
fn random() -> Result<String, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(hex::encode(bits))
}

impl Sessions {
    /// Begins one. Beyond the most, the idlest ends of those in which nobody has signed in, and only where
    /// there is none of another. O(sessions) once there are too many.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub fn begin(
        &self,
        caller: Option<Caller>,
        ends: Option<Ends>,
    ) -> Result<Session, getrandom::Error> {
        let session = Session { id: random()?, token: random()?, caller, ends };
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if SESSIONS_MAX <= all.len() {
            all.retain(|_, kept| !kept.is_over(now));
            let order = |kept: &Kept| (kept.session.caller.is_some(), kept.used);
            let idlest = all.iter().min_by_key(|(_, kept)| order(kept)).map(|(id, _)| id.clone());
            if let Some(idlest) = idlest.filter(|_| SESSIONS_MAX <= all.len()) {
                all.remove(&idlest);
            }
        }
        let kept = Kept { session: session.clone(), begun: now, used: now };
        all.insert(session.id.clone(), kept);
        Ok(session)
    }

    /// The session, unless it or the token it was begun with is over.
    pub fn get(&self, id: &str, gate: &Gate) -> Option<Session> {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(id)?;
        let revoked = kept.session.ends.as_ref().is_some_and(|ends| gate.has_ended(ends));
        if kept.is_over(now) || revoked {
            all.remove(id);
            return None;
        }
        kept.used = now;
        Some(kept.session.clone())
    }

    /// Ends one.
    pub fn end(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(sessions: &Sessions, id: &str, begun: Duration, used: Duration) {
        let mut all = sessions.0.lock().unwrap();
        let kept = all.get_mut(id).unwrap();
        let now = Instant::now();
        kept.begun = now.checked_sub(begun).unwrap();
        kept.used = now.checked_sub(used).unwrap();
    }

    #[test]
    fn a_session_ends_when_idle_and_when_old() {
        let second = Duration::from_secs(1);
        for (begun, used, lasts) in [
            (IDLE, IDLE - second, true),
            (IDLE, IDLE + second, false),
            (LIFE - second, second, true),
            (LIFE + second, second, false),
        ] {
            let sessions = Sessions::default();
            let id = sessions.begin(Some(Caller::Stated("mei".into())), None).unwrap().id;
            aged(&sessions, &id, begun, used);
            assert_eq!(sessions.get(&id, &Gate::open()).is_some(), lasts, "{begun:?} {used:?}");
        }
    }

    #[test]
    fn there_are_never_more_than_the_most_and_the_idlest_goes_first() {
        let sessions = Sessions::default();
        let first = sessions.begin(None, None).unwrap().id;
        aged(&sessions, &first, IDLE, Duration::from_secs(60));
        let second = sessions.begin(None, None).unwrap().id;
        for _ in 2..SESSIONS_MAX {
            sessions.begin(None, None).unwrap();
        }
        assert!(sessions.get(&second, &Gate::open()).is_some());
        let last = sessions.begin(None, None).unwrap().id;
        assert!(sessions.get(&first, &Gate::open()).is_none());
        assert!(
            sessions.get(&second, &Gate::open()).is_some()
                && sessions.get(&last, &Gate::open()).is_some()
        );
        assert_eq!(sessions.0.lock().unwrap().len(), SESSIONS_MAX);
    }

    #[test]
    fn whoever_signed_in_stays_while_others_only_open_the_form() {
        let sessions = Sessions::default();
        let signed = sessions.begin(Some(Caller::Stated("mei".into())), None).unwrap().id;
        aged(&sessions, &signed, IDLE, Duration::from_secs(60));
        for _ in 0..SESSIONS_MAX {
            sessions.begin(None, None).unwrap();
        }
        assert!(sessions.get(&signed, &Gate::open()).is_some());
    }

    #[test]
    fn a_session_that_was_ended_is_gone_and_no_two_are_alike() {
        let sessions = Sessions::default();
        let (one, other) =
            (sessions.begin(None, None).unwrap(), sessions.begin(None, None).unwrap());
        assert_ne!(one.id, other.id);
        assert_ne!(one.token, other.token);
        sessions.end(&one.id);
        assert!(
            sessions.get(&one.id, &Gate::open()).is_none()
                && sessions.get(&other.id, &Gate::open()).is_some()
        );
    }
}
