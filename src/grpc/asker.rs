//! Who asks an rpc, as the gate let them through, and what of many areas is theirs.
//!
//! **Invariant:** what an asker may touch follows from the grants of the roles that the rpc wants, and
//! from no others.

use std::sync::Arc;

use tonic::{Code, Status};

use crate::{
    access::{
        Caller, Directory, Origin, Role,
        principal::Reach,
        table::{Row, Scope, named},
    },
    domain::{area::AreaCode, life::Life},
    service,
};

use super::{
    access::{Ends, not_allowed, sign_in},
    status::{internal, of_service, refused},
};

/// Who asks this rpc, from where, and by which roles.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// Who asks.
    pub caller: Caller,
    /// From where.
    pub origin: Origin,
    rpc: &'static str,
    reach: Reach,
    /// Where the asker is listed.
    pub(super) directory: Option<Arc<Directory>>,
    /// What ends before the asker is unlisted: the token.
    pub(super) ends: Option<Ends>,
}

impl Asker {
    /// Only for the gate.
    pub(super) fn new(caller: Caller, origin: Origin, row: &'static Row) -> Self {
        let reach = match (&caller, row.scope) {
            (Caller::Known(principal), Scope::Areas) => principal.reach(row.roles()),
            _ => Reach::Everywhere,
        };
        Self { caller, origin, rpc: row.rpc, reach, directory: None, ends: None }
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

    /// Refuses an area that is neither the asker's nor above one of theirs: what was measured and decided
    /// there decides for theirs, and their own answers tell it.
    pub fn knows(&self, service: &service::Service, area: AreaCode) -> Result<(), Status> {
        let areas = &service.reference.data.areas;
        match &self.reach {
            Reach::Within(own) if own.iter().any(|own| areas.within(*own, area)) => Ok(()),
            _ => self.inside(service, [area]),
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

    /// Whether the asker is still listed with the same grants, and the token still lasts.
    pub fn is_still_known(&self) -> bool {
        match (&self.directory, &self.caller) {
            (Some(directory), Caller::Known(principal)) => {
                directory.by_name(&principal.name).as_ref() == Some(principal)
                    && !self.ends.as_ref().is_some_and(|ends| ends.has_come(directory))
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
