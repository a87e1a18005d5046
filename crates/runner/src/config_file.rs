//! `config.yaml`: the resolved configuration, by which the run can be repeated. Secrets are left out of it, and so are the
//! run's name and folder.

use crate::RunConfig;
use crate::variables::{masked_class, masked_header, masked_url};

/// The text of `config.yaml`, for a run that asked for `model`.
#[must_use]
pub fn config_yaml(config: &RunConfig, model: Option<&str>) -> String {
    let written = RunConfig {
        url: masked_url(&config.url),
        model: config.model.clone().or_else(|| model.map(str::to_owned)),
        header: config.header.iter().map(|line| masked_header(line)).collect(),
        classes: config.classes.iter().map(masked_class).collect(),
        server_metrics: config.server_metrics.iter().map(|url| masked_url(url)).collect(),
        otlp: config.otlp.as_deref().map(masked_url),
        ..config.clone()
    };
    serde_saphyr::to_string(&written).expect("a configuration is plain values with text keys")
}

/// Whether `yaml` is what a run of `config` writes: whether a folder that holds it holds that run.
pub(crate) fn is_of(yaml: &str, config: &RunConfig) -> bool {
    let written = serde_saphyr::from_str::<RunConfig>(yaml);
    written.is_ok_and(|written| {
        // A model that was not named was asked for, and what a template adds was measured: both stand in the file.
        let template_tokens = config.template_tokens.or(written.template_tokens);
        let expected = RunConfig { template_tokens, ..config.clone() };
        let expected = config_yaml(&expected, written.model.as_deref());
        serde_saphyr::from_str::<RunConfig>(&expected).is_ok_and(|expected| expected == written)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "url: https://h/v1?key=sk-url\nendpoint: auto\nheader:\n- 'X-API-Key: sk-header'\n- 'x-team: a'\n\
        rate: 4/s\ninput_tokens: lognormal:512,0.5\noutput_tokens: 70% 128 + 30% 512\ntokenizer: auto\nseed: 7\n\
        ttft_deadline: 300ms\ntbt_deadline: 30ms\ntarget_miss_rate: 10%\ntimeout_connect: 10s\ntimeout_first_token: 60s\n\
        timeout_idle: 30s\ntimeout: 600s\nserver_metrics:\n- http://h:9400/metrics?token=sk-metrics\nrequests: 10\nbody: '{\"a\": \"x: y # z\"}'\n";

    fn config() -> RunConfig {
        serde_saphyr::from_str(CONFIG).expect("a configuration")
    }

    #[test]
    fn no_secret_is_written() {
        let yaml = config_yaml(&config(), Some("m"));
        assert!(!yaml.contains("sk-"), "{yaml}");
        assert!(yaml.contains("${METRON_QUERY_KEY}") && yaml.contains("${METRON_HEADER_X_API_KEY}"), "{yaml}");
    }

    #[test]
    fn a_folder_s_file_is_of_the_run_that_wrote_it_and_of_no_other() {
        let yaml = config_yaml(&config(), Some("m"));
        assert!(is_of(&yaml, &config()) && is_of(&format!("# a head\n{yaml}"), &config()));
        assert!(!is_of(&yaml, &RunConfig { seed: 8, ..config() }));
        assert!(!is_of(&yaml, &RunConfig { model: Some("other".to_owned()), ..config() }));
        assert!(!is_of("url: x", &config()) && !is_of("", &config()));
    }

    #[test]
    fn what_was_measured_of_the_server_makes_no_other_run() {
        let measured = RunConfig { template_tokens: Some(13), ..config() };
        let yaml = config_yaml(&measured, Some("m"));
        assert!(is_of(&yaml, &config()) && is_of(&yaml, &measured));
        assert!(!is_of(&yaml, &RunConfig { template_tokens: Some(12), ..config() }));
    }

    #[test]
    fn what_is_written_reads_back_to_the_same_run() {
        let masked = RunConfig {
            url: "https://h/v1?key=${METRON_QUERY_KEY}".to_owned(),
            header: vec!["X-API-Key: ${METRON_HEADER_X_API_KEY}".to_owned(), "x-team: a".to_owned()],
            model: Some("m".to_owned()),
            server_metrics: vec!["http://h:9400/metrics?token=${METRON_QUERY_TOKEN}".to_owned()],
            ..config()
        };
        let yaml = config_yaml(&config(), Some("m"));
        let read: RunConfig = serde_saphyr::from_str(&yaml).expect("it reads back");
        assert_eq!(read, masked);
        assert_eq!(config_yaml(&read, Some("other")), yaml, "a repeated run writes the same file");
    }
}
