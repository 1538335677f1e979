//! `--data`: other bars than those that the sweep names.

use std::path::Path;

use serde_json::json;

use crate::cli::outcome::CliError;

/// The override that puts a file or a catalog in place of the feed.
///
/// # Errors
/// When there is no such file, or its kind cannot be told.
pub(super) fn feed_override(path: &Path) -> Result<String, CliError> {
    let refused = |what: String| CliError::Usage(format!("--data: {}: {what}", path.display()));
    // Absolute, for paths in a configuration start at its own folder.
    let full = path.canonicalize().map_err(|error| refused(format!("cannot be read: {error}")))?;
    let kind = if full.is_dir() {
        "catalog"
    } else {
        match full
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("csv" | "txt" | "tsv") => "csv",
            Some("parquet" | "pq") => "parquet",
            Some("jsonl" | "ndjson") => "json_lines",
            _ => {
                let expected =
                    "expected a file that ends in .csv, .parquet or .jsonl, or the folder of a catalog";
                return Err(refused(expected.to_owned()));
            }
        }
    };
    let Some(text) = full.to_str() else {
        return Err(refused("expected a path that is UTF-8".to_owned()));
    };
    // JSON is YAML in flow style.
    Ok(format!("feed={}", json!({ "kind": kind, "params": { "path": text } })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_data_is_told_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let kind = |path: &Path| feed_override(path).map(|text| text.split('"').nth(3).map(str::to_owned));
        for (name, expected) in [("a.csv", "csv"), ("b.PARQUET", "parquet"), ("c \"d\".jsonl", "json_lines")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, "").expect("a file");
            assert_eq!(kind(&path).expect("a kind").as_deref(), Some(expected), "{name}");
        }
        assert_eq!(kind(folder.path()).expect("a kind").as_deref(), Some("catalog"));
        let odd = folder.path().join("bars.exe");
        std::fs::write(&odd, "").expect("a file");
        for path in [odd, folder.path().join("missing.csv")] {
            assert!(matches!(feed_override(&path), Err(CliError::Usage(_))), "{}", path.display());
        }
    }
}
