//! The columns of a batch, found by name and type. They may come from anywhere: one that is missing or strange is told by its name.

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray};

use super::RowsFault;

/// Finds columns by name and type.
#[derive(Clone, Copy)]
pub(crate) struct Finder<'a>(pub(crate) &'a RecordBatch);

impl<'a> Finder<'a> {
    fn column(self, column: &'static str) -> Result<&'a dyn Array, RowsFault> {
        self.0.column_by_name(column).map(AsRef::as_ref).ok_or(RowsFault::MissingColumn { column })
    }

    pub(crate) fn optional<T>(
        self,
        name: &'static str,
        find: impl FnOnce(Self, &'static str) -> Result<T, RowsFault>,
    ) -> Result<Option<T>, RowsFault> {
        if self.0.column_by_name(name).is_none() { Ok(None) } else { find(self, name).map(Some) }
    }

    pub(crate) fn numbers<T: ArrowPrimitiveType>(self, name: &'static str) -> Result<&'a PrimitiveArray<T>, RowsFault> {
        let array = self.column(name)?;
        array.as_primitive_opt().ok_or_else(|| wrong_type(name, array, T::DATA_TYPE.to_string()))
    }

    /// Numbers of which none is missing.
    pub(crate) fn all_numbers<T: ArrowPrimitiveType>(self, name: &'static str) -> Result<&'a [T::Native], RowsFault> {
        let numbers = self.numbers::<T>(name)?;
        complete(name, numbers).map(|()| &**numbers.values())
    }

    pub(crate) fn texts(self, name: &'static str) -> Result<&'a StringArray, RowsFault> {
        let array = self.column(name)?;
        array.as_string_opt().ok_or_else(|| wrong_type(name, array, "text"))
    }

    /// Texts of which none is missing.
    pub(crate) fn all_texts(self, name: &'static str) -> Result<&'a StringArray, RowsFault> {
        let texts = self.texts(name)?;
        complete(name, texts).map(|()| texts)
    }

    pub(crate) fn truths(self, name: &'static str) -> Result<&'a BooleanArray, RowsFault> {
        let array = self.column(name)?;
        array.as_boolean_opt().ok_or_else(|| wrong_type(name, array, "a truth value"))
    }

    pub(crate) fn lists<T: ArrowPrimitiveType>(self, name: &'static str) -> Result<&'a ListArray, RowsFault> {
        let array = self.column(name)?;
        let refused = || wrong_type(name, array, format!("a list of {}", T::DATA_TYPE));
        let list: &ListArray = array.as_list_opt().ok_or_else(refused)?;
        list.values().as_primitive_opt::<T>().ok_or_else(refused)?;
        Ok(list)
    }
}

fn complete(column: &'static str, array: &dyn Array) -> Result<(), RowsFault> {
    if array.null_count() == 0 { Ok(()) } else { Err(RowsFault::MissingValue { column }) }
}

fn wrong_type(column: &'static str, array: &dyn Array, wants: impl Into<String>) -> RowsFault {
    RowsFault::WrongType { column, has: array.data_type().to_string(), wants: wants.into() }
}
