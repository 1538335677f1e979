//! Who is to be told.

use std::{fmt, str::FromStr};

use hyper::Uri;

/// Most that a job may name.
pub(crate) const TARGETS_MAX: usize = 8;
/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 1_000;

/// Who is to be told that a job has ended.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Whoever is at a URL. What stands behind the machine's name may be a secret and is not shown.
    Webhook(Uri),
    /// The chat that the server's file names.
    Telegram,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "telegram" {
            return Ok(Self::Telegram);
        }
        // What was written may be a secret in the wrong place: it is not repeated.
        let fault = || "expected telegram, or a URL as in https://example.org/hook".to_owned();
        if text.len() > URL_BYTES_MAX {
            return Err(format!("expected a URL of at most {URL_BYTES_MAX} bytes, found {}", text.len()));
        }
        let uri: Uri = text.parse().map_err(|_| fault())?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().filter(|authority| is_known && !authority.host().is_empty());
        match authority {
            None => Err(fault()),
            Some(authority) if authority.as_str().contains('@') => {
                Err("a URL with a user or password in it is not called: name it without".to_owned())
            }
            Some(_) => Ok(Self::Webhook(uri)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Telegram => f.write_str("telegram"),
            Self::Webhook(uri) => {
                let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
                write!(f, "{}://{authority}/\u{2026}", uri.scheme_str().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_without_what_may_be_secret() {
        let shown = |text: &str| text.parse::<Target>().map(|target| target.to_string());
        assert_eq!(shown("telegram").as_deref(), Ok("telegram"));
        assert_eq!(
            shown("https://hooks.example/T0/hunter2?k=1").as_deref(),
            Ok("https://hooks.example/\u{2026}")
        );
        assert_eq!(shown("http://[::1]:80").as_deref(), Ok("http://[::1]:80/\u{2026}"));
        let long = format!("https://a/{}", "x".repeat(URL_BYTES_MAX));
        for wrong in [
            "",
            "hunter2",
            "ftp://a/hunter2",
            "https://",
            "https:///hunter2",
            "https://me:hunter2@a/",
            "/hunter2",
            &long,
        ] {
            let fault = shown(wrong).unwrap_err();
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }
}
