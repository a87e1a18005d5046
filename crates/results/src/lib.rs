//! What a run leaves behind, written and read: summary, rows, journal; other tools' result files too.
