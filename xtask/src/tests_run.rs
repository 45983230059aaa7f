//! `cargo xtask test`: everything that can be tried on this machine, and what could not.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};

use crate::azurite::Azurite;
use crate::tools;

/// How a test says that it did not run; the reason follows.
const LEFT_OUT: &str = "left out: ";

/// Where nextest leaves its report; `.config/nextest.toml` says so.
const REPORT: &str = "target/nextest/default/junit.xml";

/// The tests with Azurite find its account here …
const AZURITE: &str = "EVERGRAPH_TEST_AZURITE";

/// … and that of its queues here.
const AZURITE_QUEUE: &str = "EVERGRAPH_TEST_AZURITE_QUEUE";

struct Options<'a> {
    without_azurite: bool,
    filters: Vec<&'a str>,
}

/// Runs the tests and sums up.
pub fn run(root: &Path, args: &[&str]) -> anyhow::Result<ExitCode> {
    let options = options(args)?;
    let missing = tools::missing(root);
    for tool in &missing {
        println!("missing  {tool}");
    }
    let mut summary = Summary::default();
    for tool in missing {
        if !tool.is_a_must() || (tool.is_for_azurite() && options.without_azurite) {
            continue;
        }
        summary.fail(format!("{tool}, and it is missing"));
    }
    let azurite = start_azurite(root, &options, &mut summary);
    run_steps(root, &options, azurite.as_ref(), &mut summary)?;
    drop(azurite);
    Ok(summary.print(&options))
}

fn options<'a>(args: &[&'a str]) -> anyhow::Result<Options<'a>> {
    let (flags, filters) = match args.iter().position(|arg| *arg == "--") {
        Some(at) => (&args[..at], args[at + 1..].to_vec()),
        None => (args, Vec::new()),
    };
    let mut options = Options {
        without_azurite: false,
        filters,
    };
    for flag in flags {
        match *flag {
            "--without-azurite" => options.without_azurite = true,
            other => bail!("no such option: {other}; see cargo xtask help"),
        }
    }
    Ok(options)
}

fn start_azurite(root: &Path, options: &Options<'_>, summary: &mut Summary) -> Option<Azurite> {
    let lacks_node = tools::missing(root)
        .iter()
        .any(|tool| tool.is_for_azurite());
    if options.without_azurite || lacks_node {
        return None;
    }
    match Azurite::start(root) {
        Ok(azurite) => Some(azurite),
        Err(error) => {
            println!("missing  azurite: {error:#}");
            summary.fail(format!("azurite could not be had: {error:#}"));
            None
        }
    }
}

fn run_steps(
    root: &Path,
    options: &Options<'_>,
    azurite: Option<&Azurite>,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    // First, so that the handler left in target/ is the one that the tests build.
    let lean = "the handler builds without the command line";
    let args = ["build", "--no-default-features", "--bin", "handler"];
    summary.step(lean, cargo(root, azurite, &args).status()?.success());

    if tools::answers("cargo", &["nextest", "--version"]) {
        let mut args = vec!["nextest", "run", "--workspace", "--no-fail-fast"];
        args.extend(&options.filters);
        let _ = fs::remove_file(root.join(REPORT));
        let ran = cargo(root, azurite, &args).status()?.success();
        summary.step("tests", ran);
        let report = fs::read_to_string(root.join(REPORT)).unwrap_or_default();
        summary.collect(&report);
        if options.filters.is_empty() {
            let args = ["test", "--workspace", "--doc"];
            summary.step(
                "examples in the documentation",
                cargo(root, azurite, &args).status()?.success(),
            );
        }
    } else {
        let mut args = vec!["test", "--workspace", "--no-fail-fast", "--"];
        args.push("--show-output");
        args.extend(&options.filters);
        let ran = run_and_collect(cargo(root, azurite, &args), summary)?;
        summary.step("tests, and examples in the documentation", ran);
    }
    Ok(())
}

fn cargo(root: &Path, azurite: Option<&Azurite>, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(args).stdin(Stdio::null());
    match azurite {
        Some(azurite) => command
            .env(AZURITE, azurite.blobs())
            .env(AZURITE_QUEUE, azurite.queues()),
        None => command.env_remove(AZURITE).env_remove(AZURITE_QUEUE),
    };
    println!("\n$ cargo {}", args.join(" "));
    command
}

/// Shows the output as it comes and picks from it the tests that left themselves out.
fn run_and_collect(mut command: Command, summary: &mut Summary) -> anyhow::Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start cargo")?;
    let output = child.stdout.take().context("cargo got no output pipe")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("could not read cargo's output")?;
        println!("{line}");
        summary.collect(&line);
    }
    Ok(child.wait().context("could not wait for cargo")?.success())
}

#[derive(Default)]
struct Summary {
    done: Vec<String>,
    failed: Vec<String>,
    left_out: BTreeSet<String>,
}

impl Summary {
    fn step(&mut self, what: &str, passed: bool) {
        let list = if passed {
            &mut self.done
        } else {
            &mut self.failed
        };
        list.push(what.to_owned());
    }

    fn fail(&mut self, what: String) {
        self.failed.push(what);
    }

    fn collect(&mut self, output: &str) {
        let reasons = output
            .lines()
            .filter_map(|line| line.split_once(LEFT_OUT))
            .map(|(_, reason)| reason.split("</system-out>").next().unwrap_or(reason));
        self.left_out
            .extend(reasons.map(|reason| reason.trim().to_owned()));
    }

    /// How many tests were left out for another reason than the one allowed.
    fn unasked(&self, options: &Options<'_>) -> usize {
        let allowed = |reason: &&String| options.without_azurite && reason.contains("Azurite");
        self.left_out.len() - self.left_out.iter().filter(allowed).count()
    }

    fn print(&self, options: &Options<'_>) -> ExitCode {
        println!();
        for step in &self.done {
            println!("passed    {step}");
        }
        for reason in &self.left_out {
            println!("left out  {reason}");
        }
        for step in &self.failed {
            println!("FAILED    {step}");
        }
        if options.without_azurite {
            println!("Azure Storage was left out, as asked.");
        }
        let unasked = self.unasked(options);
        if unasked > 0 {
            println!("FAILED    tests were left out that nobody asked to leave out: {unasked}");
        }
        if self.failed.is_empty() && unasked == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_left_itself_out_is_found_in_either_report() {
        let mut summary = Summary::default();
        summary.collect("    <system-out>running 1 test\nleft out: a needs Azurite</system-out>");
        summary.collect("left out: b needs Azurite\n\n");
        summary.collect("test c ... ok");
        let found: Vec<&str> = summary.left_out.iter().map(String::as_str).collect();
        assert_eq!(found, ["a needs Azurite", "b needs Azurite"]);
    }

    #[test]
    fn only_what_was_asked_to_be_left_out_is_excused() {
        let mut summary = Summary::default();
        summary.collect("left out: a needs Azurite\nleft out: b needs python3");
        let asked = |without_azurite| Options {
            without_azurite,
            filters: Vec::new(),
        };
        assert_eq!(summary.unasked(&asked(false)), 2);
        assert_eq!(summary.unasked(&asked(true)), 1);
    }

    #[test]
    fn unknown_options_are_refused_and_filters_are_passed_on() {
        assert!(options(&["--fast"]).is_err());
        let parsed = options(&["--without-azurite", "--", "lease", "--x"]).ok();
        let parsed = parsed.expect("both are lawful");
        assert!(parsed.without_azurite);
        assert_eq!(parsed.filters, ["lease", "--x"]);
    }
}
