//! What a person gets who is in several groups.

use crate::{
    domain::{code::Code, group::Residence},
    rules::{
        cite::{Cite, Mark},
        param::Pick,
        word::SeveralGroups,
    },
};

use super::question::{Applied, Missing};

/// The rule, and whether a text says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Several {
    /// One payment, or one for each group.
    pub rule: SeveralGroups,
    /// Where it stands; none where no document speaks of it.
    pub cite: Option<Cite>,
}

impl Several {
    /// Whether no text is known that says so.
    pub fn is_assumed(&self) -> bool {
        self.cite.as_ref().is_none_or(|cite| cite.is_assumed() || cite.mark == Mark::U)
    }
}

/// What holds for a group; where no document speaks of it, one payment at the highest.
///
/// # Errors
/// A document leaves it open.
pub fn several(
    applied: &Applied<'_>,
    group: &Code,
    residence: Residence,
) -> Result<Several, Missing> {
    let context = applied.context_of(group, residence, &[]);
    match applied.rules.terms.payment.several_groups.pick(&context) {
        Pick::Set(picked) => Ok(Several { rule: *picked.value, cite: Some(picked.cite.clone()) }),
        Pick::Unset => Ok(Several { rule: SeveralGroups::Highest, cite: None }),
        Pick::Open { cite, .. } => {
            let left_open_by = Some(cite.head.id.clone());
            Err(Missing::Parameter { path: "payment.several_groups".into(), left_open_by })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rules::{
        cite::{Head, Kind},
        reform::Reform,
    };

    fn cited(kind: Kind, mark: Mark) -> Several {
        let reform = Reform::parse("one.toml", "kind = \"reform\"\n").unwrap();
        let head = Arc::new(Head { kind, ..(*reform.instrument().head).clone() });
        let cite = Cite { head, clause: "四".into(), mark, note: "".into(), line: 1 };
        Several { rule: SeveralGroups::Highest, cite: Some(cite) }
    }

    #[test]
    fn only_a_text_that_was_seen_says_what_a_person_in_several_groups_gets() {
        assert!(Several { rule: SeveralGroups::Highest, cite: None }.is_assumed());
        assert!(cited(Kind::Assumption, Mark::A).is_assumed());
        assert!(cited(Kind::Regional, Mark::U).is_assumed());
        assert!(!cited(Kind::Regional, Mark::A).is_assumed());
    }
}
