//! Cores that processes run on.

use std::str::FromStr;

use super::read_from_text;
use crate::tree::quote;

/// The cores that worker processes run on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cores {
    /// Wherever the system puts them: `any`.
    #[default]
    Any,
    /// Each on one of those that are allowed: `auto`.
    Auto,
    /// Each on one of these, counted from 0: `0,2-3`.
    Listed(Vec<u32>),
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected any, auto or cores as in 0,2-3, found {}", quote(text));
        let core = |text: &str| text.trim().parse::<u16>().map_err(|_| expected());
        match text {
            "any" => return Ok(Self::Any),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let mut cores = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (core(first)?, core(last)?);
            if first > last {
                return Err(expected());
            }
            cores.extend((first..=last).map(u32::from));
        }
        Ok(Self::Listed(cores))
    }
}

read_from_text!(
    Cores,
    "^(any|auto|[0-9]+(-[0-9]+)?( ?, ?[0-9]+(-[0-9]+)?)*)$",
    "Cores: any, auto, or a list: 0,2-3",
    ["integer", "string"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_as_they_are_typed() {
        assert_eq!("any".parse(), Ok(Cores::Any));
        assert_eq!("auto".parse(), Ok(Cores::Auto));
        assert_eq!("0,2-4".parse(), Ok(Cores::Listed(vec![0, 2, 3, 4])));
        assert_eq!("1".parse(), Ok(Cores::Listed(vec![1])));
        for wrong in ["", "4-2", "a", "1,,2", "-1", "70000"] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
    }
}
