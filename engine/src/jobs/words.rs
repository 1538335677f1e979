//! Enums that people read and write as words: one spelling for the command line, JSON and logs.

/// An enum whose variants are words: `Display`, `FromStr`, serde, a schema and the list of all.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident as $what:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let known = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                known.ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    format!("expected a {}: one of {}; found `{text}`", $what, words.join(", "))
                })
            }
        }
    };
}

pub(super) use words;

#[cfg(test)]
mod tests {
    use std::{fmt::Display, str::FromStr};

    use serde::{Serialize, de::DeserializeOwned};

    use crate::jobs::*;

    fn spelled<T>(all: &[T], words: &[&str])
    where
        T: Copy
            + Display
            + FromStr<Err = String>
            + Serialize
            + DeserializeOwned
            + PartialEq
            + std::fmt::Debug,
    {
        assert_eq!(all.iter().map(T::to_string).collect::<Vec<_>>(), words);
        for word in all {
            assert_eq!(word.to_string().parse::<T>().unwrap(), *word);
            let json = serde_json::to_string(word).unwrap();
            assert_eq!(json, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *word);
        }
        let fault = "Nobody".parse::<T>().unwrap_err();
        assert!(fault.contains("found `Nobody`"), "{fault}");
        assert!(words.iter().all(|word| fault.contains(word)), "{fault}");
    }

    #[test]
    fn every_word_is_spelled_alike_everywhere() {
        spelled(JobPriority::ALL, &["bulk", "low", "normal", "high", "critical"]);
        spelled(Standing::ALL, &["bulk", "low", "normal", "high", "critical", "first"]);
        spelled(PausedBy::ALL, &["owner", "load"]);
        spelled(
            JobState::ALL,
            &["queued", "running", "paused", "completed", "failed", "cancelled", "timeout"],
        );
        spelled(
            WorkerState::ALL,
            &["idle", "initializing", "running", "paused", "completed", "failed", "terminating"],
        );
        spelled(
            ProcessState::ALL,
            &["starting", "running", "paused", "stopping", "stopped", "failed", "crashed"],
        );
        spelled(
            ProcessType::ALL,
            &["live-scanner", "backtest-worker", "execution-manager", "resource-monitor"],
        );
        spelled(ExecutionMode::ALL, &["standalone", "concurrent", "priority-live"]);
    }
}
