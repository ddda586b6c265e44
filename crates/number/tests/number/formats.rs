//! Numbers as trunks want them and send them.

use crate::{country, e164, plan};
use number::{Format, Plan, Style};

const STYLES: [Style; 4] = [
    Style::E164,
    Style::E164Plain,
    Style::National,
    Style::International,
];

#[test]
fn a_number_is_written_as_the_trunk_wants_it() {
    for (code, number, texts) in [
        (
            "de",
            "+493012345678",
            ["+493012345678", "493012345678", "03012345678", "00493012345678"],
        ),
        (
            "de",
            "+442079460018",
            [
                "+442079460018",
                "442079460018",
                "00442079460018",
                "00442079460018",
            ],
        ),
        (
            "us",
            "+12024561111",
            ["+12024561111", "12024561111", "12024561111", "01112024561111"],
        ),
        (
            "us",
            "+442079460018",
            [
                "+442079460018",
                "442079460018",
                "011442079460018",
                "011442079460018",
            ],
        ),
        (
            "it",
            "+390669812345",
            ["+390669812345", "390669812345", "0669812345", "00390669812345"],
        ),
        (
            "ru",
            "+74959690404",
            ["+74959690404", "74959690404", "84959690404", "81074959690404"],
        ),
        (
            "hu",
            "+3612345678",
            ["+3612345678", "3612345678", "0612345678", "003612345678"],
        ),
        (
            "au",
            "+61293744000",
            ["+61293744000", "61293744000", "0293744000", "001161293744000"],
        ),
    ] {
        let plan = plan(code);
        for (style, text) in STYLES.into_iter().zip(texts) {
            let format = Format::new(style, "", "").unwrap();
            assert_eq!(format.write(e164(number), &plan), text, "{style:?} in {code}");
            assert_eq!(format.read(text, &plan), Some(e164(number)), "{text} in {code}");
        }
    }
}

#[test]
fn digits_are_taken_off_and_put_before() {
    let de = plan("de");
    let tech = Format::new(Style::E164Plain, "", "7700#").unwrap();
    assert_eq!(tech.write(e164("+493012345678"), &de), "7700#493012345678");
    assert_eq!(tech.read("7700#493012345678", &de), Some(e164("+493012345678")));
    assert_eq!(tech.read("493012345678", &de), None);
    let short = Format::new(Style::National, "0", "").unwrap();
    assert_eq!(short.write(e164("+493012345678"), &de), "3012345678");
    assert_eq!(short.read("3012345678", &de), Some(e164("+493012345678")));
    let both = Format::new(Style::E164Plain, "49", "0").unwrap();
    assert_eq!(both.write(e164("+493012345678"), &de), "03012345678");
    assert_eq!(both.read("03012345678", &de), Some(e164("+493012345678")));
    // A number without what is to be taken off must not become another one.
    assert_eq!(both.write(e164("+442079460018"), &de), "+442079460018");
    assert_eq!(both.read("+442079460018", &de), Some(e164("+442079460018")));
}

#[test]
fn what_is_no_number_in_the_form_is_not_read() {
    let de = plan("de");
    let format = |style| Format::new(style, "", "").unwrap();
    for (style, text) in [
        (Style::E164, "493012345678"),
        (Style::E164, "anonymous"),
        (Style::E164, ""),
        (Style::E164, "+"),
        (Style::E164, "+49anonymous"),
        (Style::E164Plain, "03012345678"),
        (Style::E164Plain, "999123456789"),
        (Style::E164Plain, "unknown"),
        (Style::National, "Restricted"),
        (Style::National, "112"),
        (Style::International, "03012345678"),
        (Style::International, "00"),
        (Style::International, ""),
    ] {
        assert_eq!(format(style).read(text, &de), None, "{style:?} {text}");
    }
    let long = format!("+49{}", "3".repeat(38));
    assert_eq!(format(Style::E164).read(&long, &de), None);
    assert_eq!(
        format(Style::National).read("+49 (0)30 12345678", &de),
        Some(e164("+493012345678"))
    );
}

#[test]
fn neither_area_nor_outside_prefix_change_what_a_trunk_means() {
    let plain = plan("us");
    let rich = Plan::new(country("us"), Some("202"), Some("9")).unwrap();
    let format = Format::new(Style::National, "", "").unwrap();
    for text in ["9096221111", "12024561111", "4561111", "92024561111"] {
        assert_eq!(format.read(text, &rich), format.read(text, &plain), "{text}");
    }
}

#[test]
fn formats_are_data_and_faults_say_what_is_wrong() {
    let json = r#"{"style":"e164_plain","strip":"49","prepend":"77#"}"#;
    let format: Format = serde_json::from_str(json).unwrap();
    assert_eq!(format, Format::new(Style::E164Plain, "49", "77#").unwrap());
    assert_eq!(serde_json::to_string(&format).unwrap(), json);
    let short = r#"{"style":"national"}"#;
    assert_eq!(
        serde_json::to_string(&serde_json::from_str::<Format>(short).unwrap()).unwrap(),
        short
    );
    for bad in [
        r#"{}"#,
        r#"{"style":"e165"}"#,
        r#"{"style":"national","suffix":"1"}"#,
        r#"{"style":"e164","prepend":"77"}"#,
        r#"{"style":"national","strip":"0#"}"#,
        r#"{"style":"national","prepend":"+"}"#,
        r#"{"style":"national","prepend":"12345678901234567"}"#,
    ] {
        assert!(serde_json::from_str::<Format>(bad).is_err(), "{bad}");
    }
    let fault = Format::new(Style::E164, "", "77").unwrap_err().to_string();
    assert!(fault.contains("e164_plain"), "{fault}");
}
