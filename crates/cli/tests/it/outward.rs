//! What a run gives to others and takes from them: servers' metrics, plots, exports, through the built binary.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::metron::{Ended, Folder};
use crate::server::{Request, Server, answer, chat};

/// A vLLM server: tokens at one path, metrics at another.
fn vllm(k: usize, request: &Request) -> Vec<u8> {
    if request.head.starts_with("GET /metrics ") {
        let text = format!(
            "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{{model_name=\"m\"}} {}\n\
             vllm:kv_cache_usage_perc{{model_name=\"m\"}} 0.25\nprocess_open_fds 7\n",
            k % 5
        );
        return answer("200 OK", "text/plain; version=0.0.4", &text);
    }
    chat(8)
}

fn run(folder: &Folder, url: &str, more: &[&str]) -> Ended {
    let base =
        ["run", "--url", url, "--model", "m", "--requests", "20", "--concurrency", "2", "--output", "out", "--json"];
    folder.metron(base.iter().chain(more))
}

#[test]
fn a_servers_own_metrics_are_kept_whole_and_summed_up() {
    let (folder, server) = (Folder::new(), Server::start(vllm));
    let summary = run(&folder, &server.url(), &["--server-metrics", "auto"]).that_ran().json();
    let of = &summary["server"];
    assert_eq!(of["sources"][0]["url"], format!("{}/metrics", server.url()));
    assert!(of["sources"][0]["scrapes"].as_u64() >= Some(2), "at the start and at the end: {of}");
    assert_eq!((&of["families"][0], &of["figures"]["kv_cache"]["mean"]), (&"vLLM".into(), &0.25.into()), "{of}");
    assert!(of["energy_j"].is_null(), "what no server tells is unknown: {of}");
    assert!(folder.path().join("out/server.parquet").exists());
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).expect("a page");
    assert!(page.contains("What the server says") && page.contains("KV cache in use"));
}

#[test]
fn a_server_without_metrics_is_said_once_and_costs_nothing() {
    let (folder, server) = (
        Folder::new(),
        Server::start(|_, request| match request.head.starts_with("GET ") {
            true => answer("404 Not Found", "text/plain", "no"),
            false => chat(8),
        }),
    );
    let more = ["--server-metrics", "auto", "--server-metrics", "http://127.0.0.1:1/metrics?token=sk-canary"];
    let ended = run(&folder, &server.url(), &more).that_ran();
    for said in [
        "/metrics: status 404; the run goes on without them",
        "warning: no metrics from http://127.0.0.1:1/metrics?token=${",
    ] {
        assert_eq!(ended.stderr.matches(said).count(), 1, "{said} in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("sk-canary") && !ended.stdout.contains("sk-canary"), "{}", ended.stderr);
    let summary = ended.json();
    assert_eq!(summary["requests"]["completed"], 20);
    assert_eq!(summary["server"]["sources"][0]["scrapes"], 0);
}

#[test]
fn what_is_no_address_is_refused_before_anything_is_sent() {
    let (folder, server) = (Folder::new(), Server::start(vllm));
    let ended = run(&folder, &server.url(), &["--server-metrics", "localhost:9400"]).with_code(2);
    assert!(ended.stderr.contains("--server-metrics"), "{}", ended.stderr);
    let ended = folder.metron(["run", "--url", "sim:", "--virtual-time", "--server-metrics", "auto"]).with_code(2);
    assert!(ended.stderr.contains("virtual time"), "{}", ended.stderr);
    assert_eq!((server.requests().len(), folder.files().len()), (0, 0));
}

/// A run in virtual time, whose every figure is known.
fn ran() -> Folder {
    let folder = Folder::new();
    let url = "sim:fixed?ttft=100ms&tbt=20ms&tokens=16&stall-every=8&stall=60ms";
    let asked = ["run", "--url", url, "--virtual-time", "--requests", "40", "--output", "out", "--quiet"];
    folder
        .metron(asked.iter().chain(&["--slo", "p99 ttft <= 500ms", "--input-tokens", "uniform:10..500"]))
        .with_code(0);
    folder
}

#[test]
fn a_plot_is_a_file_that_is_not_replaced_by_accident() {
    let folder = ran();
    for (name, file) in [("ttft-cdf", "a.svg"), ("tail", "b.csv"), ("ttft-by-prompt", "c.svg"), ("rate", "d.csv")] {
        folder.metron(["plot", "out", name, "--out", file]).with_code(0);
    }
    let read = |file| std::fs::read_to_string(folder.path().join(file)).expect("written");
    assert!(read("a.svg").starts_with("<svg") && read("b.csv").starts_with("series,"));
    folder.metron(["plot", "out", "stream-1", "--out", "e.png", "--width", "300", "--scale", "2"]).with_code(0);
    let picture = std::fs::read(folder.path().join("e.png")).expect("written");
    assert!(picture.starts_with(b"\x89PNG"), "a PNG");
    assert_eq!(picture[16..24], [0, 0, 2, 88, 0, 0, 3, 32], "600 by 800 pixels");
    let ended = folder.metron(["plot", "out", "tail", "--out", "b.csv"]).with_code(2);
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    folder.metron(["plot", "out", "tail", "--out", "b.csv", "--force"]).with_code(0);
}

#[test]
fn a_comparison_is_drawn_from_its_runs_or_from_its_json() {
    let folder = ran();
    let url = "sim:fixed?ttft=200ms&tbt=20ms&tokens=16";
    let other = ["run", "--url", url, "--virtual-time", "--requests", "40", "--output", "other", "--quiet"];
    folder.metron(other).with_code(0);
    let csv = |arguments: &[&str]| {
        folder.metron(["plot"].iter().chain(arguments).chain(&["--out", "p.csv", "--force"])).with_code(0);
        std::fs::read_to_string(folder.path().join("p.csv")).expect("written")
    };
    let differences = csv(&["out", "differences", "--against", "other"]);
    assert!(differences.contains("other,100,TTFT p50,,"), "{differences}");
    let both = csv(&["out", "ttft-cdf", "--against", "other"]);
    assert!(both.contains("\nout,100,100") && both.contains("\nother,200,100"), "{both}");
    let json = folder.metron(["compare", "out", "other", "--json"]).with_code(0).stdout;
    std::fs::write(folder.path().join("compare.json"), json).expect("written");
    assert_eq!(csv(&["compare.json", "differences"]), differences);
    assert_eq!(csv(&[".", "differences"]), differences, "a folder that holds it");
    let ended = folder.metron(["plot", "compare.json", "ttft-cdf"]).with_code(2);
    assert!(ended.stderr.contains("there are differences"), "{}", ended.stderr);
    let ended = folder.metron(["plot", "out/summary.json", "rate"]).with_code(2);
    assert!(ended.stderr.contains("metron.summary/1"), "{}", ended.stderr);
}

#[test]
fn an_engines_course_is_drawn_on_the_page_and_as_files() {
    let folder = Folder::new();
    let asked = ["run", "--url", "sim:", "--virtual-time", "--requests", "40", "--output", "out", "--quiet"];
    folder.metron(asked).with_code(0);
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).expect("written");
    for name in ["engine-batch", "engine-waiting", "engine-tokens", "engine-memory"] {
        folder.metron(["plot", "out", name, "--out", &format!("{name}.csv")]).with_code(0);
        let rows = std::fs::read_to_string(folder.path().join(format!("{name}.csv"))).expect("written");
        assert!(rows.lines().count() > 10 && rows.contains("seconds since the start"), "{rows}");
        assert!(page.contains(&format!("metron plot DIR {name}")), "{name}");
    }
}

#[test]
fn a_plot_that_is_not_is_told_what_there_is() {
    let folder = ran();
    let ended = folder.metron(["plot", "out", "ttft-cfd"]).with_code(2);
    assert!(ended.stderr.contains("ttft-cdf"), "{}", ended.stderr);
    let ended = folder.metron(["plot", "out", "ttft-cdf", "--out", "x.pdf"]).with_code(2);
    assert!(ended.stderr.contains(".svg"), "{}", ended.stderr);
    let ended = folder.metron(["plot", "out", "server-power"]).with_code(1);
    assert!(ended.stderr.contains("nothing to draw"), "{}", ended.stderr);
    assert_eq!(folder.files().iter().filter(|file| file.extension().is_some_and(|of| of == "pdf")).count(), 0);
}

#[test]
fn exports_are_read_back_by_score() {
    let folder = ran();
    let scored = |path: &str| folder.metron(["score", path, "--json"]).with_code(0).json();
    let ours = scored("out");
    for (shape, file) in [("vllm", "vllm.json"), ("aiperf", "profile_export.jsonl")] {
        folder.metron(["export", "out", "--to", shape, "--out", file]).with_code(0);
        let theirs = scored(file);
        for metric in ["ttft", "tbt", "tpot", "e2e_latency", "fluidity_index"] {
            assert_eq!(theirs["metrics"][metric], ours["metrics"][metric], "{shape}: {metric}");
        }
    }
}

#[test]
fn a_build_server_reads_the_objectives() {
    let folder = ran();
    let xml = folder.metron(["export", "out", "--to", "junit"]).with_code(0).stdout;
    assert!(xml.contains("name=\"p99 ttft &lt;= 500ms\"></testcase>") && xml.contains("failures=\"0\""), "{xml}");
    let markdown = folder.metron(["export", "out", "--to", "github"]).with_code(0).stdout;
    assert!(markdown.contains("| p99 ttft &lt;= 500ms | ✅ held |"), "{markdown}");
    let csv = folder.metron(["export", "out", "--to", "csv"]).with_code(0).stdout;
    assert_eq!(csv.lines().count(), 41);
}

/// What a run shows at its port, once it shows this.
fn scraped(port: u16, wanted: &str) -> String {
    loop {
        let got = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text).map(|_| text)
        });
        if let Some(text) = got.ok().filter(|text| text.contains(wanted)) {
            return text;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_run_shows_itself_to_prometheus() {
    let folder = Folder::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port();
    let port = free.to_string();
    let asked =
        ["run", "--url", "sim:fixed?ttft=5ms&tbt=1ms&tokens=8", "--requests", "1000000", "--output", "out", "--json"];
    let mut child = folder.command(asked.iter().chain(&["--metrics-port", &port]));
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let text = scraped(free, "metron_recent_ttft_seconds");
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("\nmetron_requests_in_flight "), "{text}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends")).with_code(130);
    assert!(ended.json()["requests"]["completed"].as_u64() > Some(0));
}

#[test]
fn a_port_that_is_taken_ends_the_run_before_it_begins() {
    let (folder, taken) = (Folder::new(), std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = folder.metron(["run", "--url", "sim:", "--metrics-port", &port]).with_code(1);
    assert!(ended.stderr.contains("--metrics-port"), "{}", ended.stderr);
    assert!(folder.files().is_empty());
}

#[test]
fn a_live_view_needs_a_terminal() {
    let folder = Folder::new();
    let ended = folder.metron(["run", "--url", "sim:", "--progress", "live"]).with_code(2);
    assert!(ended.stderr.contains("60x15") && ended.stderr.contains("--progress auto"), "{}", ended.stderr);
    assert!(folder.files().is_empty());
}
