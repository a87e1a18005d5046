//! The live view as it is seen: from what is known to lines on a screen of any size. Colour carries nothing that words do not
//! carry as well. Knows no terminal.

use metron_results::event::{InFlight, RunPhase, Snapshot};
use metron_results::summary::Verdict;
use metron_units::Nanos;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style as Paint};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph, Sparkline, Wrap};

use super::board::{Board, Sight};
use crate::style::Style;
use crate::{escape, figure};

/// From this height on, parts stand apart.
const AIRY: u16 = 20;
/// Where a part's figures begin: the width of its label.
const LABEL: u16 = 12;
/// The width of two percentiles.
const FIGURES: u16 = 22;

/// Draws everything, as far as the screen goes.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, style: Style) {
    let sight = board.shown();
    let paints = Paints { style };
    let errors = errors(sight, paints);
    let gap = u16::from(frame.area().height >= AIRY);
    let wanted = u16::try_from(errors.len()).unwrap_or(u16::MAX);
    let parts = [
        Constraint::Length(5),
        Constraint::Length(gap),
        Constraint::Length(5),
        Constraint::Length(gap),
        Constraint::Max(wanted),
        Constraint::Fill(0),
        Constraint::Length(1),
        Constraint::Length(1 + gap),
        Constraint::Length(1),
    ];
    let [head, _, figures, _, failures, _, instrument, note, keys] = Layout::vertical(parts).areas(frame.area());
    draw_head(frame, head, sight, paints);
    draw_figures(frame, figures, sight, paints);
    frame.render_widget(Paragraph::new(errors), failures);
    frame.render_widget(Paragraph::new(verdict(sight, paints)), instrument);
    let said = Paragraph::new(sight.note.as_deref().unwrap_or_default()).style(paints.faint());
    frame.render_widget(said.wrap(Wrap { trim: true }), note);
    frame.render_widget(Paragraph::new(help(board, paints)), keys);
}

/// What colours there are.
#[derive(Debug, Clone, Copy)]
struct Paints {
    style: Style,
}

impl Paints {
    fn colour(self, colour: Color) -> Paint {
        match self.style {
            Style::Plain => Paint::new(),
            Style::Coloured => Paint::new().fg(colour),
        }
    }

    fn strong(self) -> Paint {
        Paint::new().add_modifier(Modifier::BOLD)
    }

    fn faint(self) -> Paint {
        Paint::new().add_modifier(Modifier::DIM)
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, sight: &Sight, paints: Paints) {
    let [title, phase, gauge, requests, rates] = rows(area);
    let model = sight.model.as_ref().map_or_else(String::new, |model| format!("  {model}"));
    let title_line =
        Line::from(vec![Span::styled("metron  ", paints.strong()), Span::raw(&sight.target), model.into()]);
    frame.render_widget(Paragraph::new(title_line), title);
    frame.render_widget(Paragraph::new(state(sight, paints)), phase);
    if let Some(part) = sight.part() {
        let label = format!("{:>3.0} %", (part * 100.0).floor());
        let bar = LineGauge::default().ratio(part).label(label).filled_symbol("━").unfilled_symbol("─");
        frame.render_widget(bar.filled_style(paints.colour(Color::Cyan)), gauge);
    }
    frame.render_widget(Paragraph::new(counts(&sight.snapshot, paints)), requests);
    frame.render_widget(Paragraph::new(pace(sight)), rates);
}

/// So many rows of one line each.
fn rows<const N: usize>(area: Rect) -> [Rect; N] {
    Layout::vertical([Constraint::Length(1); N]).areas(area)
}

/// Phase and time.
fn state<'a>(sight: &Sight, paints: Paints) -> Line<'a> {
    let phase = match (sight.interrupted, sight.phase) {
        (_, Some(RunPhase::Settling)) => "computing the figures",
        (Some(InFlight::Dropped), _) => "stopping",
        (Some(InFlight::Awaited), _) | (None, Some(RunPhase::Draining)) => "draining: what is in flight is awaited",
        (None, Some(RunPhase::Warmup)) => "warm-up",
        (None, Some(RunPhase::Measured)) => "measuring",
        (None, Some(RunPhase::Connecting) | None) => "connecting",
    };
    let mut spans =
        vec![Span::styled(phase, paints.colour(Color::Cyan)), "  ".into(), whole(sight.snapshot.elapsed).into()];
    if sight.interrupted.is_none() && matches!(sight.phase, Some(RunPhase::Warmup | RunPhase::Measured)) {
        spans.extend(sight.left().map(|left| Span::raw(format!(", about {} left", whole(left)))));
    }
    Line::from(spans)
}

/// A time in whole seconds.
fn whole(time: Nanos) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    if seconds < 60 { format!("{seconds} s") } else { format!("{}:{:02} min", seconds / 60, seconds % 60) }
}

fn counts<'a>(snapshot: &Snapshot, paints: Paints) -> Line<'a> {
    let of = snapshot.planned.map_or_else(String::new, |planned| format!("/{planned}"));
    let mut spans = vec![label("requests"), format!("{}{of} done", snapshot.completed).into()];
    if snapshot.failed > 0 {
        spans.push(Span::styled(format!(", {} failed", snapshot.failed), paints.colour(Color::Red)));
    }
    spans.push(format!(", {} in flight", snapshot.in_flight).into());
    if snapshot.waiting > 0 {
        spans.push(Span::styled(format!(", {} waiting", snapshot.waiting), paints.colour(Color::Yellow)));
    }
    Line::from(spans)
}

fn label<'a>(text: &str) -> Span<'a> {
    Span::raw(format!("{text:<width$}", width = usize::from(LABEL)))
}

/// What was asked of the load, and what became of it.
fn pace<'a>(sight: &Sight) -> Line<'a> {
    let got = sight.sent_rate().map_or_else(|| "–".to_owned(), figure::number);
    let pace = match (sight.asked_rate, sight.users) {
        (Some(asked), _) => format!("{} asked, {got} sent /s", figure::number(asked)),
        (None, Some(users)) => format!("{}, {got} sent /s", figure::count(u64::from(users), "user")),
        (None, None) => format!("{got} sent /s"),
    };
    let answered = sight.snapshot.recent.request_rate.map(|rate| format!(", {} answered /s", figure::number(rate)));
    Line::from(vec![label("rate"), pace.into(), answered.unwrap_or_default().into()])
}

/// One value of each snapshot, in the unit of the line's own scale; `None` where there was none.
type Of = fn(&Snapshot) -> Option<f64>;

fn draw_figures(frame: &mut Frame<'_>, area: Rect, sight: &Sight, paints: Paints) {
    let [head, ttft, tbt, fluid, tokens] = rows(area);
    let recent = &sight.snapshot.recent;
    let heading = format!("{:LABEL$}{:>10}{:>10}  ", "last 10 s", "p50", "p99", LABEL = usize::from(LABEL));
    let heading = Line::from(vec![Span::raw(heading), "until now (p99)".into()]);
    frame.render_widget(Paragraph::new(heading).style(paints.faint()), head);
    let time = |time: Option<Nanos>| time.map_or_else(|| "–".to_owned(), |time| figure::time(time.as_secs_f64()));
    let pair = |p50, p99| format!("{:>10}{:>10}", time(p50), time(p99));
    let alone = |text: Option<String>| format!("{:>10}", text.unwrap_or_else(|| "–".to_owned()));
    let lines: [(Rect, &str, String, Of, Color); 4] = [
        (ttft, "TTFT", pair(recent.ttft_p50, recent.ttft_p99), |of| seconds(of.recent.ttft_p99), Color::Blue),
        (tbt, "TBT", pair(recent.tbt_p50, recent.tbt_p99), |of| seconds(of.recent.tbt_p99), Color::Blue),
        (fluid, "fluid", alone(recent.fluid_share.map(figure::share)), |of| of.recent.fluid_share, Color::Green),
        (
            tokens,
            "tokens/s",
            alone(recent.output_token_rate.map(figure::number)),
            |of| of.recent.output_token_rate,
            Color::Green,
        ),
    ];
    for (row, name, figures, of, colour) in lines {
        let columns = [Constraint::Length(LABEL), Constraint::Length(FIGURES), Constraint::Fill(1)];
        let [name_at, figures_at, spark_at] = Layout::horizontal(columns).areas(row);
        frame.render_widget(Paragraph::new(name).style(paints.strong()), name_at);
        frame.render_widget(Paragraph::new(figures), figures_at);
        let until_now = until_now(sight, of, usize::from(spark_at.width));
        frame.render_widget(Sparkline::default().data(until_now).style(paints.colour(colour)), spark_at);
    }
}

fn seconds(time: Option<Nanos>) -> Option<f64> {
    time.map(Nanos::as_secs_f64)
}

/// The latest `width` values as eighths of a line's height, times a thousand: the highest of them is full.
fn until_now(sight: &Sight, of: Of, width: usize) -> Vec<Option<u64>> {
    let skipped = sight.history.len().saturating_sub(width);
    let values: Vec<Option<f64>> = sight.history.iter().skip(skipped).map(of).collect();
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let part = |value: f64| if highest > 0.0 { (value / highest * 1e3).round() as u64 } else { 0 };
    values.into_iter().map(|value| value.map(part)).collect()
}

/// Failures by class, the most frequent first, with what the latest said.
fn errors<'a>(sight: &Sight, paints: Paints) -> Vec<Line<'a>> {
    let snapshot = &sight.snapshot;
    let mut classes: Vec<_> = snapshot.errors.iter().collect();
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    if classes.is_empty() {
        return vec![Line::styled(format!("{}none", label("errors").content), paints.faint())];
    }
    let of_class = |(class, count): (&metron_metrics::ErrorClass, &u64)| {
        let latest = snapshot.latest_errors.get(class).map_or_else(String::new, |said| escape::terminal(said));
        let head = Span::styled(format!("{:<20}{count:>6}  ", class.name()), paints.colour(Color::Red));
        Line::from(vec![head, Span::raw(latest)])
    };
    classes.into_iter().map(of_class).collect()
}

fn verdict<'a>(sight: &Sight, paints: Paints) -> Line<'a> {
    let (word, colour) = match sight.snapshot.instrument.as_ref().map(|so_far| so_far.verdict) {
        None => ("not observed yet", None),
        Some(Verdict::Ok) => ("ok so far", Some(Color::Green)),
        Some(Verdict::Suspect) => ("suspect so far", Some(Color::Yellow)),
        Some(Verdict::Bottleneck) => ("bottleneck so far", Some(Color::Red)),
    };
    let reason = sight.snapshot.instrument.as_ref().and_then(|so_far| so_far.reasons.first());
    let paint = colour.map_or_else(|| paints.faint(), |colour| paints.colour(colour));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Line::from(vec![label("instrument"), Span::styled(word, paint), reason.into()])
}

fn help<'a>(board: &Board, paints: Paints) -> Line<'a> {
    let freeze = if board.is_frozen() { " goes on (view frozen)" } else { " freezes" };
    let key = |key: &'static str| Span::styled(key, paints.strong());
    Line::from(vec![key("q"), " drains   ".into(), key("Q"), " stops   ".into(), key("p"), freeze.into()])
}
