//! Makes the sounds that the repository ships: spoken prompts from WAV files, music and tones from nothing. Run by
//! `cargo xtask prompts`.
//!
//!   press spoken < LINES    each line: a WAV file, a tab, the Ogg file to write
//!   press common FOLDER     music/default.opus and the tones, into the folder

mod music;
mod voice;

use audio::ogg::{Head, Tags, Writer};
use audio::opus::{Encoder, MAX_PACKET, Settings};
use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["spoken"] => spoken(),
        ["common", folder] => common(Path::new(folder)),
        _ => Err("press spoken < LINES, or press common FOLDER".into()),
    }
}

fn spoken() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (from, to) = line.split_once('\t').ok_or("a line without a tab")?;
        let sound = audio::sound::decode(&fs::read(from)?, voice::RATE_HZ)?;
        let sound = voice::prepare(&sound).ok_or_else(|| format!("{from} is silent"))?;
        let encoder = Encoder::new(Settings {
            rate_hz: voice::RATE_HZ,
            bitrate: 12_000,
            complexity: 10,
            loss_percent: 0,
            dtx: false,
        })?;
        write(Path::new(to), encoder, voice::RATE_HZ, &sound)?;
    }
    Ok(())
}

fn common(folder: &Path) -> Result<(), Box<dyn Error>> {
    let sounds = [
        ("music/default", music::hold()),
        ("record/beep", music::notes(&[(1000.0, 250)])),
        (
            "conference/tone-join",
            music::notes(&[(523.25, 120), (783.99, 180)]),
        ),
        (
            "conference/tone-leave",
            music::notes(&[(783.99, 120), (523.25, 180)]),
        ),
    ];
    for (name, sound) in sounds {
        let encoder = Encoder::music(Settings {
            rate_hz: music::RATE_HZ,
            bitrate: 24_000,
            complexity: 10,
            loss_percent: 0,
            dtx: false,
        })?;
        write(
            &folder.join(format!("{name}.opus")),
            encoder,
            music::RATE_HZ,
            &sound,
        )?;
    }
    Ok(())
}

/// Encodes a sound in frames of 60 ms; the file has its exact length.
fn write(path: &Path, mut encoder: Encoder, rate_hz: u32, sound: &[i16]) -> Result<(), Box<dyn Error>> {
    let delay = encoder.delay()?;
    let frame = rate_hz as usize * 60 / 1000;
    let clock = audio::ogg::CLOCK_HZ as usize / rate_hz as usize;
    // The encoder is late: what it still holds at the end is driven out.
    let mut padded = sound.to_vec();
    padded.resize(
        (sound.len() + usize::from(delay) / clock + 1).next_multiple_of(frame),
        0,
    );
    let mut file = Vec::new();
    let head = Head::new(1, rate_hz, delay);
    let mut writer = Writer::begin(&head, &Tags::default(), 1, &mut file).with_pages(1000);
    let mut packet = [0; MAX_PACKET];
    for samples in padded.chunks_exact(frame) {
        let octets = encoder
            .encode(samples, &mut packet)?
            .ok_or("a frame without a packet")?;
        writer.packet(packet.get(..octets).ok_or("a packet too long")?, &mut file)?;
    }
    let surplus = writer.position() - u64::from(delay) - (sound.len() * clock) as u64;
    writer.finish(u32::try_from(surplus)?, &mut file);
    fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
    Ok(fs::write(path, file)?)
}
