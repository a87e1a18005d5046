//! What a process has cost so far: processor time and peak memory, by the kernel's own account.

use std::time::Duration;

/// The kernel's account of a process.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Processor time in user and kernel mode together.
    pub cpu: Duration,
    /// The largest resident set so far, in bytes.
    pub peak_memory: u64,
}

/// The processor time of the process `pid` and of the children that it has waited for, in the kernel's ticks of 10 ms, also once
/// it has ended and until it is collected.
#[must_use]
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and brackets: count the fields from behind it. utime, stime, cutime and cstime are 14 to 17.
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(4);
    let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let ticks: u64 = ticks.iter().sum();
    Some(Duration::from_nanos(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second()))
}

/// The largest resident set of the process `pid`, in bytes, while it runs.
#[must_use]
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    kilobytes.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The cost of this process until now, with processor time to the nanosecond.
#[must_use]
pub fn of_this_process() -> Option<Cost> {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu = Duration::new(u64::try_from(cpu.tv_sec).ok()?, u32::try_from(cpu.tv_nsec).ok()?);
    Some(Cost { cpu, peak_memory: peak_memory(std::process::id())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_cost_something() {
        let cost = of_this_process().expect("procfs is mounted");
        assert!(cost.cpu.as_nanos() > 0 && cost.peak_memory > 0);
        assert!(processor_time(std::process::id()).is_some());
    }
}
