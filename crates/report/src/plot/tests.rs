//! Whole drawings: that they hold what they were given, and that nothing lies over anything else.

use super::frame::Frame;
use super::*;

fn plot() -> Plot {
    Plot {
        caption: "Rates & <waits>".to_owned(),
        x: Axis::log("TBT deadline, ms"),
        y: Axis::linear("missed, %").to(100.0),
        series: vec![
            Series::new("", Mark::Band(vec![(1.0, 40.0, 60.0), (10.0, 10.0, 30.0)])).like(0),
            Series::line("vllm", vec![(1.0, 50.0), (10.0, 20.0), (f64::NAN, 0.0), (20.0, 10.0), (30.0, 10.0)]),
            Series::steps("sarathi", vec![(1.0, 80.0), (10.0, 20.0), (10.0, 5.0), (30.0, 5.0)]),
            Series::dots("published", vec![(5.0, 40.0), (0.0, 40.0)]).faint(),
        ],
        references: vec![Reference::x("30 ms", 30.0), Reference::y("10 %", 10.0)],
    }
}

#[test]
fn a_file_is_well_formed_and_the_same_each_time() {
    let svg = plot().svg(Size::PAPER);
    assert_eq!(svg, plot().svg(Size::PAPER));
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"600\" height=\"400\""));
    assert!(svg.contains("<title>Rates &amp; &lt;waits&gt;</title>"), "text is escaped");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "what has no place is not drawn");
    // Every element is closed: as many ends as beginnings, none void as HTML's are.
    assert_eq!(svg.matches("</").count() * 2, svg.matches('<').count());
}

#[test]
fn series_are_told_apart_without_colour() {
    let svg = plot().svg(Size::PAPER);
    for dashes in ["stroke-dasharray=\"none\"", "stroke-dasharray=\"7 3\""] {
        assert!(svg.contains(dashes), "{dashes}");
    }
}

#[test]
fn a_point_without_a_place_leaves_a_gap_or_no_dot() {
    let svg = plot().svg(Size::PAPER);
    let line = svg.split("class=\"line tone-0\"").nth(1).unwrap();
    let path = line.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 2), "{path}");
    // One dot in the plot (zero has no place on a logarithmic axis), one in the legend.
    assert_eq!(svg.matches("class=\"dot tone-faint\"").count(), 2);
}

#[test]
fn what_is_drawn_is_what_the_table_holds() {
    assert_eq!(
        plot().csv(),
        "series,\"TBT deadline, ms\",\"missed, %\",low,high\n\
         ,1,,40,60\n,10,,10,30\n\
         vllm,1,50,,\nvllm,10,20,,\nvllm,,0,,\nvllm,20,10,,\nvllm,30,10,,\n\
         sarathi,1,80,,\nsarathi,10,20,,\nsarathi,10,5,,\nsarathi,30,5,,\n\
         published,5,40,,\npublished,0,40,,\n\
         30 ms,30,,,\n10 %,,10,,\n"
    );
}

#[test]
fn bars_stand_side_by_side_over_their_names() {
    let names = ["token rate by TPOT of a long name", "by TBT", "fluid"];
    let bars = |name: &str, height: f64| Series::bars(name, (0..3).map(|k| (f64::from(k), height)).collect());
    let span = Series::new("", Mark::Spans(vec![(0.0, 1.0, 3.0)])).like(1);
    let plot = Plot {
        caption: String::new(),
        x: Axis::categories("", names),
        y: Axis::linear("tokens/s"),
        series: vec![bars("vllm", 1.0), bars("sarathi", 2.0), span],
        references: Vec::new(),
    };
    let svg = plot.svg(Size::PAPER);
    let lefts: Vec<f64> = svg
        .split("<rect class=\"bar")
        .skip(1)
        .map(|bar| bar.split("x=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
        .collect();
    let (vllm, sarathi) = (&lefts[..3], &lefts[3..6]);
    assert!(vllm.is_sorted() && vllm.iter().zip(sarathi).all(|(a, b)| a < b) && sarathi[0] < vllm[1], "{lefts:?}");
    let span = svg.split("class=\"span tone-1\"").nth(1).unwrap();
    let middle: f64 = span.split("d=\"M").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(middle > sarathi[0] && middle < vllm[1], "an interval stands on its bar");
    assert!(plot.csv().contains("vllm,by TBT,1"));
}

#[test]
fn labels_and_keys_do_not_touch() {
    let many = |k: usize| Series::line(format!("a run with a rather long name, {k}"), vec![(0.0, 1e6), (1e7, 2e6)]);
    let plot = Plot {
        caption: String::new(),
        x: Axis::linear("tokens").ticks((0..60).map(|k| f64::from(k) * 1e5)),
        y: Axis::log("s").ticks((1..200).map(f64::from)),
        series: (0..9).map(many).collect(),
        references: Vec::new(),
    };
    let frame = Frame::of(&plot, Size::PAPER);
    let wide = |lines: &[String]| text::width(&lines[0]);
    for pair in frame.x_labels.windows(2) {
        assert!(pair[1].0 - pair[0].0 > f64::midpoint(wide(&pair[0].1), wide(&pair[1].1)), "{pair:?}");
    }
    assert!(frame.y_labels.windows(2).all(|pair| pair[0].0 - pair[1].0 >= text::FONT_SIZE));
    for pair in frame.keys.windows(2) {
        let ends = pair[0].x + frame::SAMPLE + text::width(&pair[0].name);
        assert!(pair[1].y > pair[0].y || pair[1].x > ends, "{pair:?}");
    }
    let last = frame.keys.last().unwrap();
    assert!(last.y < frame.top && frame.top < frame.bottom, "the legend lies above the plot");
}

#[test]
fn nothing_to_draw_is_an_empty_plot() {
    let empty = Plot {
        caption: String::new(),
        x: Axis::log("x"),
        y: Axis::linear("y"),
        series: vec![Series::bars("none", Vec::new())],
        references: Vec::new(),
    };
    assert!(!empty.svg(Size::PAPER).contains("NaN"));
    assert_eq!(empty.csv(), "series,x,y\n");
}

#[test]
fn a_picture_has_the_size_that_was_asked_for_and_its_text() {
    let png = plot().png(Size { width: 300, height: 200 }, 2);
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(png[16..24], [0, 0, 2, 88, 0, 0, 1, 144], "600 by 400 pixels");
    // Titles of other letters, as wide: without a font both would be the same picture.
    let mut other = plot();
    other.y = Axis::linear("missod, %").to(100.0);
    assert_ne!(png, other.png(Size { width: 300, height: 200 }, 2));
}

#[test]
fn the_script_is_told_all_points_and_where_there_is_none() {
    let json: serde_json::Value = serde_json::from_str(&plot().data(|_| "words")).unwrap();
    assert_eq!(json["series"][1]["x"], serde_json::json!([1.0, 10.0, null, 20.0, 30.0]));
    assert_eq!(json["series"][0]["high"], serde_json::json!([60.0, 30.0]));
    assert_eq!((&json["series"][3]["tone"], &json["x"]["log"]), (&serde_json::json!(-1), &serde_json::json!(true)));
    assert_eq!(json["references"][1], serde_json::json!({ "name": "10 %", "y": 10.0 }));
    let long = Plot { series: vec![Series::line("a", vec![(1.0 / 3.0, 2.0)]).of_metric("ttft")], ..plot() };
    let long = long.data(|_| "words");
    assert!(long.contains("[0.333333]") && long.contains("\"words\":\"words\""), "{long}");
}
