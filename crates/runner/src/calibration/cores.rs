//! Who runs where: the engine on a core of its own, this process on the others, as far as there are enough of them.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the calling thread, dealt out. Given back when dropped.
#[derive(Debug)]
pub(super) struct Cores {
    all: CpuSet,
    /// `None` where there is one core only.
    dealt: Option<Dealt>,
}

#[derive(Debug)]
struct Dealt {
    engine: CpuSet,
    client: CpuSet,
}

impl Cores {
    /// Deals out the cores that the calling thread may use.
    pub(super) fn deal() -> io::Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core));
        let dealt = cores.next().filter(|_| cores.next().is_some()).map(|first| {
            let (mut engine, mut client) = (CpuSet::new(), all);
            engine.set(first);
            client.unset(first);
            Dealt { engine, client }
        });
        Ok(Self { all, dealt })
    }

    /// Whether the engine has a core of its own.
    pub(super) fn are_enough(&self) -> bool {
        self.dealt.is_some()
    }

    /// Starts something on the engine's core. Everything that the calling thread starts afterwards runs on the client's.
    pub(super) fn on_the_engines<T>(&self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(dealt) = &self.dealt else { return start() };
        sched_setaffinity(None, &dealt.engine)?;
        let started = start();
        sched_setaffinity(None, &dealt.client)?;
        started
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let _as_before = sched_setaffinity(None, &self.all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_core_is_not_the_clients_and_all_come_back() {
        let before = sched_getaffinity(None).expect("this thread has cores");
        let cores = Cores::deal().expect("they can be read");
        let during = cores.on_the_engines(|| Ok(sched_getaffinity(None)?)).expect("they can be set");
        let after = sched_getaffinity(None).expect("this thread has cores");
        if cores.are_enough() {
            assert_eq!((during.count(), after.count()), (1, before.count() - 1));
            assert!((0..CpuSet::MAX_CPU).all(|core| !(during.is_set(core) && after.is_set(core))));
        }
        drop(cores);
        assert_eq!(sched_getaffinity(None).expect("this thread has cores"), before);
    }
}
