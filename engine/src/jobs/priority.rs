//! How urgent a job is, and where it stands after it has waited.

use super::words::words;

words! {
    /// How urgent a job is. The greater, the more urgent: `Critical > Bulk`.
    #[derive(Default, PartialOrd, Ord)]
    JobPriority as "priority" {
        /// Large work that may take its time; the first to yield and to be paused.
        Bulk = "bulk",
        /// May wait.
        Low = "low",
        /// What is not said to be anything else.
        #[default]
        Normal = "normal",
        /// Before ordinary work.
        High = "high",
        /// Before all other work; never yields, and is paused last.
        Critical = "critical",
    }
}

words! {
    /// Where a job stands in the queue: at first with its priority, a level higher each time that it has waited too long.
    ///
    /// The greater, the sooner it is handed out. What waited too long even among critical jobs stands
    /// before all others, in order of submission: only so many are before it, and so it does not starve.
    #[derive(PartialOrd, Ord)]
    Standing as "standing" {
        /// With jobs of priority bulk.
        Bulk = "bulk",
        /// With jobs of priority low.
        Low = "low",
        /// With jobs of priority normal.
        Normal = "normal",
        /// With jobs of priority high.
        High = "high",
        /// With critical jobs.
        Critical = "critical",
        /// Before everybody.
        First = "first",
    }
}

impl From<JobPriority> for Standing {
    fn from(priority: JobPriority) -> Self {
        match priority {
            JobPriority::Bulk => Self::Bulk,
            JobPriority::Low => Self::Low,
            JobPriority::Normal => Self::Normal,
            JobPriority::High => Self::High,
            JobPriority::Critical => Self::Critical,
        }
    }
}

impl Standing {
    /// The level whose jobs it stands with; `None` before everybody.
    pub fn level(self) -> Option<JobPriority> {
        JobPriority::ALL.iter().copied().find(|level| Self::from(*level) == self)
    }

    /// One level higher; `None` before everybody.
    pub fn raised(self) -> Option<Self> {
        Self::ALL.iter().copied().find(|standing| *standing > self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_rises_level_by_level_and_ends_before_everybody() {
        let mut ladder = vec![Standing::from(JobPriority::Bulk)];
        while let Some(next) = ladder[ladder.len() - 1].raised() {
            ladder.push(next);
        }
        assert_eq!(ladder, Standing::ALL);
        assert_eq!(Standing::First.level(), None);
        assert!(JobPriority::ALL.iter().all(|level| Standing::from(*level).level() == Some(*level)));
        assert!(JobPriority::Critical > JobPriority::High && JobPriority::Low > JobPriority::Bulk);
    }
}
