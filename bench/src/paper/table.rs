//! Our figures beside the published ones, as Markdown for the book and JSON for programs. Computes nothing.

use serde_json::{Value, json};

/// Figures side by side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// In the order of reading.
    pub rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is, its unit included.
    pub figure: String,
    /// What the simulated engine gave.
    pub ours: f64,
    /// What was published; `None` where nothing was.
    pub published: Option<Published>,
}

/// A published figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// The figure.
    pub value: f64,
    /// The relative difference within which the engine is held; `None` where it is shown only.
    pub tolerance: Option<f64>,
    /// Where it stands.
    pub source: &'static str,
}

impl Published {
    /// A figure that is shown beside ours, and held to nothing.
    #[must_use]
    pub const fn shown(value: f64, source: &'static str) -> Self {
        Self { value, tolerance: None, source }
    }

    /// A figure that ours must meet within a share of it.
    #[must_use]
    pub const fn held(value: f64, tolerance: f64, source: &'static str) -> Self {
        Self { value, tolerance: Some(tolerance), source }
    }
}

impl Row {
    /// Ours over the published one, less 1.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        self.published.map(|published| self.ours / published.value - 1.0)
    }

    /// Whether ours lies within the tolerance, if there is one.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        let tolerance = self.published?.tolerance?;
        self.difference().map(|difference| difference.abs() <= tolerance)
    }
}

impl Table {
    /// Adds a figure.
    pub fn add(&mut self, figure: impl Into<String>, ours: f64, published: impl Into<Option<Published>>) {
        self.rows.push(Row { figure: figure.into(), ours, published: published.into() });
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| figure | published | ours | difference | held to | source |\n|---|---|---|---|---|---|\n");
        for row in &self.rows {
            let none = String::new;
            let published = row.published.map_or_else(none, |published| digits(published.value));
            let difference = row.difference().map_or_else(none, |share| format!("{:+.0} %", share * 100.0));
            let tolerance = row.published.and_then(|published| published.tolerance);
            let tolerance = tolerance.map_or_else(none, |share| format!("{:.0} %", share * 100.0));
            let source = row.published.map_or("", |published| published.source);
            text.push_str(&format!(
                "| {} | {published} | {} | {difference} | {tolerance} | {source} |\n",
                row.figure,
                digits(row.ours)
            ));
        }
        text
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "figure": row.figure,
                "ours": row.ours,
                "published": row.published.map(|published| published.value),
                "tolerance": row.published.and_then(|published| published.tolerance),
                "source": row.published.map(|published| published.source),
                "holds": row.holds(),
            })
        };
        self.rows.iter().map(row).collect()
    }
}

/// Three significant digits, no exponent.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
