//! What a baresip hears, as its `sndfile` module writes it while it comes: one WAV file per stretch in one direction, named
//! by the second in which it began.
//!
//! baresip begins new files when a call changes its direction, but not while the file for what it sends is there, so with
//! the first hold the recording would be over. Here that file can never be opened, because a directory has its name; what
//! is heard is then written to the end. Stretches that begin in the same second would share a file: see
//! [`Recordings::may_begin`].

use crate::tone::{self, Tone};
use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Seconds that a phone may be on: longer than any test takes.
const LIFE_S: i64 = 300;
/// Octets that `sndfile` has for the path of a file; what is longer it cuts off.
const LONGEST_PATH: usize = 127;
/// Octets of the header that a file begins with.
const HEADER: u64 = 44;

/// The recordings of one phone.
#[derive(Debug)]
pub struct Recordings {
    dir: PathBuf,
}

/// A moment in what a phone heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(BTreeMap<PathBuf, u64>);

impl Recordings {
    /// Makes the directory for a baresip that is started now, with `TZ=UTC`.
    ///
    /// # Errors
    /// It can't be made, or its path is too long for baresip.
    pub fn begin(dir: PathBuf) -> Result<Recordings> {
        let now = Timestamp::now();
        let length = dir.join(name(now, "dec")).as_os_str().len();
        ensure!(
            length <= LONGEST_PATH,
            "baresip can't write into {}, choose a shorter TMPDIR",
            dir.display()
        );
        for second in -1..LIFE_S {
            let sent = dir.join(name(now + SignedDuration::from_secs(second), "enc"));
            fs::create_dir_all(&sent).with_context(|| format!("cannot make {}", sent.display()))?;
        }
        Ok(Recordings { dir })
    }

    /// True when a stretch that begins now gets a file of its own.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.dir.join(name(Timestamp::now(), "dec")).exists()
    }

    /// How far the recordings have come.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let heard = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with("-dec.wav"));
        Mark(
            heard
                .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len().max(HEADER))))
                .collect(),
        )
    }

    /// Octets of the stretch that has begun last since.
    #[must_use]
    pub fn newest_since(&self, mark: &Mark) -> u64 {
        self.grown_since(mark).last().map_or(0, |(_, from, to)| to - from)
    }

    /// The strongest tone of that.
    ///
    /// # Errors
    /// There is less than a second of it.
    pub fn newest_sound(&self, mark: &Mark) -> Result<Tone> {
        let grown = self.grown_since(mark);
        let (path, from, _) = grown.last().context("nothing was heard")?;
        tone::measure(path, *from)
    }

    /// How many stretches have begun.
    #[must_use]
    pub fn stretches(&self) -> usize {
        self.mark().0.len()
    }

    /// Octets that were heard since.
    #[must_use]
    pub fn octets_since(&self, mark: &Mark) -> u64 {
        self.grown_since(mark).iter().map(|(_, from, to)| to - from).sum()
    }

    /// Checks that a tone and nothing else was heard since, for two seconds at least.
    ///
    /// # Errors
    /// Says what was heard instead.
    pub fn tone_since(&self, mark: &Mark, hz: u32) -> Result<Tone> {
        match self.grown_since(mark).as_slice() {
            [(path, from, _)] => tone::expect(path, *from, hz),
            grown => bail!("expected {hz} Hz in one recording, these have grown: {grown:?}"),
        }
    }

    /// How much of the end of what was heard since is these tones and nothing else, seconds.
    ///
    /// # Errors
    /// The recording can't be read.
    pub fn chord_since(&self, mark: &Mark, tones: &[u32]) -> Result<f64> {
        match self.grown_since(mark).last() {
            Some((path, from, _)) => tone::chord(path, *from, tones),
            None => Ok(0.0),
        }
    }

    /// The strongest tone of what was heard since.
    ///
    /// # Errors
    /// Nothing was heard, or more than one recording has grown.
    pub fn sound_since(&self, mark: &Mark) -> Result<Tone> {
        match self.grown_since(mark).as_slice() {
            [(path, from, _)] => tone::measure(path, *from),
            grown => bail!("expected one recording, these have grown: {grown:?}"),
        }
    }

    /// The recordings that have grown since, each with its length then and now.
    fn grown_since(&self, mark: &Mark) -> Vec<(PathBuf, u64, u64)> {
        let grown = self.mark().0.into_iter().map(|(path, to)| {
            let from = mark.0.get(&path).copied().unwrap_or(HEADER);
            (path, from.min(to), to)
        });
        grown.filter(|(_, from, to)| to > from).collect()
    }
}

/// What the module calls a file that it begins.
fn name(begun: Timestamp, kind: &str) -> String {
    format!("{}-{kind}.wav", begun.strftime("dump-%Y-%m-%d-%H-%M-%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_after_the_mark_counts() {
        let dir = tempfile::tempdir().unwrap();
        let recordings = Recordings::begin(dir.path().join("sounds")).unwrap();
        let path = dir.path().join("sounds/dump-1-dec.wav");
        tone::write(&path, 440, tone::Form::TELEPHONE, 3).unwrap();
        let mark = recordings.mark();
        assert_eq!((recordings.stretches(), recordings.octets_since(&mark)), (1, 0));
        assert!(recordings.tone_since(&mark, 440).is_err());
        let mut sound = fs::read(&path).unwrap();
        tone::write(&path, 1_000, tone::Form::TELEPHONE, 3).unwrap();
        sound.extend_from_slice(&fs::read(&path).unwrap()[44..]);
        fs::write(&path, sound).unwrap();
        assert_eq!(recordings.octets_since(&mark), 48_000);
        assert!(recordings.tone_since(&mark, 440).is_err());
        let tone = recordings.tone_since(&mark, 1_000).unwrap();
        assert!((tone.seconds - 3.0).abs() < 0.11);
        fs::write(dir.path().join("sounds/dump-2-dec.wav"), [0; 400]).unwrap();
        assert!(recordings.tone_since(&mark, 1_000).is_err(), "two files at once");
    }
}
