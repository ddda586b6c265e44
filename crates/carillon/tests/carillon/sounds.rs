//! A company's own sounds: uploads, texts that are spoken, music.

use crate::server::Site;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

/// A WAV file of a tone: so many milliseconds of 16 bits at 8 kHz.
fn tone(ms: u32) -> Vec<u8> {
    let data: Vec<u8> = (0..ms * 8)
        .flat_map(|n| if n % 20 < 10 { 6_000_i16 } else { -6_000 }.to_le_bytes())
        .collect();
    let length = u32::try_from(data.len()).unwrap();
    [
        b"RIFF".as_slice(),
        &(36 + length).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data",
        &length.to_le_bytes(),
        &data,
    ]
    .concat()
}

fn site() -> (Site, String) {
    let site = Site::with_users(&["100"]);
    let file = site.path("hello.wav");
    fs::write(&file, tone(1_500)).unwrap();
    (site, file.display().to_string())
}

fn names(list: &Value) -> Vec<(&str, &str)> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| {
        (
            row["name"].as_str().unwrap(),
            row["language"].as_str().unwrap_or("any"),
        )
    })
    .collect()
}

#[test]
fn a_prompt_from_its_upload_to_its_end() {
    let (site, file) = site();
    let set = site.json(&[
        "prompt",
        "set",
        "acme",
        "menu/demo",
        "--file",
        &file,
        "--language",
        "fr",
    ]);
    assert_eq!(
        (
            &set["name"],
            &set["language"],
            &set["ms"],
            &set["source"],
            &set["text"]
        ),
        (
            &json!("menu/demo"),
            &json!("fr"),
            &json!(1_500),
            &json!("hello.wav"),
            &Value::Null
        )
    );
    site.json(&["prompt", "set", "acme", "own/welcome", "--file", &file]);
    let list = site.json(&["prompt", "list", "acme"]);
    assert_eq!(names(&list), [("menu/demo", "fr"), ("own/welcome", "any")]);
    assert!(site.text(&["prompt", "list", "acme"]).contains("0:02"));
    let all = site.json(&["prompt", "list", "acme", "--all"]);
    assert!(all.as_array().unwrap().len() > 500);
    // What is exported can be uploaded.
    let out = site.path("out.opus").display().to_string();
    let exported = site.json(&["prompt", "export", "acme", "own/welcome", &out]);
    assert_eq!(exported["own"], true);
    assert!(fs::read(&out).unwrap().starts_with(b"OggS"));
    assert!(
        site.refusal(&["prompt", "export", "acme", "own/welcome", &out])
            .contains("cannot make")
    );
    let again = site.json(&["prompt", "set", "acme", "own/welcome", "--file", &out]);
    assert_eq!(again["ms"], 1_500);
    let shipped = site.path("shipped.opus").display().to_string();
    assert_eq!(
        site.json(&["prompt", "export", "acme", "menu/demo", &shipped])["own"],
        false
    );
    let flow = r#"{"steps": {"start": {"do": "play", "say": [{"prompt": "own/welcome"}]}}}"#;
    let flow = site.file("flow.json", flow);
    site.json(&["flow", "set", "acme", "300", &flow]);
    let reset = site.json(&["prompt", "reset", "acme", "own/welcome"]);
    assert_eq!(reset["missing_in"], json!(["300"]));
    assert!(
        site.json(&["flow", "list", "acme"])[0]["state"]
            .to_string()
            .contains("own/welcome")
    );
    assert!(
        site.refusal(&["flow", "set", "acme", "301", &flow])
            .contains("no prompt")
    );
    assert!(
        site.refusal(&["prompt", "reset", "acme", "own/welcome"])
            .contains("prompt list")
    );
}

#[test]
fn what_is_no_sound_is_not_kept() {
    let (site, file) = site();
    let whole = tone(1_500);
    let bad = |name: &str, octets: &[u8]| {
        fs::write(site.path(name), octets).unwrap();
        let path = site.path(name).display().to_string();
        site.refusal(&["prompt", "set", "acme", "own/x", "--file", &path])
    };
    assert!(bad("empty.wav", b"").contains("empty file"));
    assert!(bad("cut.wav", &whole[..whole.len() - 100]).contains("cut off"));
    assert!(bad("song.mp3", b"ID3\x04").contains("MP3"));
    assert!(bad("silent.wav", &tone(0)).contains("no sound"));
    assert!(bad("long.wav", &tone(601_000)).contains("longer than 10 minutes"));
    for (arguments, told) in [
        (
            &["prompt", "set", "acme", "menu/dmeo", "--file", &file][..],
            "list --all",
        ),
        (
            &[
                "prompt",
                "set",
                "acme",
                "own/x",
                "--file",
                &file,
                "--language",
                "xx",
            ],
            "en, de",
        ),
        (
            &["prompt", "set", "acme", "own/x", "--file", "/nowhere.wav"],
            "cannot read",
        ),
        (
            &["prompt", "set", "acme", "own/x", "--text", "Hello."],
            "[speech]",
        ),
    ] {
        let message = site.refusal(arguments);
        assert!(message.contains(told), "{arguments:?}: {message}");
    }
    assert_eq!(site.json(&["prompt", "list", "acme"]), json!([]));
}

#[test]
fn texts_are_spoken_by_a_command_or_a_server() {
    let (site, file) = site();
    let engine = format!("[speech]\ncommand = [\"cat\", {file:?}]\n");
    let config = site.file("speech.toml", &engine);
    let text = "Say $(touch /tmp/never); `id` \"now\"";
    let set = [
        "prompt", "set", "acme", "own/hi", "--text", text, "--config", &config,
    ];
    let spoken = site.json(&set);
    assert_eq!(
        (&spoken["text"], &spoken["source"]),
        (&json!(text), &json!("cat"))
    );
    assert_eq!(spoken["ms"], 1_500);
    let config = site.file("speech.toml", "[speech]\ncommand = [\"echo\", \"no sound\"]\n");
    let set = [
        "prompt", "set", "acme", "own/hi", "--text", "Hi.", "--config", &config,
    ];
    assert!(site.refusal(&set).contains("what echo said is no use"));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/audio/speech", listener.local_addr().unwrap());
    let config = site.file(
        "speech.toml",
        &format!("[speech]\nurl = {url:?}\nvoice = \"heart\"\n"),
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut octet = [0; 1];
        while !request.ends_with(b"\"heart\"}") && stream.read(&mut octet).unwrap() > 0 {
            request.extend(octet);
        }
        let sound = tone(700);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sound.len());
        stream.write_all(&[head.into_bytes(), sound].concat()).unwrap();
        String::from_utf8(request).unwrap()
    });
    let set = [
        "prompt", "set", "acme", "own/hi", "--text", "Hi.", "--config", &config,
    ];
    let spoken = site.json(&set);
    assert_eq!((&spoken["ms"], &spoken["source"]), (&json!(700), &json!(url)));
    assert!(server.join().unwrap().contains("\"input\":\"Hi.\""));
}

#[test]
fn music_has_pieces_and_is_chosen() {
    let (site, file) = site();
    let unknown = site.refusal(&["tenant", "set", "acme", "hold_music=lobby"]);
    assert!(unknown.contains("off, phone, default"), "{unknown}");
    let added = site.json(&["music", "add", "acme", "lobby", &file, &file]);
    assert_eq!(
        (added["pieces"].as_array().unwrap().len(), &added["on_hold"]),
        (2, &json!(false))
    );
    site.json(&["tenant", "set", "acme", "hold_music=lobby"]);
    let list = site.json(&["music", "list", "acme"]);
    assert_eq!(
        (&list[0]["name"], &list[1]["name"], &list[1]["on_hold"]),
        (&json!("default"), &json!("lobby"), &json!(true))
    );
    fs::write(site.path("bad.wav"), b"RIFF").unwrap();
    let bad = site.path("bad.wav").display().to_string();
    site.refusal(&["music", "add", "acme", "lobby", &file, &bad]);
    assert!(
        site.refusal(&["music", "add", "acme", "off", &file])
            .contains("another name")
    );
    assert_eq!(
        site.json(&["music", "list", "acme"])[1]["pieces"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let rest = site.json(&["music", "remove", "acme", "lobby", "1"]);
    assert_eq!(rest["pieces"].as_array().unwrap().len(), 1);
    assert!(
        site.refusal(&["music", "remove", "acme", "lobby", "2"])
            .contains("music list")
    );
    assert!(
        site.text(&["music", "remove", "acme", "lobby"])
            .contains("hold_music")
    );
    assert_eq!(site.json(&["music", "list", "acme"]).as_array().unwrap().len(), 1);
}

#[test]
fn announcements_name_prompts_that_there_are() {
    let (site, file) = site();
    for key in ["hold_announcement", "record_announcement"] {
        for (name, why) in [
            ("call/recorderd", "prompt list --all"),
            ("own/said", "prompt set"),
            ("music/default", "is music"),
        ] {
            let refusal = site.refusal(&["tenant", "set", "acme", &format!("{key}={name}")]);
            assert!(refusal.contains(why), "{refusal}");
        }
        site.json(&["tenant", "set", "acme", &format!("{key}=call/recorded")]);
        site.json(&["tenant", "set", "acme", &format!("{key}=")]);
    }
    site.json(&["prompt", "set", "acme", "own/said", "--file", &file]);
    site.json(&["tenant", "set", "acme", "record_announcement=own/said"]);
    let other = [
        "prompt",
        "set",
        "acme",
        "own/said",
        "--language",
        "fr",
        "--file",
        &file,
    ];
    site.json(&other);
    // One language of two changes nothing; who takes the last away is told what lacks it.
    let reset = site.json(&["prompt", "reset", "acme", "own/said", "--language", "fr"]);
    assert_eq!(reset["policy"], json!([]));
    site.json(&["prompt", "set", "acme", "own/said", "--file", &file]);
    site.json(&["tenant", "set", "acme", "hold_announcement=own/said"]);
    let told = site.text(&["prompt", "reset", "acme", "own/said"]);
    assert!(told.contains("hold_announcement, record_announcement"), "{told}");
}

/// An operator prepares a company before it is let in.
#[test]
fn flows_of_a_disabled_company_can_be_set_and_seen() {
    let (site, file) = site();
    site.json(&["tenant", "set", "acme", "--disable"]);
    site.json(&["prompt", "set", "acme", "own/welcome", "--file", &file]);
    let flow = r#"{"steps": {"start": {"do": "page", "extensions": ["100"]}}}"#;
    let page = site.file("page.json", flow);
    let flow = r#"{"steps": {"start": {"do": "play", "say": [{"prompt": "own/welcome"}]}}}"#;
    let play = site.file("play.json", flow);
    for (number, file) in [("300", &page), ("301", &play)] {
        site.json(&["flow", "set", "acme", number, file]);
    }
    let list = site.json(&["flow", "list", "acme"]);
    assert_eq!(
        (&list[0]["state"], &list[1]["state"]),
        (&json!("good"), &json!("good"))
    );
    assert!(
        !site
            .json(&["flow", "explain", "acme", "301"])
            .as_array()
            .unwrap()
            .is_empty()
    );
    // It is still nobody's.
    assert_eq!(site.json(&["tenant", "show", "acme"])["enabled"], false);
}
