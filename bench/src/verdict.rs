//! The table at the end: each figure, its rival in the same run, their ratio, and whether it is what it should be.

use std::io::{Result, Write};

use crate::usage::Spent;

/// Others may take this share of the CPUs before the figures are doubted.
const BUSY: f64 = 0.15;

/// What the ratio of a figure to its rival should be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Rates.
    AtLeast(f64),
    /// Costs.
    AtMost(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least:.2}"),
            Self::AtMost(most) => format!("<= {most:.2}"),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Behind both numbers.
    pub unit: &'static str,
    /// Ours.
    pub ours: f64,
    /// What it is compared with.
    pub rival_name: String,
    /// The rival's.
    pub rival: f64,
    /// `None`: it is only told.
    pub target: Option<Target>,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Verdicts {
    figures: Vec<Figure>,
    was_busy: bool,
}

impl Verdicts {
    /// One more.
    pub fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Notes what others did on the machine meanwhile.
    pub fn busy(&mut self, spent: Option<&Spent>) {
        self.was_busy |= spent.is_some_and(|spent| spent.others_cpu > BUSY);
    }

    /// The table.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        writeln!(
            out,
            "\n{:<46} {:>12}   {:<34} {:>12} {:>6} {:>8}",
            "figure", "ours", "rival", "its", "ratio", "target"
        )?;
        for figure in &self.figures {
            let ratio = figure.ours / figure.rival;
            let (target, verdict) = match figure.target {
                Some(target) if target.is_met(ratio) => (target.shown(), "PASS"),
                Some(target) => (target.shown(), "MISS"),
                None => ("-".to_owned(), ""),
            };
            writeln!(
                out,
                "{:<46} {:>12}   {:<34} {:>12} {ratio:>6.2} {target:>8} {verdict}",
                figure.what,
                number(figure.ours, figure.unit),
                figure.rival_name,
                number(figure.rival, figure.unit),
            )?;
        }
        if self.was_busy {
            writeln!(
                out,
                "\nThe machine was busy with other things: these figures say little. Run it again on a quiet one."
            )?;
        }
        out.flush()
    }
}

fn number(value: f64, unit: &str) -> String {
    if value >= 1_000.0 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ours: f64, target: Option<Target>) -> String {
        let mut verdicts = Verdicts::default();
        verdicts.add(Figure {
            what: "rate".to_owned(),
            unit: "/s",
            ours,
            rival_name: "rival".to_owned(),
            rival: 100.0,
            target,
        });
        let mut out = Vec::new();
        verdicts.write(&mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_rate_passes_from_its_target_on_and_a_cost_up_to_it() {
        assert!(table(90.0, Some(Target::AtLeast(0.9))).contains("PASS"));
        assert!(table(89.0, Some(Target::AtLeast(0.9))).contains("MISS"));
        assert!(table(120.0, Some(Target::AtMost(1.2))).contains("PASS"));
        assert!(table(121.0, Some(Target::AtMost(1.2))).contains("MISS"));
    }

    #[test]
    fn a_figure_without_a_target_is_not_judged() {
        let text = table(1.0, None);
        assert!(!text.contains("PASS") && !text.contains("MISS"), "{text}");
    }
}
