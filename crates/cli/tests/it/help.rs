//! Help: whole screens, so that a change of a flag is seen by whoever reviews it.

use crate::metron::Folder;

fn check(name: &str, arguments: &[&str]) {
    let help = Folder::new().metron(arguments).with_code(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!(name, help.stdout);
}

#[test]
fn help_says_what_the_program_does() {
    check("help", &["--help"]);
}

#[test]
fn help_of_run_lists_every_flag_with_its_default() {
    check("help_run", &["run", "--help"]);
}

#[test]
fn every_command_has_help() {
    for command in
        ["compare", "sweep", "score", "probe", "sim", "report", "plot", "export", "recover", "schema", "completions"]
    {
        check(&format!("help_{command}"), &[command, "--help"]);
    }
    for command in ["inspect", "convert"] {
        check(&format!("help_workload_{command}"), &["workload", command, "--help"]);
    }
}

#[test]
fn without_a_command_help_goes_to_stderr_and_the_code_is_2() {
    let ended = Folder::new().metron::<&str>([]).with_code(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("Usage: metron"), "{}", ended.stderr);
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Folder::new().metron(["completions", shell]).with_code(0).stdout;
        assert!(script.contains("ttft-deadline"), "{shell}");
    }
}
