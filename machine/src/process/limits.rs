//! What a process imposes on itself: where it runs, how it stands back, what memory it may take or keeps.
//!
//! A process does this itself, or inherits it from the thread that starts it: nothing has to run between fork and
//! exec.

use std::io;

use serde::{Deserialize, Serialize};

/// On which cores worker processes run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Affinity {
    /// Wherever the system puts them.
    #[default]
    None,
    /// Each on one core: worker `i` on number `i` modulo `n` of the `n` cores that are allowed.
    Automatic,
    /// Each on one core of this list, in turn. Numbers as the system counts cores, from 0.
    Cores(Vec<u32>),
}

impl Affinity {
    /// Whether the cores that it lists may be used.
    ///
    /// # Errors
    /// The first that may not.
    pub fn check(&self) -> Result<(), String> {
        let Self::Cores(cores) = self else { return Ok(()) };
        #[cfg(target_os = "linux")]
        if let Ok(allowed) = rustix::thread::sched_getaffinity(None) {
            let is_allowed = |core: &u32| {
                let core = *core as usize;
                core < rustix::thread::CpuSet::MAX_CPU && allowed.is_set(core)
            };
            if let Some(core) = cores.iter().find(|core| !is_allowed(core)) {
                return Err(format!("core {core} is not among the {} that may be used", allowed.count()));
            }
        }
        if cores.is_empty() { Err("no core is named".to_owned()) } else { Ok(()) }
    }
}

/// Lets this process die with the thread that started it, however that ends.
///
/// A coordinator that is gone before this takes effect has closed its pipes: that is seen, too.
///
/// # Errors
/// The system refuses.
pub fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// Where memory is short, the system takes a worker, never its coordinator. And who it is can be seen.
pub fn volunteer() {
    // A system that knows no such thing chooses by itself.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"barhive-worker");
}

/// Puts this process, worker `worker`, on its core.
///
/// # Errors
/// When the core is not there or not allowed.
#[cfg(target_os = "linux")]
pub fn pin(affinity: &Affinity, worker: u64) -> Result<(), String> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let core = match affinity {
        Affinity::None => return Ok(()),
        Affinity::Automatic => {
            let allowed =
                sched_getaffinity(None).map_err(|error| format!("cores cannot be asked for: {error}"))?;
            let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
            cores.get(turn(worker, cores.len())).copied()
        }
        Affinity::Cores(cores) => cores.get(turn(worker, cores.len())).map(|core| *core as usize),
    };
    let Some(core) = core else { return Err("no core is named".to_owned()) };
    if core >= CpuSet::MAX_CPU {
        return Err(format!("expected a core below {}, found {core}", CpuSet::MAX_CPU));
    }
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one).map_err(|error| format!("core {core} is not to be had: {error}"))
}

/// Puts processes on cores where the system does.
///
/// # Errors
/// This one does not.
#[cfg(not(target_os = "linux"))]
pub fn pin(affinity: &Affinity, _worker: u64) -> Result<(), String> {
    match affinity {
        Affinity::None => Ok(()),
        _ => Err("this system does not put processes on cores".to_owned()),
    }
}

#[cfg(target_os = "linux")]
fn turn(worker: u64, count: usize) -> usize {
    (worker % count.max(1) as u64) as usize
}

/// Stands back behind other processes, for the processor and, as far as the system derives one from
/// the other, for the disk.
///
/// # Errors
/// When the system refuses: stepping forward takes a privilege.
pub fn stand_back(nice: i32) -> Result<(), String> {
    if nice == 0 {
        return Ok(());
    }
    rustix::process::setpriority_process(None, nice)
        .map_err(|error| format!("a niceness of {nice} is refused: {error}"))
}

/// The cores that this thread may use, by number; nothing where the system does not tell.
pub fn allowed_cores() -> Vec<u32> {
    #[cfg(target_os = "linux")]
    if let Ok(allowed) = rustix::thread::sched_getaffinity(None) {
        let all = 0..rustix::thread::CpuSet::MAX_CPU;
        return all.filter(|core| allowed.is_set(*core)).map(|core| core as u32).collect();
    }
    Vec::new()
}

/// Keeps this thread, and what it starts from now on, to these cores.
///
/// # Errors
/// When one is not there or not allowed, or the system keeps nobody to cores.
pub fn keep_to(cores: &[u32]) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    {
        let mut set = rustix::thread::CpuSet::new();
        for core in cores {
            if *core as usize >= rustix::thread::CpuSet::MAX_CPU {
                return Err(format!(
                    "expected a core below {}, found {core}",
                    rustix::thread::CpuSet::MAX_CPU
                ));
            }
            set.set(*core as usize);
        }
        rustix::thread::sched_setaffinity(None, &set)
            .map_err(|error| format!("the cores {cores:?} are not to be had: {error}"))
    }
    #[cfg(not(target_os = "linux"))]
    Err(format!("this system does not keep processes to the cores {cores:?}"))
}

/// Whether a process that this one starts may have this niceness: a negative one takes a privilege.
pub fn may_have(nice: i32) -> bool {
    // On a thread of its own: raising takes the same privilege back.
    let tried = std::thread::Builder::new().stack_size(64 << 10).spawn(move || stand_back(nice).is_ok());
    tried.is_ok_and(|thread| thread.join().unwrap_or(false))
}

/// Keeps the memory of this process in memory, now and from now on, pages as they are touched.
///
/// # Errors
/// Where the system does not allow it without bound: beyond its bound, allocations would fail.
#[cfg(target_os = "linux")]
pub fn lock_memory() -> Result<(), String> {
    use rustix::{
        mm::{MlockAllFlags, mlockall},
        process::{Resource, getrlimit},
        thread::{CapabilitySet, capabilities},
    };

    let bound = getrlimit(Resource::Memlock).current;
    let is_free = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if let Some(bound) = bound.filter(|_| !is_free) {
        return Err(format!(
            "at most {bound} bytes may be locked: raise the limit (ulimit -l, LimitMEMLOCK=)"
        ));
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|error| format!("memory cannot be locked: {error}"))
}

/// Keeps the memory of this process in memory where the system does.
///
/// # Errors
/// This one does not.
#[cfg(not(target_os = "linux"))]
pub fn lock_memory() -> Result<(), String> {
    Err("this system locks no memory".to_owned())
}

/// The memory that this process may take, counted from what it had when this was made.
///
/// Counted is what it can write to and shares with nobody (`RLIMIT_DATA`): mapped files, which all
/// workers share, are not. What is refused ends the process: Rust aborts where an allocation fails.
pub struct Memory {
    base: u64,
    allowed: rustix::process::Rlimit,
}

impl Memory {
    /// Counts from now on.
    ///
    /// # Errors
    /// When the system does not tell what is taken already: nothing can be limited then.
    pub fn from_now() -> Result<Self, String> {
        let statm = std::fs::read_to_string("/proc/self/statm")
            .map_err(|error| format!("the system does not tell how much memory is taken: {error}"))?;
        let pages: Option<u64> = statm.split_whitespace().nth(5).and_then(|pages| pages.parse().ok());
        let pages = pages.ok_or("the system does not tell how much memory is taken")?;
        let base = pages * rustix::param::page_size() as u64;
        Ok(Self { base, allowed: rustix::process::getrlimit(rustix::process::Resource::Data) })
    }

    /// From now on the process may take `bytes` more than it had at first, and never more than it was
    /// allowed to when it was started.
    ///
    /// # Errors
    /// The system refuses.
    pub fn allow(&self, bytes: u64) -> Result<(), String> {
        let wanted = self.base.saturating_add(bytes);
        let current = Some(self.allowed.current.map_or(wanted, |allowed| allowed.min(wanted)));
        let limit = rustix::process::Rlimit { current, maximum: self.allowed.maximum };
        rustix::process::setrlimit(rustix::process::Resource::Data, limit)
            .map_err(|error| format!("memory cannot be limited: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_worker_takes_its_turn_of_the_cores() {
        let turns: Vec<_> = (0..5).map(|worker| turn(worker, 2)).collect();
        assert_eq!(turns, [0, 1, 0, 1, 0]);
        assert_eq!(pin(&Affinity::Cores(Vec::new()), 3), Err("no core is named".to_owned()));
        let beyond = pin(&Affinity::Cores(vec![1 << 20]), 0);
        assert_eq!(beyond, Err("expected a core below 1024, found 1048576".to_owned()));
        assert_eq!(pin(&Affinity::None, 7), Ok(()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_keeps_to_its_cores_and_what_it_starts_does_too() {
        let all = allowed_cores();
        assert!(!all.is_empty());
        let last = vec![all[all.len() - 1]];
        let kept = std::thread::spawn({
            let last = last.clone();
            move || {
                keep_to(&last).unwrap();
                std::thread::spawn(allowed_cores).join().unwrap()
            }
        });
        assert_eq!(kept.join().unwrap(), last);
        assert_eq!(allowed_cores(), all, "others are where they were");
        assert!(keep_to(&[]).unwrap_err().contains("are not to be had"));
        assert!(keep_to(&[1 << 20]).unwrap_err().contains("expected a core below"));
    }

    #[test]
    fn trying_a_niceness_changes_nothing() {
        let before = rustix::process::getpriority_process(None).unwrap();
        assert!(may_have(before + 1));
        let forward = may_have(before - 1);
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before, "{forward}");
    }

    #[test]
    fn what_was_taken_before_is_not_counted() {
        let memory = Memory::from_now().expect("a system that tells");
        assert!(memory.base > 0);
        // A limit beyond anything, so that the other tests of this process live.
        assert_eq!(memory.allow(1 << 45), Ok(()));
    }
}
