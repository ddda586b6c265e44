//! What a SIPp message says beyond the headers that every message has.

/// A description of audio at SIPp's media port, in the direction given.
#[must_use]
pub fn sdp(direction: &str, version: u32) -> String {
    format!(
        "v=0\no=sipp 1 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8 0 101\n\
         a=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na={direction}\n"
    )
}

/// What stands after the headers that every message has: further headers, and a body with its type.
#[derive(Clone, Debug, Default)]
pub struct Words {
    headers: String,
    body: Option<(&'static str, String)>,
}

impl Words {
    /// Nothing more.
    #[must_use]
    pub fn none() -> Words {
        Words::default()
    }

    /// An offer or answer.
    #[must_use]
    pub fn sdp(direction: &str, version: u32) -> Words {
        Words::none().body("application/sdp", &sdp(direction, version))
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, line: &str) -> Words {
        self.headers.push_str(line);
        self.headers.push('\n');
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, kind: &'static str, text: &str) -> Words {
        self.body = Some((kind, text.to_owned()));
        self
    }

    /// The same after another header.
    pub(super) fn after(&self, line: &str) -> Words {
        Words {
            headers: format!("{line}\n{}", self.headers),
            body: self.body.clone(),
        }
    }

    /// The rest of a message.
    pub(super) fn end(&self) -> String {
        match &self.body {
            Some((kind, text)) => {
                format!(
                    "{}Content-Type: {kind}\nContent-Length: [len]\n\n{text}\n",
                    self.headers
                )
            }
            None => format!("{}Content-Length: 0\n\n", self.headers),
        }
    }
}
