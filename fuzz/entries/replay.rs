//! Replays a committed corpus through an entry, whole and with seeded damage. For the ordinary tests: what a fuzzer
//! once found stays found without one.

use std::path::Path;

/// Damaged copies of each file.
const COPIES: u64 = 1_000;

/// Runs every file of `fuzz/corpus/<target>` and its damaged copies; prints how many inputs that were.
pub(crate) fn replay(target: &str, entry: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "no corpus in {}", folder.display());
    let mut inputs = 0_u64;
    for (number, seed) in seeds.iter().enumerate() {
        attempt(entry, seed, &files[number]);
        let mut random = Random(number as u64 + 1);
        for _ in 0..COPIES {
            let other = &seeds[random.below(seeds.len())];
            attempt(entry, &damage(seed, other, &mut random), &files[number]);
        }
        inputs += COPIES + 1;
    }
    println!("COUNT fuzz/{target} {inputs}");
}

/// A failure shows the very octets, to be put into the corpus.
fn attempt(entry: fn(&[u8]), input: &[u8], from: &Path) {
    let result = std::panic::catch_unwind(|| entry(input));
    assert!(
        result.is_ok(),
        "after {}: b\"{}\"",
        from.display(),
        input.escape_ascii()
    );
}

struct Random(u64);

impl Random {
    /// SplitMix64: the same everywhere for the same seed.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// One to six changes: octets changed, cut out, doubled, or taken from another seed.
fn damage(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut octets = seed.to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(octets.len() + 1);
        let end = (at + random.below(24)).min(octets.len());
        match random.below(6) {
            0 => octets.truncate(at),
            1 => drop(octets.drain(at..end)),
            2 => {
                let copy = octets[at..end].to_vec();
                octets.splice(at..at, copy);
            }
            3 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(40)).min(other.len());
                octets.splice(at..end, other[from..to].iter().copied());
            }
            4 => {
                let strange = [0, b'\r', b'\n', b'"', b'<', b',', b';', 0x7f, 0x80, 0xff];
                octets.insert(at, strange[random.below(strange.len())]);
            }
            _ => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << random.below(8);
                }
            }
        }
    }
    octets
}
