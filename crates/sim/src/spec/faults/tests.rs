//! The language of faults: whom they befall, what prints back, and what is refused with a word that could be typed.

use metron_units::Nanos;

use super::super::Spec;
use super::*;

fn faults(text: &str) -> Faults {
    let spec: Spec = format!("sim:fixed?fault={text}").parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(spec.to_string().parse::<Spec>().unwrap(), spec, "{spec}");
    spec.faults
}

#[test]
fn named_requests_and_no_others_go_wrong() {
    let faults = faults("reset@3,7..9+503@8..20+usage@30");
    let wrong: Vec<(u64, Fault)> =
        (0..40).filter_map(|number| faults.of(number).map(|fault| (number, fault))).collect();
    let expected = [3, 7, 8, 9].map(|number| (number, Fault::Reset)).into_iter();
    let expected = expected.chain((10..=20).map(|number| (number, Fault::Unavailable))).chain([(30, Fault::Usage)]);
    assert_eq!(wrong, expected.collect::<Vec<_>>());
}

#[test]
fn a_share_goes_wrong_and_which_depends_on_the_seed_alone() {
    let count = |faults: &Faults| (0..10_000).filter(|&number| faults.of(number).is_some()).count();
    let five = faults("429/2s:5%");
    assert!((440..560).contains(&count(&five)), "{}", count(&five));
    assert_eq!(
        (count(&faults("reset:0%")), count(&faults("reset:100%")), count(&faults("reset"))),
        (0, 10_000, 10_000)
    );
    let which = |faults: &Faults| (0..1_000).filter(|&number| faults.of(number).is_some()).collect::<Vec<_>>();
    assert_eq!(which(&five), which(&faults("drip:0.05")));
    assert_ne!(which(&five), which(&faults("429/2s:5%&fault-seed=1")));
}

#[test]
fn every_word_is_a_fault_and_prints_as_it_is_typed() {
    for (word, takes, _) in FAULTS {
        assert!(faults(word).of(0).is_some());
        if let Some(time) = takes {
            let text = format!("{word}/{time}");
            assert_eq!(faults(&text).of(7).unwrap().to_string(), text);
        }
    }
    assert_eq!(faults("429").of(0), Some(Fault::TooManyRequests { retry_after: Nanos::from_secs(1) }));
}

#[track_caller]
fn refused(settings: &str, reason: &str, hint: &str) {
    let error = format!("sim:fixed?{settings}").parse::<Spec>().expect_err(settings);
    assert!(error.to_string().contains(reason), "{settings}: {error}");
    assert_eq!(error.hint().unwrap_or_default(), hint, "{settings}");
}

#[test]
fn what_is_no_fault_is_refused_with_the_nearest_that_is() {
    refused("fault=rest:5%", "there is no fault `rest`; there are 429, 503, reset", "sim:fixed?fault=reset:5%");
    refused("tokens=3&fault=trunkate@1", "no fault `trunkate`", "sim:fixed?tokens=3&fault=truncate@1");
    refused("fault=", "no fault ``", "sim:fixed?fault=429");
    refused("fault=reset/2s@1", "takes no time", "sim:fixed?fault=reset@1");
    refused("fault=stall/5@2", "duration `5` has no unit", "sim:fixed?fault=stall/5s@2");
    refused("fault=429/1500ms", "whole seconds", "sim:fixed?fault=429/1s");
    refused("fault=503:130%", "share", "sim:fixed?fault=503:100%");
    refused("fault=503@9..7", "no list of requests' numbers", "sim:fixed?fault=503@3,7..9");
    refused("fault=503@", "no list of requests' numbers", "sim:fixed?fault=503@3,7..9");
    refused("fault=503&fault=reset", "`fault` is given twice", "");
    refused("fault-seed=x", "a whole number", "sim:fixed?fault-seed=0");
    refused("falt=503", "no setting `falt`", "sim:fixed?fault=503");
    let error = "sim:vllm?falt=503".parse::<Spec>().unwrap_err();
    assert_eq!(error.hint().unwrap(), "sim:vllm?fault=503");
}

#[test]
fn what_is_about_bytes_needs_a_socket() {
    assert_eq!(faults("429+stall").only_over_a_socket(), None);
    assert_eq!(faults("reset:1%+stall/2s@1").only_over_a_socket().as_deref(), Some("stall/2s"));
    assert_eq!(faults("drip").only_over_a_socket().as_deref(), Some("drip/1s"));
}
