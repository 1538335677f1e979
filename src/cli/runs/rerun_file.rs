//! `runs rerun best.yaml`: a combination that was saved as a set, checked against what it says of itself.

use std::{io::Write, path::Path};

use barhive_actors::clock::SystemClock;
use barhive_config::LoadOptions;
use barhive_engine::{Registry as Parts, time::Clock};

use super::{again::again, rerun::RerunFlags, same::hex, variant::data_hash};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::wrapped,
    results_dir::new_folder,
};

pub(super) fn rerun_file(flags: &RerunFlags, file: &Path, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let refused = |what: &str| CliError::Usage(format!("{}: {what}", file.display()));
    if flags.variant.is_some() || flags.ranked.is_given() {
        return Err(refused("it is one combination: VARIANT, --rank and --top are for runs"));
    }
    let set = barhive_config::load(file, parts, &LoadOptions::default())
        .map_err(|faults| CliError::Usage(faults.to_string()))?;
    let Some(origin) = set.origin.clone() else {
        return Err(refused("it does not say which combination it is (origin); run it with `barhive run`"));
    };
    let mut differences = Vec::new();
    let own = env!("CARGO_PKG_VERSION");
    if origin.program != own {
        tracing::warn!("the combination was run by version {}, this is {own}", origin.program);
    }
    let data = data_hash(&set.spec)?;
    if data != origin.data_hash {
        differences.push(format!("its data had the hash {}, now {data}", origin.data_hash));
    }
    let name = set.spec.name.clone();
    let folder = match &flags.results_dir {
        Some(folder) => folder.clone(),
        None => new_folder(&flags.base.base, &name, SystemClock.now_ns(), &data)?,
    };
    let ran = again(set, file, parts, &folder, !flags.no_html)?;
    let account = ran.as_ref().and_then(|again| again.result.accounts.first());
    let now = account.map(|account| hex(&account.digest_bytes));
    if now != origin.digest {
        let shown = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none: it failed".to_owned());
        differences.push(format!("its digest was {}, now {}", shown(&origin.digest), shown(&now)));
    }
    let told = match differences.as_slice() {
        [] => format!("{name}: same (digest {}, data {data})", now.unwrap_or_default()),
        some => format!("{name}: differs: {}", some.join("; ")),
    };
    out.write_all(wrapped(&told).as_bytes())?;
    writeln!(out, "  {}", folder.display())?;
    Ok(if differences.is_empty() { Done::All } else { Done::WithFailures })
}
