//! The machine that measures, for people who compare runs. Knows no run.

use metron_results::summary::Host;

/// What is known of this machine.
pub(crate) fn host() -> Host {
    let kernel = rustix::system::uname().release().to_str().ok().map(str::to_owned);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Host {
        os: std::env::consts::OS.to_owned(),
        kernel,
        cpu: std::fs::read_to_string("/proc/cpuinfo").ok().as_deref().and_then(processor),
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
    }
}

/// The processor's name in the kernel's list.
fn processor(list: &str) -> Option<String> {
    let line = list.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_name_is_found_or_unknown() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\n"), Some("Fast CPU @ 3 GHz".to_owned()));
        assert_eq!(processor("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
    }

    #[test]
    fn this_machine_has_a_core() {
        assert!(host().cores >= 1);
    }
}
