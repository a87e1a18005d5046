//! The live view on a screen in memory: whole screens of an ordinary, a hostile and a small one, and what the keys do.

use std::collections::BTreeMap;

use metron_metrics::ErrorClass;
use metron_results::event::{InFlight, Recent, RunPhase, Snapshot, SoFar, Warning};
use metron_results::summary::Verdict;
use metron_units::{Nanos, Share};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::board::Board;
use super::draw::draw;
use super::keys::{Pressed, Wish};
use crate::Style;
use crate::samples;

use metron_results::event::RunEvent;

fn snapshot(seconds: u64) -> Snapshot {
    let ms = Nanos::from_millis;
    Snapshot {
        elapsed: Nanos::from_secs(seconds),
        planned: Some(400),
        dispatched: 4 * seconds,
        completed: 4 * seconds - 3,
        in_flight: 3,
        recent: Recent {
            output_token_rate: Some(500.0 + seconds as f64),
            request_rate: Some(3.9),
            ttft_p50: Some(ms(101)),
            ttft_p99: Some(ms(120 + 40 * (seconds % 5))),
            tbt_p50: Some(ms(20)),
            tbt_p99: (seconds > 4).then(|| ms(20 + seconds % 7)),
            fluid_share: Some(0.95),
        },
        instrument: Some(SoFar { verdict: Verdict::Ok, reasons: Vec::new() }),
        ..Snapshot::default()
    }
}

fn progress(snapshot: Snapshot) -> RunEvent {
    RunEvent::Progress(Box::new(snapshot))
}

/// A board that has followed the sample run for 40 seconds.
fn followed() -> Board {
    let mut board = Board::default();
    board.see(&RunEvent::Started { facts: Box::new(samples::facts(4.0)), folder: None });
    board.see(&RunEvent::PhaseBegan { phase: RunPhase::Measured, at: Nanos::ZERO });
    for seconds in 1..=40 {
        board.see(&progress(snapshot(seconds)));
    }
    board
}

fn screen(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen in memory");
    terminal.draw(|frame| draw(frame, board, Style::Plain)).expect("it is drawn");
    terminal.backend().to_string()
}

#[test]
fn an_ordinary_run_on_an_ordinary_screen() {
    insta::assert_snapshot!(screen(&followed(), 80, 24));
}

#[test]
fn failures_a_doubtful_client_and_a_hostile_server_on_the_smallest_screen() {
    let mut board = followed();
    board.see(&RunEvent::Warning(Warning::ClientBusy { busy: Share::new(0.9).expect("a share"), workers: 2 }));
    board.see(&progress(Snapshot {
        failed: 7,
        waiting: 12,
        errors: BTreeMap::from([(ErrorClass::Http5xx, 2), (ErrorClass::TimeoutIdle, 5)]),
        latest_errors: BTreeMap::from([(ErrorClass::Http5xx, samples::HOSTILE.to_owned())]),
        instrument: Some(SoFar { verdict: Verdict::Suspect, reasons: vec!["requests left 9 ms late".to_owned()] }),
        ..snapshot(41)
    }));
    let shown = screen(&board, 60, 15);
    assert!(!shown.contains('\x1b') && !shown.contains('\u{202e}'), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn no_size_is_too_small_to_be_drawn() {
    for (width, height) in [(60, 15), (40, 10), (10, 3), (1, 1)] {
        screen(&followed(), width, height);
    }
}

#[test]
fn the_smallest_screen_shows_everything_that_matters() {
    let shown = screen(&followed(), super::SMALLEST.0, super::SMALLEST.1);
    for word in [
        "measuring",
        "left",
        "done",
        "in flight",
        "asked",
        "TTFT",
        "TBT",
        "fluid",
        "tokens/s",
        "errors",
        "instrument",
        "q drains",
    ] {
        assert!(shown.contains(word), "{word} in\n{shown}");
    }
}

#[test]
fn a_frozen_view_stands_still_and_the_run_goes_on() {
    let mut board = followed();
    assert_eq!(board.press(Pressed::Freeze), None);
    board.see(&progress(snapshot(60)));
    assert_eq!(board.shown().snapshot.elapsed, Nanos::from_secs(40));
    assert!(screen(&board, 80, 24).contains("view frozen"));
    board.press(Pressed::Freeze);
    assert_eq!(board.shown().snapshot.elapsed, Nanos::from_secs(60));
}

#[test]
fn keys_are_wishes_and_control_c_counts() {
    let mut board = Board::default();
    assert_eq!(board.press(Pressed::Drain), Some(Wish::Drain));
    assert_eq!(board.press(Pressed::Stop), Some(Wish::Stop));
    assert_eq!(
        (board.press(Pressed::Interrupt), board.press(Pressed::Interrupt)),
        (Some(Wish::Drain), Some(Wish::Stop))
    );
}

#[test]
fn what_was_said_on_the_lost_screen_is_kept() {
    let mut board = Board::default();
    board.see(&RunEvent::Warning(Warning::Insecure));
    board.see(&RunEvent::Interrupted { at: Nanos::ZERO, in_flight: InFlight::Dropped });
    assert!(
        board.said()[0].starts_with("warning: ") && board.said()[1].starts_with("interrupted"),
        "{:?}",
        board.said()
    );
}

#[test]
fn the_rate_is_that_of_the_last_seconds() {
    let mut board = followed();
    assert_eq!(board.shown().sent_rate(), Some(4.0));
    board.see(&progress(Snapshot { dispatched: 160, ..snapshot(50) }));
    assert_eq!(board.shown().sent_rate(), Some(0.0), "nothing was sent for ten seconds");
}
