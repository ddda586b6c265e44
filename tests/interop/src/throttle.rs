//! A share of a processor for one process: who floods it has more of the machine than it, as attackers have.
//!
//! Owns: a control group of its own, and taking it away again. Does not own: the process. Where groups may not be made (no root, or a
//! container that shows them to be read only), the process keeps the whole machine.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Microseconds of one turn of the scheduler: so short that a phone does not notice that the process was out.
const PERIOD_US: u32 = 10_000;

/// A group with one process in it.
#[derive(Debug)]
pub struct Throttle {
    group: PathBuf,
    /// Where the process goes back to.
    root: PathBuf,
}

impl Throttle {
    /// Lets a process have so many hundredths of one processor.
    ///
    /// # Errors
    /// One line that says why it can't be held back here.
    pub fn new(pid: u32, hundredths: u32) -> Result<Throttle> {
        let quota = PERIOD_US / 100 * hundredths;
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers");
        let (root, limits) = match fs::read_to_string(unified) {
            Ok(controllers) => {
                ensure!(controllers.contains("cpu"), "no control of processors");
                let root = PathBuf::from("/sys/fs/cgroup");
                fs::write(root.join("cgroup.subtree_control"), "+cpu").context("no control of processors")?;
                (root, vec![("cpu.max", format!("{quota} {PERIOD_US}"))])
            }
            Err(_) => {
                let period = ("cpu.cfs_period_us", PERIOD_US.to_string());
                let quota = ("cpu.cfs_quota_us", quota.to_string());
                (PathBuf::from("/sys/fs/cgroup/cpu"), vec![period, quota])
            }
        };
        let group = root.join(format!("carillon-test-{pid}"));
        fs::create_dir(&group).context("no control group can be made")?;
        let throttle = Throttle { group, root };
        for (name, value) in limits {
            fs::write(throttle.group.join(name), value).with_context(|| format!("no {name}"))?;
        }
        let procs = throttle.group.join("cgroup.procs");
        fs::write(procs, pid.to_string()).context("the process can't be moved")?;
        Ok(throttle)
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        let procs = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        for pid in procs.lines() {
            let _gone = fs::write(self.root.join("cgroup.procs"), pid);
        }
        if let Err(error) = fs::remove_dir(&self.group) {
            println!("{} stays: {error}", self.group.display());
        }
    }
}
