//! What a person reads: console, progress, HTML.
