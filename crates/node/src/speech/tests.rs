//! Engines that are made up: a server on this machine, and commands.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

/// A server for one request: gives the request when it was answered.
fn server(answer: impl Into<Vec<u8>>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/audio/speech", listener.local_addr().unwrap());
    let answer = answer.into();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut octet = [0; 1];
        while !request.ends_with(b"\"}") && stream.read(&mut octet).unwrap() > 0 {
            request.extend(octet);
        }
        stream.write_all(&answer).unwrap();
        String::from_utf8(request).unwrap()
    };
    (url, std::thread::spawn(serve))
}

fn http(url: String, key_file: Option<PathBuf>) -> Speech {
    Speech {
        engine: Engine::Http {
            url,
            model: Some("kokoro".to_owned()),
            key_file,
        },
        voice: Some("af_heart".to_owned()),
        voices: vec![("fr".to_owned(), "ff_siwis".to_owned())],
        timeout: Duration::from_secs(5),
    }
}

fn command(argv: &[&str]) -> Speech {
    Speech {
        engine: Engine::Command(argv.iter().map(|part| (*part).to_owned()).collect()),
        voice: Some("rms".to_owned()),
        voices: Vec::new(),
        timeout: Duration::from_secs(5),
    }
}

fn refusal(speech: &Speech) -> String {
    format!("{:#}", speech.speak("Hello.", "en").unwrap_err())
}

#[test]
fn a_server_gets_the_text_and_gives_the_sound() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "s3cret\nnote").unwrap();
    let (url, request) = server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nRIFF, and more");
    let speech = http(url.clone(), Some(key.path().to_owned()));
    assert_eq!(speech.speak("Say \"hi\"; `rm`\n$(x)", "fr").unwrap(), b"RIFF");
    assert_eq!(speech.name(), url);
    let request = request.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/audio/speech HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nAuthorization: Bearer s3cret\r\n"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["input"], "Say \"hi\"; `rm`\n$(x)");
    assert_eq!(
        (&body["voice"], &body["model"], &body["response_format"]),
        (&"ff_siwis".into(), &"kokoro".into(), &"wav".into())
    );
    let (url, _) =
        server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nRIF\r\n1;x\r\nF\r\n0\r\n\r\n");
    assert_eq!(http(url, None).speak("x", "en").unwrap(), b"RIFF");
}

#[test]
fn what_a_server_does_wrong_is_told() {
    for (answer, told) in [
        (
            "HTTP/1.1 401 No\r\nContent-Length: 37\r\n\r\n{\"error\": {\"message\": \"bad\\nkey\"}}    ",
            "answers 401: bad key",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nRIFF",
            "ends too early",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nRIFF",
            "ends too early",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
            "302",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200: nothing"),
        ("SSH-2.0-x\r\n", "no HTTP"),
        ("", "no HTTP"),
    ] {
        let (url, _) = server(answer);
        let message = refusal(&http(url, None));
        assert!(message.contains(told), "{answer:?}: {message}");
    }
    assert!(refusal(&http("ftp://a".to_owned(), None)).contains("[speech] url"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = Speech {
        timeout: Duration::from_millis(50),
        ..http(format!("http://{}/", silent.local_addr().unwrap()), None)
    };
    assert!(refusal(&slow).contains("timeout_s"));
}

#[test]
fn a_command_gets_the_text_as_its_input_and_no_shell_sees_it() {
    let text = "$(touch /tmp/never) `id`; \"quoted\" 'too' \\ & | > <";
    let echoed = command(&["cat"]).speak(text, "en").unwrap();
    assert_eq!(String::from_utf8(echoed).unwrap(), format!("{text}\n"));
    let words = command(&["echo", "-n", "{language}:{voice}:$HOME"]);
    assert_eq!(words.speak("x", "de").unwrap(), b"de:rms:$HOME");
}

#[test]
fn what_a_command_does_wrong_is_told() {
    assert!(refusal(&command(&["/nowhere/flite"])).contains("/nowhere/flite"));
    let failed = refusal(&command(&["sh", "-c", "echo no voice >&2; exit 3"]));
    assert!(failed.contains("no voice") && failed.contains('3'), "{failed}");
    assert!(refusal(&command(&["true"])).contains("no sound"));
    let slow = Speech {
        timeout: Duration::from_millis(100),
        ..command(&["sleep", "60"])
    };
    assert!(refusal(&slow).contains("timeout_s"));
}

#[test]
fn texts_have_limits() {
    let cat = command(&["cat"]);
    for text in ["", "  ", "bell \u{7}", &"x".repeat(LONGEST_TEXT + 1)] {
        assert!(cat.speak(text, "en").is_err(), "{text:?}");
    }
    assert!(cat.speak(&"ä".repeat(LONGEST_TEXT), "en").is_ok());
}

/// A socket's own limits are for one call to the system, of which TLS makes as many as it needs.
#[test]
fn a_server_that_trickles_holds_nobody_up() {
    for scheme in ["http", "https"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://localhost:{}/", listener.local_addr().unwrap().port());
        let began = std::time::Instant::now();
        let trickle = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // The head of a handshake record of 16 kB, or of an answer, and then hardly anything of it.
            let head: &[u8] = match scheme {
                "https" => &[22, 3, 3, 0x40, 0],
                _ => b"HTTP/1.1 200 OK\r\nX: ",
            };
            stream.write_all(head).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
            while began.elapsed() < Duration::from_secs(8) {
                match stream.read(&mut [0; 1_024]) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(_) if stream.write_all(&[2]).is_ok() => {}
                    Err(_) => break,
                }
            }
        });
        let speech = Speech {
            timeout: Duration::from_millis(500),
            ..http(url, None)
        };
        let message = refusal(&speech);
        assert!(message.contains("timeout_s"), "{scheme}: {message}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(4), "{scheme}: {took:?}");
        trickle.join().unwrap();
    }
}

#[test]
fn a_head_without_an_end_is_not_read_for_ever() {
    let (url, _) = server([b"HTTP/1.1 200 OK\r\n".as_slice(), &b"X: y\r\n".repeat(20_000)].concat());
    assert!(refusal(&http(url, None)).contains("no HTTP"));
}
