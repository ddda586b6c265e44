//! Makes the sounds that the repository ships: spoken prompts from WAV files, music and tones from nothing. Run by
//! `cargo xtask prompts`.
//!
//!   press spoken < LINES    each line: a WAV file, a tab, the Ogg file to write
//!   press common FOLDER     music/default.opus and the tones, into the folder

mod music;
mod voice;

use audio::opus::{Encoder, Settings};
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

fn write(path: &Path, encoder: Encoder, rate_hz: u32, sound: &[i16]) -> Result<(), Box<dyn Error>> {
    let file = audio::sound::encode(encoder, rate_hz, sound)?;
    fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
    Ok(fs::write(path, file)?)
}
