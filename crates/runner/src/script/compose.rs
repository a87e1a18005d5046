//! The whole body of each request of a plan, in the plan's order. Knows no queue and no connection.

use metron_units::Tokens;
use metron_wire::{Dialect, RequestShape};
use metron_workload::{PlanDigest, PlannedRequest};
use serde_json::{Map, Value};

use super::{Script, ScriptError};

/// Composes bodies.
#[derive(Debug)]
pub(crate) struct Composer {
    pub(crate) script: Script,
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    /// Laid over each body.
    pub(crate) extra: Option<Map<String, Value>>,
}

/// One request, composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Composed {
    /// Its prompt as one text.
    pub(crate) prompt: String,
    pub(crate) body: Vec<u8>,
}

impl Composer {
    /// Composes the plan's next request and adds it to the plan's digest.
    ///
    /// # Errors
    /// If a prompt cannot be made, or the trace no longer says what it said.
    pub(crate) fn compose(
        &mut self,
        request: &PlannedRequest,
        digest: &mut PlanDigest,
    ) -> Result<Composed, ScriptError> {
        let said = self.script.say(request)?;
        digest.add(request, &said.whole());
        let (prompt, patch) = said.parts(self.dialect, self.extra.as_ref());
        let shape = RequestShape {
            extra: (!patch.is_empty()).then_some(&patch),
            ..RequestShape::text(&self.model, &prompt, Tokens::get(request.output_tokens))
        };
        let body = self.dialect.body(&shape);
        Ok(Composed { prompt, body })
    }
}
