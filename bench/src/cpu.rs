//! What a server costs: processor time and memory of a process and all its descendants, from `/proc`.
//!
//! Owns: reading and adding up. Does not own: deciding when to read, see `load`.

use std::fs;

/// The kernel counts user and system time in ticks of 10 ms (`getconf CLK_TCK` = 100 on Linux).
const TICK_US: f64 = 10_000.0;

/// Processor time so far, µs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// In user mode.
    pub(crate) user_us: f64,
    /// In the kernel.
    pub(crate) system_us: f64,
    /// Time on a processor by the scheduler's own, finer account: the check.
    pub(crate) scheduled_us: f64,
}

impl Cpu {
    /// User plus system, µs.
    pub(crate) fn total_us(&self) -> f64 {
        self.user_us + self.system_us
    }

    /// What was spent after `earlier`.
    pub(crate) fn since(&self, earlier: &Cpu) -> Cpu {
        Cpu {
            user_us: self.user_us - earlier.user_us,
            system_us: self.system_us - earlier.system_us,
            scheduled_us: self.scheduled_us - earlier.scheduled_us,
        }
    }
}

/// A process and its descendants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree(u32);

impl Tree {
    /// The tree below (and with) a process.
    pub(crate) fn of(root: u32) -> Tree {
        Tree(root)
    }

    /// Processor time so far. A process that has ended counts no more, so measure while all live.
    pub(crate) fn cpu(self) -> Cpu {
        let mut sum = Cpu::default();
        for pid in self.members() {
            if let Some(stat) = Stat::read(pid) {
                sum.user_us += stat.user_ticks * TICK_US;
                sum.system_us += stat.system_ticks * TICK_US;
            }
            sum.scheduled_us += scheduled_us(pid);
        }
        sum
    }

    /// Proportional set size, octets: shared pages are divided among those who share them.
    pub(crate) fn pss(self) -> u64 {
        self.members().into_iter().filter_map(pss_of).sum()
    }

    /// Every member's process id, the root first.
    pub(crate) fn members(self) -> Vec<u32> {
        let parents: Vec<(u32, u32)> = process_ids()
            .into_iter()
            .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
            .collect();
        let mut members = vec![self.0];
        let mut at = 0;
        while let Some(parent) = members.get(at).copied() {
            members.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
            at += 1;
        }
        members
    }
}

struct Stat {
    parent: u32,
    user_ticks: f64,
    system_ticks: f64,
}

impl Stat {
    /// Fields 4, 14 and 15 of `/proc/PID/stat`; the name in field 2 may hold spaces and brackets.
    fn read(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u32>().ok();
        Some(Stat {
            parent: number(1)?,
            user_ticks: f64::from(number(11)?),
            system_ticks: f64::from(number(12)?),
        })
    }
}

fn process_ids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .collect()
}

fn scheduled_us(pid: u32) -> f64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0.0;
    };
    tasks
        .flatten()
        .filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        })
        .map(|nanoseconds| nanoseconds / 1000.0)
        .sum()
}

fn pss_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_itself() {
        let tree = Tree::of(std::process::id());
        assert!(tree.members().contains(&std::process::id()));
        assert!(tree.pss() > 100_000);
        let before = tree.cpu();
        let mut x = 1_u64;
        while tree.cpu().since(&before).scheduled_us < 1000.0 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        assert_ne!(x, 0);
    }
}
