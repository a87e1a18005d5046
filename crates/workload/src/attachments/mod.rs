//! What requests carry besides their words: images, sounds and tools, made up offline. Knows no API and no file.
//!
//! All of it is a function of (seed, request, place): two requests never carry the same image, and the same request always
//! does. What an image shows costs a server nothing; how many pixels it has does, and so does not having seen it before.

mod image;
mod sound;
mod tool;

use metron_units::Nanos;

pub use image::{ImageSize, png};
pub use sound::wav;
pub use tool::{MadeUpTool, tools};

use crate::dist::{Count, Dist};
use crate::random::{Stream, generator};

/// What requests carry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attachments {
    /// How many images; none if not given.
    pub images: Option<Dist<Count>>,
    /// How large they are.
    pub image_size: ImageSize,
    /// How long a sound; none if not given.
    pub audio: Option<Dist<Nanos>>,
}

/// What one request carries, as bytes of PNG and WAV files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attached {
    /// Images, in their order.
    pub images: Vec<Vec<u8>>,
    /// A sound.
    pub audio: Option<Vec<u8>>,
}

impl Attachments {
    /// Whether requests carry nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.images.is_none() && self.audio.is_none()
    }

    /// What request `k` carries.
    #[must_use]
    pub fn make(&self, seed: u64, k: u64) -> Attached {
        self.make_as_told(seed, k, 0)
    }

    /// What request `k` carries, of which a trace says that it had `recorded` images; so many it has unless it is said otherwise
    /// how many there are.
    #[must_use]
    pub fn make_as_told(&self, seed: u64, k: u64, recorded: u32) -> Attached {
        let mut rng = generator(seed, Stream::Images, k);
        let count = self.images.as_ref().map_or(u64::from(recorded), |count| count.draw(&mut rng).get());
        let images = (0..count).map(|_| png(self.image_size, &mut rng)).collect();
        let audio = self.audio.as_ref().map(|length| {
            let mut rng = generator(seed, Stream::Sounds, k);
            wav(length.draw(&mut rng), &mut rng)
        });
        Attached { images, audio }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn attachments() -> Attachments {
        Attachments {
            images: Some("uniform:0..3".parse().unwrap()),
            image_size: "64x32".parse().unwrap(),
            audio: Some("uniform:10ms..30ms".parse().unwrap()),
        }
    }

    #[test]
    fn no_two_requests_carry_the_same_and_one_always_does() {
        let attachments = attachments();
        let mut seen = HashSet::new();
        let mut counts = HashSet::new();
        for k in 0..200 {
            let made = attachments.make(1, k);
            assert_eq!(made, attachments.make(1, k));
            counts.insert(made.images.len());
            assert!(made.images.into_iter().all(|image| seen.insert(image)), "an image of request {k} was seen before");
            assert!(seen.insert(made.audio.unwrap()), "the sound of request {k} was heard before");
        }
        assert_eq!(counts, HashSet::from([0, 1, 2, 3]));
        assert_ne!(attachments.make(1, 7), attachments.make(2, 7));
    }

    #[test]
    fn nothing_is_made_that_was_not_asked_for() {
        assert_eq!(Attachments::default().make(0, 0), Attached::default());
        assert!(Attachments::default().is_none() && !attachments().is_none());
    }
}
