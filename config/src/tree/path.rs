//! Paths into a configuration, as faults print them and overrides name them: `strategies[0].params.fast`.

use std::fmt::Write;

/// One step from a node of a tree to a child of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'t> {
    Key(&'t str),
    Index(usize),
}

/// Steps as text.
pub(crate) fn format_steps(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                if is_plain(key) {
                    text.push_str(key);
                } else {
                    text.push_str(&super::quote(key));
                }
            }
        }
    }
    text
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| !c.is_control() && !c.is_whitespace() && !".[]\"=".contains(c))
}

/// One step of a path that a user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    /// A key of a mapping.
    Key(String),
    /// An item of a list by its place.
    Index(usize),
    /// An item of a list by its `id`, `name` or `symbol`.
    Named(String),
}

/// A path that a user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<PathStep>);

impl Path {
    /// Reads `a.b[0].c` or `a[name].c`.
    ///
    /// # Errors
    /// Says at which character (counted from 1) what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut steps = Vec::new();
        let mut rest = text;
        let column = |rest: &str| text.chars().count() - rest.chars().count() + 1;
        loop {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
            let key = &rest[..end];
            if key.is_empty() {
                return Err((column(rest), "expected a field name".into()));
            }
            steps.push(PathStep::Key(key.to_owned()));
            rest = &rest[end..];
            while let Some(inner) = rest.strip_prefix('[') {
                let Some(close) = inner.find(']') else {
                    return Err((column(rest), "this bracket is not closed".into()));
                };
                let name = &inner[..close];
                steps.push(match name.parse() {
                    Ok(index) => PathStep::Index(index),
                    Err(_) if name.is_empty() => {
                        return Err((column(inner), "expected the number of an item, counted from 0".into()));
                    }
                    Err(_) => PathStep::Named(name.to_owned()),
                });
                rest = &inner[close + 1..];
            }
            match rest.strip_prefix('.') {
                Some(next) => rest = next,
                None if rest.is_empty() => return Ok(Self(steps)),
                None => return Err((column(rest), "expected `.` or `[`".into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_printed() {
        let steps = [Step::Key("strategies"), Step::Index(0), Step::Key("params"), Step::Key("fast")];
        let text = format_steps(&steps);
        assert_eq!(text, "strategies[0].params.fast");
        let key = |k: &str| PathStep::Key(k.into());
        assert_eq!(
            Path::parse(&text),
            Ok(Path(vec![key("strategies"), PathStep::Index(0), key("params"), key("fast")]))
        );
        assert_eq!(format_steps(&[Step::Key("a b")]), "\"a b\"");
    }

    #[test]
    fn a_broken_path_says_where_it_breaks() {
        for (text, column) in [("", 1), ("a..b", 3), ("a[1", 2), ("a[]", 3), ("a[0]b", 5), ("a]", 2)] {
            assert_eq!(Path::parse(text).unwrap_err().0, column, "{text}");
        }
    }
}
