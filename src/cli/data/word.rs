//! Words on the command line that stand for values of the configuration: read as the configuration reads them.

use serde::{
    de::value::{Error, StrDeserializer},
    de::{DeserializeOwned, IntoDeserializer},
};

/// A value from one word, as a YAML file would spell it.
///
/// # Errors
/// What was expected and what was found.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, Error> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::data::PriceSide;

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        assert_eq!(word::<PriceSide>("bid"), Ok(PriceSide::Bid));
        let fault = word::<PriceSide>("last").unwrap_err();
        assert!(fault.contains("`last`") && fault.contains("`ask`"), "{fault}");
    }
}
