//! How speech sounds after a codec, a bad network, the jitter buffer and concealment, by PESQ (ITU-T P.862, P.862.2).
//!
//! A phone speaks, another one with another codec listens, the media server transcodes between them: `media::Relay` in simulated
//! time, as the shell drives it.
//!
//! Owns: which codecs and networks, the table, and the floor below which the command fails. Does not own: PESQ itself, which a
//! published package computes (`python`).

mod call;
mod codec;
mod network;
mod python;
mod speech;
mod table;

use anyhow::{Context, Result, ensure};
use audio::wav::{Coding, Format};
use call::Codecs;
use model::Codec;
use network::Network;
use speech::Speech;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use table::Floor;

/// The lowest mean score of each codec under each network, and the packages that compute it.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/score");
/// The codec of the phone that speaks, and of the one that listens: of the others at that rate the one that adds least.
const CALLS: [(&str, Codecs); 4] = [
    ("PCMU", to_g722(Codec::Pcmu, 8_000)),
    ("PCMA", to_g722(Codec::Pcma, 8_000)),
    (
        "G722",
        Codecs {
            speaker: Codec::G722,
            listener: Codec::Opus,
            rate_hz: 16_000,
        },
    ),
    ("Opus", to_g722(Codec::Opus, 16_000)),
];
/// What is heard of the speaker's codec alone, and of both, without a media server and a network.
const ALONE: &str = "speaker's codec";
const BOTH: &str = "both codecs";
/// The end of what is said comes so much later at most, milliseconds.
const LATEST_MS: usize = 400;

const fn to_g722(speaker: Codec, rate_hz: u32) -> Codecs {
    Codecs {
        speaker,
        listener: Codec::G722,
        rate_hz,
    }
}

/// What to score, and where to write.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// Where the WAV files and the Python environment go.
    #[arg(long, default_value = "target/score")]
    dir: PathBuf,
    /// The Python that makes the environment.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Calls under each network; chance is another one in each.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// One codec only.
    #[arg(long, value_parser = ["PCMU", "PCMA", "G722", "Opus"])]
    codec: Option<String>,
    /// Networks whose name contains this only.
    #[arg(long, default_value = "")]
    network: String,
    /// Write the WAV files and compute nothing.
    #[arg(long)]
    wav_only: bool,
}

impl Settings {
    fn codecs(&self) -> impl Iterator<Item = (&'static str, Codecs)> {
        let wanted = self.codec.as_deref();
        let wanted = move |name: &str| wanted.is_none_or(|wanted| wanted == name);
        CALLS.into_iter().filter(move |(name, _)| wanted(name))
    }

    fn networks(&self) -> impl Iterator<Item = &'static Network> {
        let all = network::ALL.iter();
        all.filter(|network| network.name.contains(&self.network))
    }
}

/// Renders, scores, prints the table and compares it with the floor.
///
/// # Errors
/// A score is below its floor, PESQ can't be installed, or a file can't be written.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let wavs = settings.dir.join("wav");
    if wavs.exists() {
        fs::remove_dir_all(&wavs)?;
    }
    thread::scope(|scope| {
        let render = |(name, codecs)| {
            let dir = wavs.join(name);
            scope.spawn(move || render(&dir, codecs, settings).context(name))
        };
        let threads: Vec<_> = settings.codecs().map(render).collect();
        let end = |thread: thread::ScopedJoinHandle<'_, Result<()>>| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().try_for_each(end)
    })?;
    println!("speech is in {}", wavs.display());
    if settings.wav_only {
        return Ok(());
    }
    let python = python::prepare(&settings.dir, &settings.python).context(
        "PESQ can't be installed; that takes Python 3.11 to 3.13 with venv and pip, its headers, a C compiler, and a registry of \
         packages. --wav-only does without",
    )?;
    let scores = python::score(&python, &wavs)?;
    let floor = fs::read_to_string(Path::new(FOLDER).join("floor.toml"))?;
    let floor: Floor = toml::from_str(&floor).context("floor.toml")?;
    print!("{}", table::show(settings, &scores, &floor));
    let below = table::below(settings, &scores, &floor);
    ensure!(below.is_empty(), "below the floor: {}", below.join(", "));
    Ok(())
}

/// Writes what was said, and what was heard under each network.
fn render(dir: &Path, codecs: Codecs, settings: &Settings) -> Result<()> {
    let rate_hz = codecs.rate_hz;
    let speech = Speech::new(rate_hz)?;
    for (number, clip) in speech.clips.iter().enumerate() {
        let said = speech.sound.get(clip.clone()).unwrap_or_default();
        write(&dir.join("said"), &number.to_string(), said, rate_hz)?;
    }
    let clean = codec::encode(codecs.speaker, &speech.sound, rate_hz, 0)?;
    let alone = codec::decode(codecs.speaker, &clean, rate_hz)?;
    write_clips(&dir.join(ALONE), 0, &speech, &alone)?;
    write_clips(&dir.join(BOTH), 0, &speech, &listen(codecs, &alone)?)?;
    for network in settings.networks() {
        let packets = codec::encode(codecs.speaker, &speech.sound, rate_hz, network.loss_percent)?;
        for seed in 1..=settings.seeds {
            let heard = call::hear(codecs, &packets, network, seed)?;
            write_clips(&dir.join(network.name), seed, &speech, &heard)?;
            if network.only_loses() {
                let mut left = vec![None; packets.len()];
                for (_, number) in network.carry(packets.len() as u64, seed) {
                    let at = usize::try_from(number)?;
                    if let (Some(to), Some(packet)) = (left.get_mut(at), packets.get(at)) {
                        to.clone_from(packet);
                    }
                }
                let heard = codec::decode(codecs.speaker, &left, rate_hz)?;
                let dir = dir.join(table::unconcealed(network.name));
                write_clips(&dir, seed, &speech, &listen(codecs, &heard)?)?;
            }
        }
    }
    Ok(())
}

/// What the listener's codec makes of a sound.
fn listen(codecs: Codecs, sound: &[i16]) -> Result<Vec<i16>> {
    let packets = codec::encode(codecs.listener, sound, codecs.rate_hz, 0)?;
    codec::decode(codecs.listener, &packets, codecs.rate_hz)
}

/// Cuts the clips out of what was heard.
fn write_clips(dir: &Path, seed: u64, speech: &Speech, heard: &[i16]) -> Result<()> {
    for (number, clip) in speech.clips.iter().enumerate() {
        let end = clip.end + speech.rate_hz as usize / 1_000 * LATEST_MS;
        let sound = heard.get(clip.start..end.min(heard.len()));
        let sound = sound.context("the call ended before the speech")?;
        write(dir, &format!("{number}-{seed}"), sound, speech.rate_hz)?;
    }
    Ok(())
}

fn write(dir: &Path, name: &str, sound: &[i16], rate_hz: u32) -> Result<()> {
    fs::create_dir_all(dir)?;
    let format = Format::mono(Coding::Linear, rate_hz);
    let mut file = format.header(u32::try_from(sound.len() * 2)?);
    format.write(sound, &mut file);
    Ok(fs::write(dir.join(format!("{name}.wav")), file)?)
}
