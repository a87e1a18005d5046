//! A canary key through every way to fail: it reaches the server and nothing else, in no spelling.

use std::process::Command;

use crate::metron::{Ended, Folder};
use crate::server::{Request, Server, answer, chat};

/// Long enough to be told from chance, with characters that encodings change.
const CANARY: &str = "sk-canary/7f3a+91c4==Zq";

/// The spellings in which a key could slip out. (base64 depends on what stands before it: all three alignments.)
fn spellings() -> Vec<String> {
    let percent: String = CANARY.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let json = CANARY.replace('/', "\\/");
    let mut spellings = vec![CANARY.to_owned(), percent.clone(), percent.to_lowercase(), json];
    for before in ["", "x", "xx"] {
        let encoded = base64(format!("{before}{CANARY}").as_bytes());
        // Without the groups that hold a neighbour's bits.
        spellings.push(encoded[4..encoded.len() - 4].to_owned());
    }
    spellings.push("canary/7f3a".to_owned());
    spellings
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for k in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * k) & 63) as usize];
            text.push(if k <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[track_caller]
fn assert_kept(folder: &Folder, ended: &Ended) {
    let spellings = spellings();
    let leak = |bytes: &[u8]| {
        spellings.iter().find(|spelling| bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes()))
    };
    assert_eq!(leak(ended.stdout.as_bytes()), None, "on stdout");
    assert_eq!(leak(ended.stderr.as_bytes()), None, "on stderr: {}", ended.stderr);
    for file in folder.files() {
        assert_eq!(leak(&std::fs::read(&file).expect("readable")), None, "in {}", file.display());
    }
}

/// A run that carries the key twice: as the API key and in a header of its own.
fn run(folder: &Folder, url: &str, more: &[&str]) -> Ended {
    let base = [
        "run",
        "--url",
        url,
        "--model",
        "m",
        "--requests",
        "2",
        "--concurrency",
        "1",
        "--output",
        "out",
        "--force",
        "--save-text",
        "--api-key-env",
        "CANARY_KEY",
        "--header",
        "x-api-key: ${CANARY_KEY}",
        "--timeout-first-token",
        "300ms",
    ];
    let mut command: Command = folder.command(base.iter().chain(more));
    Ended::of(command.env("CANARY_KEY", CANARY).output().expect("starts"))
}

fn echo(status: &'static str, content_type: &'static str) -> impl Fn(usize, &Request) -> Vec<u8> {
    move |_, request| {
        let sent = request.head.replace('\r', "").replace('\n', " ");
        let key = sent.split("Bearer ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned();
        let body = format!("bad key: {sent} as base64 {} as URL {}", base64(key.as_bytes()), key.replace('/', "%2F"));
        answer(status, content_type, &body)
    }
}

#[test]
fn the_key_reaches_the_server_and_nothing_else() {
    let server = Server::start(|_, _| chat(2));
    let folder = Folder::new();
    let ended = run(&folder, &server.url(), &[]).that_ran();
    let heads: Vec<String> = server.requests().into_iter().map(|request| request.head).collect();
    assert!(heads.iter().all(|head| head.contains(&format!("Bearer {CANARY}"))), "it is sent");
    assert!(
        heads.iter().all(|head| head.contains(&format!("x-api-key: {CANARY}"))),
        "the header's variable is replaced"
    );
    assert_kept(&folder, &ended);
    let config = std::fs::read_to_string(folder.path().join("out/config.yaml")).expect("a configuration");
    assert!(config.contains("${CANARY_KEY}") && config.contains("CANARY_KEY"), "{config}");
}

#[test]
fn a_server_that_echoes_its_request_does_not_put_the_key_into_files() {
    for (status, content_type) in [
        ("401 Unauthorized", "text/plain"),
        ("400 Bad Request", "application/json"),
        ("500 Internal Server Error", "text/html"),
        ("200 OK", "text/html"),
        ("200 OK", "application/json"),
        ("429 Too Many Requests", "text/plain"),
    ] {
        let server = Server::start(echo(status, content_type));
        let folder = Folder::new();
        let ended = run(&folder, &server.url(), &[]).with_code(1);
        assert_kept(&folder, &ended);
    }
}

#[test]
fn an_error_in_a_stream_does_not_put_the_key_into_files() {
    let server = Server::start(|_, request| {
        let line =
            request.head.lines().find(|line| line.to_lowercase().starts_with("authorization")).unwrap_or_default();
        let body = format!("data: {{\"error\":{{\"message\":\"you sent {line}\"}}}}\n\n");
        answer("200 OK", "text/event-stream", &body)
    });
    let folder = Folder::new();
    let ended = run(&folder, &server.url(), &[]).with_code(1);
    assert_kept(&folder, &ended);
}

#[test]
fn a_redirect_to_another_origin_gets_no_key() {
    let other = Server::start(|_, _| chat(1));
    let location = format!("{}/v1/chat/completions", other.url());
    let server =
        Server::start(move |_, _| answer(&format!("307 Temporary Redirect\r\nlocation: {location}"), "text/plain", ""));
    let folder = Folder::new();
    let ended = run(&folder, &server.url(), &["--follow-redirects"]);
    assert_kept(&folder, &ended);
    assert!(!other.requests().is_empty(), "the redirect was followed: {}", ended.stderr);
    for request in other.requests() {
        assert!(!request.head.contains(CANARY), "{}", request.head);
    }
}

#[test]
fn a_variable_is_a_secret_whatever_the_header_is_called() {
    let other =
        Server::start(|_, request| answer("400 Bad Request", "text/plain", &format!("who is {}", request.head)));
    let location = format!("{}/v1/chat/completions", other.url());
    let server = Server::start(move |_, request| match request.head.contains(CANARY) {
        true => answer(&format!("307 Temporary Redirect\r\nlocation: {location}"), "text/plain", ""),
        false => answer("400 Bad Request", "text/plain", "no header"),
    });
    let echo =
        Server::start(|_, request| answer("400 Bad Request", "text/plain", &format!("you said {}", request.head)));
    for url in [server.url(), echo.url()] {
        let folder = Folder::new();
        let asked = ["run", "--url", &url, "--model", "m", "--requests", "2", "--output", "out", "--follow-redirects"];
        let mut command = folder.command(asked.iter().chain(&["--header", "x-other: ${OTHER}"]));
        let ended = Ended::of(command.env("OTHER", CANARY).output().expect("starts")).with_code(1);
        assert_kept(&folder, &ended);
    }
    assert!(!other.requests().is_empty(), "the redirect was followed");
    for request in other.requests() {
        assert!(!request.head.contains(CANARY), "{}", request.head);
    }
}

#[test]
fn failures_of_the_connection_do_not_tell_the_key() {
    let server = Server::start(|_, _| Vec::new());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    for url in [server.url(), server.url().replace("http:", "https:"), silent, "http://127.0.0.1:1".to_owned()] {
        let folder = Folder::new();
        let ended = run(&folder, &url, &["--timeout-connect", "300ms"]).with_code(1);
        assert_kept(&folder, &ended);
    }
}

#[test]
fn a_secret_typed_on_the_command_line_is_not_kept() {
    let server = Server::start(|_, _| chat(2));
    let folder = Folder::new();
    let header = format!("Authorization: Bearer {CANARY}");
    let url = server.url();
    let arguments = ["run", "--url", &url, "--model", "m", "--requests", "1", "--output", "out", "--header", &header];
    let ended = folder.metron(arguments).that_ran();
    assert!(server.requests()[0].head.contains(CANARY), "it is sent");
    assert_kept(&folder, &ended);
    let again = folder.metron(["run", "--config", "out/config.yaml", "--output", "again"]).with_code(2);
    assert!(again.stderr.contains("METRON_HEADER_AUTHORIZATION"), "repeating asks for the variable: {}", again.stderr);
    let config = ["run", "--config", "out/config.yaml", "--output", "again"];
    let output =
        folder.command(config).env("METRON_HEADER_AUTHORIZATION", format!("Bearer {CANARY}")).output().expect("starts");
    Ended::of(output).that_ran();
    assert!(server.requests()[1].head.contains(CANARY), "and with it sends the same");
}

/// Two classes with keys of their own, one of them of a variable and one typed, beside the run's.
#[test]
fn a_class_s_key_stands_in_place_of_the_run_s_and_is_kept_nowhere() {
    let server = Server::start(|_, _| chat(2));
    let folder = Folder::new();
    let typed = format!("b: 30%, header=authorization: Bearer {CANARY}2");
    let classes =
        ["--class", "a: 40%, header=Authorization: Bearer ${CANARY_KEY}1", "--class", &typed, "--class", "c: 30%"];
    let url = server.url();
    let base = ["run", "--url", &url, "--model", "m", "--output", "out", "--save-text", "--api-key-env", "CANARY_KEY"];
    let mut command = folder.command(base.iter().chain(&["--requests", "12", "--turns", "2"]).chain(&classes));
    let ended = Ended::of(command.env("CANARY_KEY", CANARY).output().expect("starts")).that_ran();
    let heads: Vec<String> = server.requests().into_iter().map(|request| request.head).collect();
    let sent = |key: &str| heads.iter().filter(|head| head.contains(&format!("Bearer {key}\r\n"))).count();
    let (of_a, of_b, of_run) = (sent(&format!("{CANARY}1")), sent(&format!("{CANARY}2")), sent(CANARY));
    assert!(of_a > 0 && of_b > 0 && of_run > 0 && of_a + of_b + of_run == 12, "{of_a} {of_b} {of_run}");
    assert!(heads.iter().all(|head| head.to_lowercase().matches("authorization:").count() == 1));
    assert_kept(&folder, &ended);
    let config = std::fs::read_to_string(folder.path().join("out/config.yaml")).expect("a configuration");
    let asked_for = ["${METRON_HEADER_A_AUTHORIZATION}", "${METRON_HEADER_B_AUTHORIZATION}"];
    assert!(asked_for.iter().all(|variable| config.contains(variable)), "{config}");
}

#[test]
fn a_class_s_key_follows_no_redirect_and_no_echo_tells_it() {
    let other = Server::start(|_, _| chat(1));
    let location = format!("{}/v1/chat/completions", other.url());
    let server =
        Server::start(move |_, _| answer(&format!("307 Temporary Redirect\r\nlocation: {location}"), "text/plain", ""));
    let class = ["--class", "a: 100%, header=x-api-key: ${CANARY_KEY}"];
    let folder = Folder::new();
    let ended = run_in(&folder, &server.url(), "chat", &[&class[..], &["--follow-redirects"]].concat());
    assert!(server.requests()[0].head.contains(&format!("x-api-key: {CANARY}")), "it is sent");
    assert!(!other.requests().is_empty() && other.requests().iter().all(|request| !request.head.contains(CANARY)));
    assert_kept(&folder, &ended);
    let server = Server::start(echo("401 Unauthorized", "text/plain"));
    let mut command = folder.command(
        ["run", "--url", &server.url(), "--model", "m", "--requests", "1", "--output", "echoed"].iter().chain(&class),
    );
    let ended = Ended::of(command.env("CANARY_KEY", CANARY).output().expect("starts")).with_code(1);
    assert_kept(&folder, &ended);
}

#[test]
fn a_secret_in_the_query_is_not_kept() {
    let server = Server::start(|_, _| chat(2));
    let folder = Folder::new();
    let url = format!("{}/v1/chat/completions?api-version=1&key=${{CANARY_KEY}}", server.url());
    let ended = run(&folder, &url, &[]).that_ran();
    assert!(server.requests()[0].head.contains("api-version=1"));
    assert_kept(&folder, &ended);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let folder = Folder::new();
    for arguments in [["--api-key-env", "NO_SUCH_KEY"], ["--header", "x-api-key: ${NO_SUCH_KEY}"]] {
        let base = ["run", "--url", "http://127.0.0.1:1", "--model", "m"];
        let ended = folder.metron(base.iter().chain(&arguments)).with_code(2);
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains("NO_SUCH_KEY"), "{}", ended.stderr);
        assert!(folder.files().is_empty());
    }
}

#[test]
fn a_key_cannot_be_given_on_the_command_line() {
    let help = Folder::new().metron(["run", "--help"]).with_code(0).stdout;
    assert!(help.contains("--api-key-env") && !help.contains("--api-key "));
}

/// What each dialect's key and version stand in, and what must not be in another's.
const KEY_HEADERS: [(&str, &str, &str); 6] = [
    ("chat", "authorization: Bearer KEY", ""),
    ("cohere", "authorization: Bearer KEY", ""),
    ("anthropic", "x-api-key: KEY", "anthropic-version: 2023-06-01"),
    ("azure", "api-key: KEY", ""),
    ("gemini", "x-goog-api-key: KEY", ""),
    ("tgi", "authorization: Bearer KEY", ""),
];

/// The headers of a request in lower case, one a line, the values as they are.
fn headers(request: &Request) -> Vec<String> {
    let lines = request.head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| format!("{}: {}", name.to_lowercase(), value.trim())).collect()
}

fn run_in(folder: &Folder, url: &str, dialect: &str, more: &[&str]) -> Ended {
    let base =
        ["run", "--url", url, "--model", "m", "--requests", "1", "--output", "out", "--force", "--endpoint", dialect];
    let mut command = folder.command(base.iter().chain(&["--api-key-env", "CANARY_KEY"]).chain(more));
    Ended::of(command.env("CANARY_KEY", CANARY).output().expect("starts"))
}

#[test]
fn each_dialect_s_key_reaches_the_wire_in_its_own_header_alone_and_no_output() {
    for (dialect, key, version) in KEY_HEADERS {
        let server = Server::start(echo("401 Unauthorized", "application/json"));
        let folder = Folder::new();
        let ended = run_in(&folder, &server.url(), dialect, &["--save-text"]).with_code(1);
        let sent = headers(&server.requests()[0]);
        let expected = key.replace("KEY", CANARY);
        let with_key: Vec<&String> = sent.iter().filter(|line| line.contains(CANARY)).collect();
        assert_eq!(with_key, [&expected], "{dialect}");
        assert!(version.is_empty() || sent.iter().any(|line| line == version), "{dialect}: {sent:?}");
        assert_kept(&folder, &ended);
    }
}

#[test]
fn no_dialect_s_key_follows_a_redirect_to_another_origin() {
    for (dialect, _, _) in KEY_HEADERS {
        let other = Server::start(|_, _| chat(1));
        let location = format!("{}/elsewhere", other.url());
        let server = Server::start(move |_, _| answer(&format!("308 Moved\r\nlocation: {location}"), "text/plain", ""));
        let folder = Folder::new();
        let ended = run_in(&folder, &server.url(), dialect, &["--follow-redirects"]);
        assert_eq!(other.requests().len(), 1, "{dialect}: {}", ended.stderr);
        let head = &other.requests()[0].head;
        assert!(head.starts_with("POST /elsewhere") && !head.contains(CANARY), "{dialect}: {head}");
        assert_kept(&folder, &ended);
    }
}
