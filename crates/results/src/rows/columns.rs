//! The columns: each one's name and unit beside the array that fills it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{Field, Schema, SchemaRef};

/// A filled column.
pub(crate) struct Column {
    field: Field,
    array: ArrayRef,
}

/// The unit of a column, in its field's metadata under `unit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Seconds.
    Seconds,
    /// Tokens.
    Tokens,
    /// A part of 1.
    Share,
    /// A plain count.
    Count,
    /// Text, a truth, a place in an order.
    None,
}

impl Unit {
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Nanoseconds => Some("ns"),
            Self::Seconds => Some("s"),
            Self::Tokens => Some("tokens"),
            Self::Share => Some("share"),
            Self::Count => Some("count"),
            Self::None => None,
        }
    }
}

impl Column {
    /// A column in which every row has a value.
    pub(crate) fn full(name: &str, unit: Unit, array: impl Array + 'static) -> Self {
        let Self { field, array } = Self::sparse(name, unit, array);
        Self { field: field.with_nullable(false), array }
    }

    /// A column that may be null.
    pub(crate) fn sparse(name: &str, unit: Unit, array: impl Array + 'static) -> Self {
        let metadata: HashMap<String, String> =
            unit.name().map(|unit| ("unit".to_owned(), unit.to_owned())).into_iter().collect();
        let field = Field::new(name, array.data_type().clone(), true).with_metadata(metadata);
        Self { field, array: Arc::new(array) }
    }
}

/// The schema of columns, with the file's own metadata.
pub(crate) fn schema(columns: &[Column], metadata: HashMap<String, String>) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|column| column.field.clone()).collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The arrays of columns.
pub(crate) fn arrays(columns: Vec<Column>) -> Vec<ArrayRef> {
    columns.into_iter().map(|column| column.array).collect()
}
