//! Mixes: requests of several classes in one plan, each class with lengths of its own. Knows no deadline, model or header.
//!
//! The class of a request, or of a session whose turns all have it, is drawn by its number alone: so an open loop's classes are
//! thinned from one arrival process, and for Poisson arrivals each class's own arrivals are Poisson.

use metron_units::Tokens;

use super::PlanError;
use crate::dist::{Count, Dist};
use crate::random::{Stream, generator, unit};

/// One class of a mix.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Class {
    /// What rows and figures call it.
    pub name: String,
    /// Its part of the requests, against the sum over all classes; above 0.
    pub weight: f64,
    /// The lengths of its prompts, where they are not the plan's.
    pub input_tokens: Option<Dist<Tokens>>,
    /// The lengths of its answers, where they are not the plan's.
    pub output_tokens: Option<Dist<Tokens>>,
    /// The turns of its sessions, where they are not the plan's.
    pub turns: Option<Dist<Count>>,
}

/// The classes of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mix {
    classes: Vec<Class>,
    /// Up to which draw each class is meant.
    ends: Vec<f64>,
}

impl Mix {
    /// The classes of one plan; none for a plan without.
    ///
    /// # Errors
    /// If a weight is no number above 0, a name is empty, or two classes have one name.
    pub fn new(classes: Vec<Class>) -> Result<Self, PlanError> {
        for (k, class) in classes.iter().enumerate() {
            if class.name.trim().is_empty() {
                return Err(PlanError::Class { name: class.name.clone(), reason: "has no name" });
            }
            if classes[..k].iter().any(|other| other.name == class.name) {
                return Err(PlanError::Class { name: class.name.clone(), reason: "is there twice" });
            }
            if !(class.weight.is_finite() && class.weight > 0.0) {
                return Err(PlanError::Class { name: class.name.clone(), reason: "has no part of the requests" });
            }
        }
        let all: f64 = classes.iter().map(|class| class.weight).sum();
        let mut sum = 0.0;
        let ends = classes.iter().map(|class| {
            sum += class.weight;
            sum / all
        });
        let ends = ends.collect();
        Ok(Self { classes, ends })
    }

    /// The classes, in their order.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Whether the plan has no classes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class numbered so.
    #[must_use]
    pub fn get(&self, class: Option<usize>) -> Option<&Class> {
        self.classes.get(class?)
    }

    /// The place of the class of this name.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|class| class.name == name)
    }

    /// The class of request or session `k`; `None` without classes.
    pub(super) fn draw(&self, seed: u64, k: u64) -> Option<usize> {
        match self.classes.len() {
            0 => None,
            1 => Some(0),
            classes => {
                let drawn = unit(&mut generator(seed, Stream::Classes, k));
                // Rounding may leave the last end a little below 1.
                Some(self.ends.partition_point(|&end| end <= drawn).min(classes - 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, weight: f64) -> Class {
        Class { name: name.to_owned(), weight, input_tokens: None, output_tokens: None, turns: None }
    }

    #[test]
    fn classes_come_as_often_as_their_weights_say() {
        let mix = Mix::new(vec![class("a", 7.0), class("b", 2.0), class("c", 1.0)]).unwrap();
        let mut counts = [0.0; 3];
        (0..10_000).for_each(|k| counts[mix.draw(1, k).unwrap()] += 1.0);
        let distance: f64 = counts
            .iter()
            .zip([7_000.0, 2_000.0, 1_000.0])
            .map(|(count, of): (&f64, f64)| (count - of).powi(2) / of)
            .sum();
        // Chi-square of two degrees: 13.8 is passed once in a thousand.
        assert!(distance < 13.8, "{counts:?}");
    }

    #[test]
    fn a_mix_that_makes_no_sense_is_refused() {
        for (classes, says) in [
            (vec![class("a", 1.0), class("a", 1.0)], "is there twice"),
            (vec![class(" ", 1.0)], "has no name"),
            (vec![class("a", 0.0)], "no part"),
            (vec![class("a", f64::NAN)], "no part"),
        ] {
            let refused = Mix::new(classes).unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
        }
        assert_eq!(Mix::default().draw(0, 7), None);
    }
}
