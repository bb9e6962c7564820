//! The axis of the timeline: which moment stands where, with the hours cut out in which nobody worked.
//!
//! Pure. Places are percent of the width. One invariant: later is never further left.

use chrono::{DateTime, TimeDelta, Utc};

/// A stretch of time that somebody worked in, from its begin to its end.
pub(super) type Stretch = (DateTime<Utc>, DateTime<Utc>);

/// Time from left to right.
#[derive(Debug)]
pub(super) struct Axis {
    pieces: Vec<Piece>,
    /// The idle hours between the pieces.
    pub(super) cuts: Vec<Cut>,
}

/// Time that is drawn to scale.
#[derive(Debug, Clone, Copy)]
struct Piece {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    left: f64,
    width: f64,
}

/// Time that is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// How long.
    pub(super) idle: TimeDelta,
    /// Where the gap begins.
    pub(super) left: f64,
    /// How wide it is.
    pub(super) width: f64,
}

/// A moment that is named below the axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// Where.
    pub(super) at: f64,
    /// The hour, or the day where the steps are days.
    pub(super) label: String,
    /// The day, where another one begins and there is room.
    pub(super) day: Option<String>,
}

/// Room at both ends, so that what is short is seen there.
const MARGIN: f64 = 1.0;

/// The most of the width that all gaps take together, and that one takes.
const ALL_CUTS: f64 = 30.0;
const ONE_CUT: f64 = 4.0;

/// How near two hours and two days may be named.
const HOURS_APART: f64 = 8.0;
const DAYS_APART: f64 = 13.0;

/// Steps between the named moments, in seconds.
const STEPS: [i64; 20] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 1_209_600, 2_419_200,
];

const DAY: i64 = 86_400;

impl Axis {
    /// Over these stretches. An idle time is cut out when it is longer than a quarter of all the time in which
    /// somebody worked, and than a minute.
    pub(super) fn new(stretches: &[Stretch]) -> Option<Self> {
        let busy = merged(stretches);
        let total: i64 = busy.iter().map(|(from, to)| (*to - *from).num_seconds()).sum();
        let short = TimeDelta::seconds((total / 4).max(60));
        let mut parts: Vec<Stretch> = Vec::new();
        for (from, to) in busy {
            match parts.last_mut() {
                Some(last) if from - last.1 <= short => last.1 = to,
                _ => parts.push((from, to)),
            }
        }
        parts.first()?;
        #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^52")]
        let (seconds, gaps) =
            (|part: &Stretch| (part.1 - part.0).num_milliseconds() as f64 / 1e3, (parts.len() - 1) as f64);
        let all: f64 = parts.iter().map(seconds).sum();
        // What took no time at all wants to be seen as well.
        let weight = |part: &Stretch| seconds(part).max(all / 50.0).max(1.0);
        let weights: f64 = parts.iter().map(weight).sum();
        let cut = if gaps > 0.0 { ONE_CUT.min(ALL_CUTS / gaps) } else { 0.0 };
        let room = 100.0 - 2.0 * MARGIN - cut * gaps;
        let mut axis = Self { pieces: Vec::new(), cuts: Vec::new() };
        let mut left = MARGIN;
        for part in &parts {
            if let Some(before) = axis.pieces.last() {
                axis.cuts.push(Cut { idle: part.0 - before.to, left, width: cut });
                left += cut;
            }
            let width = room * weight(part) / weights;
            axis.pieces.push(Piece { from: part.0, to: part.1, left, width });
            left += width;
        }
        Some(axis)
    }

    /// Where a moment stands.
    pub(super) fn at(&self, moment: DateTime<Utc>) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.from <= moment).saturating_sub(1);
        self.pieces.get(index).map_or(MARGIN, |piece| piece.at(moment))
    }

    /// The moments to name: where a piece begins, and round ones in between as far as there is room.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let step = self.step();
        let mut named: Vec<(f64, DateTime<Utc>, bool)> = Vec::new();
        for piece in &self.pieces {
            let near = |named: &[(f64, DateTime<Utc>, bool)], at: f64| {
                named.last().is_some_and(|(before, ..)| at - before < HOURS_APART)
            };
            // The begin of a piece says more than what comes before it.
            while near(&named, piece.left) && named.last().is_some_and(|(.., begins)| !begins) {
                named.pop();
            }
            if !near(&named, piece.left) {
                named.push((piece.left, piece.from, true));
            }
            let first = (piece.from.timestamp() / step + 1) * step;
            let rounds = (0..).map(|index| first + index * step).take_while(|at| *at <= piece.to.timestamp());
            for moment in rounds.filter_map(|at| DateTime::from_timestamp(at, 0)) {
                let at = piece.at(moment);
                if !near(&named, at) {
                    named.push((at, moment, false));
                }
            }
        }
        label(&named, step)
    }

    /// The least step whose moments are far enough from each other.
    fn step(&self) -> i64 {
        let scale = |piece: &Piece| {
            #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
            let seconds = (piece.to - piece.from).num_seconds() as f64;
            (seconds > 0.0).then(|| piece.width / seconds)
        };
        let widest = self.pieces.iter().filter_map(scale).fold(0.0, f64::max);
        if widest <= 0.0 {
            return 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "a step has few digits")]
        let fits = |step: &&i64| **step as f64 * widest >= HOURS_APART;
        STEPS.iter().find(fits).copied().unwrap_or_else(|| {
            // Years: as many months as it takes.
            let months = (HOURS_APART / widest / 2_419_200.0).ceil();
            #[expect(clippy::cast_possible_truncation, reason = "a span of time has few months")]
            let months = months.clamp(1.0, 1e6) as i64;
            months * 2_419_200
        })
    }
}

impl Piece {
    fn at(&self, moment: DateTime<Utc>) -> f64 {
        let (whole, part) =
            ((self.to - self.from).num_milliseconds(), (moment - self.from).num_milliseconds());
        if whole == 0 {
            return self.left;
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a span are below 2^52")]
        let share = (part as f64 / whole as f64).clamp(0.0, 1.0);
        self.left + self.width * share
    }
}

/// The stretches in order, with those that touch made one.
fn merged(stretches: &[Stretch]) -> Vec<Stretch> {
    let mut sorted: Vec<Stretch> = stretches.iter().map(|&(from, to)| (from, to.max(from))).collect();
    sorted.sort_unstable();
    let mut out: Vec<Stretch> = Vec::new();
    for (from, to) in sorted {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

fn label(named: &[(f64, DateTime<Utc>, bool)], step: i64) -> Vec<Tick> {
    let mut told: Option<(f64, chrono::NaiveDate)> = None;
    let mut tick = |&(at, moment, _): &(f64, DateTime<Utc>, bool)| {
        let day = moment.date_naive();
        let room = told.is_none_or(|(before, last)| last != day && at - before >= DAYS_APART);
        if room {
            told = Some((at, day));
        }
        let label = match step {
            DAY.. => moment.format("%m-%d"),
            60..DAY => moment.format("%H:%M"),
            _ => moment.format("%H:%M:%S"),
        };
        let day = room.then(|| day.format(if step >= DAY { "%Y" } else { "%Y-%m-%d" }).to_string());
        Tick { at, label: label.to_string(), day }
    };
    named.iter().map(&mut tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        format!("2026-03-{text}Z").parse().expect("a moment")
    }

    fn axis(stretches: &[(&str, &str)]) -> Axis {
        let stretches: Vec<Stretch> = stretches.iter().map(|(from, to)| (moment(from), moment(to))).collect();
        Axis::new(&stretches).expect("an axis")
    }

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn without_a_session_there_is_none() {
        assert!(Axis::new(&[]).is_none());
    }

    /// Tried mutants: no idle time is cut; places of a later piece begin at the margin again.
    #[test]
    fn a_night_is_cut_out_and_a_break_is_not() {
        let axis = axis(&[
            ("02T16:00:00", "02T17:00:00"),
            ("02T17:10:00", "02T18:00:00"),
            ("03T08:00:00", "03T09:00:00"),
        ]);
        let [cut] = axis.cuts[..] else { panic!("{:?}", axis.cuts) };
        assert_eq!(cut.idle, TimeDelta::hours(14));
        assert!((axis.at(moment("02T18:00:00")) - cut.left).abs() < 1e-9);
        assert!((axis.at(moment("03T08:00:00")) - cut.left - cut.width).abs() < 1e-9);
        // An hour is as wide on one side as on the other.
        let hour = |from, to| axis.at(moment(to)) - axis.at(moment(from));
        let (before, after) = (hour("02T16:00:00", "02T17:00:00"), hour("03T08:00:00", "03T09:00:00"));
        assert!((before - after).abs() < 1e-9 && before > 20.0, "{before} {after}");
        let days: Vec<_> = axis.ticks().into_iter().filter_map(|tick| tick.day).collect();
        assert_eq!(days, ["2026-03-02", "2026-03-03"]);
    }

    #[test]
    fn later_is_never_further_left() {
        let axis = axis(&[
            ("01T00:00:00", "01T00:10:00"),
            ("01T00:05:00", "01T00:06:00"),
            ("02T00:00:00", "02T00:00:00"),
            ("09T00:00:00", "09T00:00:01"),
        ]);
        let mut last = 0.0;
        for seconds in (0..9 * DAY).step_by(97) {
            let at = axis.at(moment("01T00:00:00") + TimeDelta::seconds(seconds));
            assert!(at >= last && at <= 100.0, "{at} after {last}");
            last = at;
        }
    }

    #[test]
    fn round_moments_are_named_with_room_between_them() {
        for (from, to, expected) in [
            ("02T09:00:00", "02T09:00:00", vec!["09:00:00"]),
            ("02T09:00:00", "02T09:00:50", vec!["09:00:00", "09:00:05", "09:00:10", "09:00:15"]),
            ("02T09:03:00", "02T09:53:00", vec!["09:03", "09:10", "09:15", "09:20"]),
            ("02T09:00:00", "04T09:00:00", vec!["09:00", "18:00", "00:00", "06:00"]),
            ("02T00:00:00", "20T00:00:00", vec!["03-02", "03-04", "03-06", "03-08"]),
        ] {
            let axis = axis(&[(from, to)]);
            let found = labels(&axis);
            assert_eq!(found[..found.len().min(4)], expected[..], "{from} {to}");
            let ticks = axis.ticks();
            assert!(ticks.windows(2).all(|two| two[1].at - two[0].at >= HOURS_APART), "{ticks:?}");
        }
    }
}
