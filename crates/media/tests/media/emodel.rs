//! The E-model against published values.

use media::emodel::{Path, mos, rate};
use model::Codec;

fn path(codec: Codec, loss: f64, delay_ms: f64) -> Path {
    Path {
        codec,
        loss,
        burst_ratio: 1.0,
        delay_ms,
    }
}

fn r(path: &Path) -> f64 {
    f64::from(rate(path).r_tenths) / 10.0
}

/// G.107 annex B, table B.1: R and the MOS of its lower limit.
#[test]
fn opinion_follows_from_the_rating_as_in_annex_b() {
    for (r, published) in [
        (100.0, 4.5),
        (93.2, 4.41),
        (90.0, 4.34),
        (80.0, 4.03),
        (70.0, 3.60),
        (60.0, 3.10),
        (50.0, 2.58),
        (0.0, 1.0),
        (-5.0, 1.0),
    ] {
        assert!((mos(r) - published).abs() < 0.01, "R {r}: {}", mos(r));
    }
    let all: Vec<f64> = (0..=1000).map(|tenths| mos(f64::from(tenths) / 10.0)).collect();
    assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "never falls");
}

/// G.107 §7.7: with all parameters at their default R is 93.2.
#[test]
fn defaults_give_the_rating_of_the_recommendation() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let score = rate(&path(codec, 0.0, 0.0));
        assert_eq!((score.r_tenths, score.mos_hundredths), (932, 441));
    }
}

/// G.113 table I.2, G.711 with concealment under random loss: what R falls by.
#[test]
fn loss_costs_what_the_tables_of_g113_say() {
    for (percent, published) in [(2.0, 7.0), (3.0, 10.0), (5.0, 15.0), (7.0, 20.0), (10.0, 25.0)] {
        let fell = 93.2 - r(&path(Codec::Pcma, percent / 100.0, 0.0));
        assert!((fell - published).abs() <= 2.2, "{percent} %: {fell}");
    }
}

/// G.107 with T = Ta = Tr/2, all else at default, by its equations 7-19 to 7-27.
#[test]
fn delay_costs_what_the_equations_say() {
    for (delay_ms, published) in [
        (50.0, 91.7),
        (100.0, 90.7),
        (150.0, 89.5),
        (200.0, 85.8),
        (400.0, 62.3),
    ] {
        let r = r(&path(Codec::Pcmu, 0.0, delay_ms));
        assert!((r - published).abs() <= 0.2, "{delay_ms} ms: {r}");
    }
}

/// G.113 appendix IV: Ie,wb of G.722 at 64 kbit/s is 13 on the scale that ends at 129.
#[test]
fn wide_band_is_rated_on_its_own_scale() {
    let score = rate(&path(Codec::G722, 0.0, 0.0));
    assert_eq!((score.r_tenths, score.mos_hundredths), (1160, 434));
    let opus = rate(&path(Codec::Opus, 0.0, 0.0));
    assert!(opus.mos_hundredths > score.mos_hundredths);
    let lossy = [Codec::G722, Codec::Opus].map(|codec| rate(&path(codec, 0.05, 0.0)).mos_hundredths);
    assert!(lossy[0] < lossy[1] && lossy[1] < 434, "{lossy:?}");
}

#[test]
fn bursts_are_worse_than_chance() {
    let mut bursty = path(Codec::Pcmu, 0.05, 0.0);
    let random = r(&bursty);
    bursty.burst_ratio = 3.0;
    assert!(r(&bursty) < random - 1.0);
    bursty.burst_ratio = 0.0;
    assert!(
        (r(&bursty) - random).abs() < 0.01,
        "less than chance is not believed"
    );
}

#[test]
fn nonsense_is_rated_within_the_scale() {
    for loss in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
        for delay_ms in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            for burst_ratio in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
                for codec in Codec::ALL {
                    let score = rate(&Path {
                        codec,
                        loss,
                        burst_ratio,
                        delay_ms,
                    });
                    assert!(score.r_tenths <= 1290 && score.mos_hundredths <= 450, "{score:?}");
                }
            }
        }
    }
}
