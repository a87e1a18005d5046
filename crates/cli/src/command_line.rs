//! The command line as it may be kept: summary.json tells what was typed, without the secrets in it.

use std::ffi::OsString;

use metron_runner::variables::{masked_class_text, masked_header, masked_url};

/// The arguments with the values of secret headers and of secret parts of URLs as `${VAR}`.
pub(crate) fn masked(arguments: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let mut masked = Vec::new();
    let mut awaited: Option<fn(&str) -> String> = None;
    for argument in arguments {
        let argument = argument.to_string_lossy().into_owned();
        masked.push(match (awaited.take(), argument.split_once('=')) {
            (Some(mask), _) => mask(&argument),
            (None, Some((flag, value))) => match mask_of(flag) {
                Some(mask) => format!("{flag}={}", mask(value)),
                None => argument,
            },
            (None, None) => {
                awaited = mask_of(&argument);
                argument
            }
        });
    }
    masked
}

fn mask_of(flag: &str) -> Option<fn(&str) -> String> {
    match flag {
        "--header" => Some(masked_header),
        "--class" => Some(masked_class_text),
        "--url" | "--server-metrics" | "--otlp" => Some(masked_url),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &[&str], kept: &[&str]) {
        assert_eq!(masked(typed.iter().map(OsString::from)), kept);
    }

    #[test]
    fn a_secret_is_masked_however_it_was_typed() {
        check(&["--header", "x-api-key: sk-1"], &["--header", "x-api-key: ${METRON_HEADER_X_API_KEY}"]);
        check(&["--header=x-api-key: sk-1"], &["--header=x-api-key: ${METRON_HEADER_X_API_KEY}"]);
        check(&["--class=a: 7%, header=x-team: b"], &["--class=a: 7%, header=x-team: b"]);
        check(
            &["--class", "a: 7%, header=cookie: c"],
            &["--class", r#"{"name":"a","share":0.07,"header":["cookie: ${METRON_HEADER_A_COOKIE}"]}"#],
        );
        check(&["--url", "http://h/?key=sk-1"], &["--url", "http://h/?key=${METRON_QUERY_KEY}"]);
        check(&["--server-metrics", "http://h/?key=sk-1"], &["--server-metrics", "http://h/?key=${METRON_QUERY_KEY}"]);
        check(&["--url=http://h/?key=sk-1"], &["--url=http://h/?key=${METRON_QUERY_KEY}"]);
    }

    #[test]
    fn everything_else_is_kept_as_it_was_typed() {
        check(
            &["metron", "run", "--rate", "4", "--body={\"a\": 1}"],
            &["metron", "run", "--rate", "4", "--body={\"a\": 1}"],
        );
    }
}
