//! The JSON Schemas of what metron writes. The words come from the fields' documentation.

use serde_json::Value;

/// A named schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What `metron schema` calls it.
    pub name: &'static str,
    /// What it describes.
    pub about: &'static str,
    make: fn() -> schemars::Schema,
}

/// Every schema there is.
pub const SCHEMAS: &[Schema] = &[
    Schema {
        name: "summary",
        about: "summary.json, and what `metron run --json` prints",
        make: || schemars::schema_for!(super::Summary),
    },
    Schema {
        name: "score",
        about: "what `metron score --json` prints",
        make: || schemars::schema_for!(crate::score::ScoreReport),
    },
    Schema {
        name: "probe",
        about: "what `metron probe --json` prints",
        make: || schemars::schema_for!(crate::probe::ProbeReport),
    },
    Schema {
        name: "capacity",
        about: "capacity.json, and what `metron capacity --json` prints",
        make: || schemars::schema_for!(crate::capacity::CapacityFile),
    },
    Schema {
        name: "prefill-profile",
        about: "prefill-profile.json, and what `metron prefill --json` prints",
        make: || schemars::schema_for!(crate::prefill_profile::PrefillProfileFile),
    },
    Schema {
        name: "compare",
        about: "what `metron compare --json` prints",
        make: || schemars::schema_for!(crate::compare::CompareReport),
    },
    Schema {
        name: "sweep",
        about: "sweep.json, and what `metron sweep --json` prints",
        make: || schemars::schema_for!(crate::sweep::SweepReport),
    },
    Schema {
        name: "calibration",
        about: "what `metron calibrate` saves, and prints with --json",
        make: || schemars::schema_for!(crate::calibration::Calibration),
    },
];

impl Schema {
    /// The schema as JSON (draft 2020-12).
    #[must_use]
    pub fn json(&self) -> Value {
        (self.make)().to_value()
    }
}

/// The schema of that name; `None` if there is none (see [`SCHEMAS`]).
#[must_use]
pub fn schema(name: &str) -> Option<Value> {
    SCHEMAS.iter().find(|schema| schema.name == name).map(Schema::json)
}
