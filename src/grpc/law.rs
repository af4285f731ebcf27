//! RuleService and AreaService: the law as data, and the areas.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    engine::{amount::covered, question::Applied, reason::Text},
    rules::{cite::Head, shown::Shown},
    service::Service,
};

use super::{
    answers::Streamed,
    asker::Asker,
    convert,
    deadline::deadline_in,
    diff,
    page::Page,
    read::{area_in, area_opt, month_in, month_opt, terms_in},
    status::{of_diff, of_service, of_timeline},
    v1::{self, area_service_server::AreaService, rule_service_server::RuleService},
};

/// Serves the law and the areas.
pub struct Laws(pub Arc<Service>);

#[tonic::async_trait]
impl RuleService for Laws {
    async fn list_instruments(
        &self,
        asked: Request<v1::ListInstrumentsRequest>,
    ) -> Result<Response<v1::ListInstrumentsResponse>, Status> {
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 200, 500)?;
        let area = area_opt("area", &asked.area)?;
        let month = month_opt("month", asked.month)?;
        let data = &self.0.reference.data;
        let mut heads: Vec<_> = data.library.instruments().iter().map(|one| &one.head).collect();
        heads.retain(|head| {
            area.is_none_or(|area| data.areas.within(area, head.jurisdiction))
                && month.is_none_or(|month| head.months.contains(month))
                && (asked.id.is_empty() || asked.id == head.id)
        });
        heads.sort_by_key(|head| (head.jurisdiction, head.months.from, head.kind, &head.id));
        let (found, next_page_token) = page.of(heads.into_iter());
        let written = |head: &Head| {
            let text = data.texts.get(&head.file).filter(|_| !asked.id.is_empty());
            v1::Instrument { text: text.cloned().unwrap_or_default(), ..convert::instrument(head) }
        };
        let instruments = found.into_iter().map(|head| written(head)).collect();
        Ok(Response::new(v1::ListInstrumentsResponse { instruments, next_page_token }))
    }

    async fn get_rules(
        &self,
        asked: Request<v1::GetRulesRequest>,
    ) -> Result<Response<v1::Rules>, Status> {
        let asked = asked.into_inner();
        let area = area_in("area", &asked.area)?;
        let month = month_in("month", asked.month)?;
        let terms = terms_in(asked.asking)?;
        let ledger = self.0.writer.snapshot();
        let law = self.0.law_under(&ledger, &terms).map_err(|error| of_service(&error))?;
        let world = self.0.reference.world_under(&ledger, &law);
        let applied = Applied::new(world, area, month, &terms);
        let applied = applied.map_err(|error| of_timeline(&error.into()))?;
        let Ok(applied) = applied else {
            return Ok(Response::new(v1::Rules { area: area.to_string(), ..Default::default() }));
        };
        let words = self.0.reference.words();
        let group = |(code, cite): (crate::domain::code::Code, crate::rules::cite::Cite)| {
            let name = Text::new(words.groups.zh(&code), words.groups.en(&code));
            v1::CoveredGroup {
                group: code.to_string(),
                name: Some(convert::text(name)),
                citation: Some(convert::citation(&cite)),
            }
        };
        let parameter = |shown: Shown| v1::Parameter {
            path: shown.path,
            says: shown.says.iter().map(convert::provision).collect(),
        };
        Ok(Response::new(v1::Rules {
            area: area.to_string(),
            month: Some(convert::month(month)),
            deciding_area: applied.deciding.to_string(),
            instruments: (applied.rules.documents.iter())
                .map(|head| convert::instrument(head))
                .collect(),
            parameters: applied.rules.terms.list().into_iter().map(parameter).collect(),
            groups: covered(&applied).into_iter().map(group).collect(),
            law_digest: applied.rules.digest.clone(),
        }))
    }

    type DiffInstrumentStream = Streamed<v1::DiffInstrumentResponse>;

    async fn diff_instrument(
        &self,
        asked: Request<v1::DiffInstrumentRequest>,
    ) -> Result<Response<Self::DiffInstrumentStream>, Status> {
        let deadline = deadline_in(asked.metadata().as_ref());
        let asker = Asker::of(asked.extensions())?;
        let asked = asked.into_inner();
        let document = diff::document_in(asked.document)?;
        let mut diff = self.0.diff(&document, asked.strict).map_err(|error| of_diff(&error))?;
        diff.areas.retain(|area| asker.sees(&self.0, *area));
        Ok(Response::new(diff::stream(self.0.clone(), diff, deadline)))
    }
}

#[tonic::async_trait]
impl AreaService for Laws {
    async fn list_areas(
        &self,
        asked: Request<v1::ListAreasRequest>,
    ) -> Result<Response<v1::ListAreasResponse>, Status> {
        let asked = asked.into_inner();
        let page = Page::read(asked.page_size, &asked.page_token, 1_000, 5_000)?;
        let within = area_opt("within", &asked.within)?;
        let ledger = self.0.writer.snapshot();
        let areas = &self.0.reference.data.areas;
        let wanted = areas.all().filter(|area| {
            within.is_none_or(|above| areas.within(area.code, above))
                && (!asked.with_index || ledger.figures.has_area(area.code))
        });
        let (found, next_page_token) = page.of(wanted);
        let area = |area: &crate::domain::area::Area| v1::Area {
            code: area.code.to_string(),
            name: area.name.clone(),
            level: area.level.as_str().to_owned(),
            parent: area.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            has_index: ledger.figures.has_area(area.code),
        };
        let areas = found.into_iter().map(area).collect();
        Ok(Response::new(v1::ListAreasResponse { areas, next_page_token }))
    }
}
