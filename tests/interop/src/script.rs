//! SIPp scenarios put together from steps: what one phone says and hears in one call, with what it expects to hear.
//!
//! Owns: the XML around the steps, CSeq numbers, dialog identifiers, descriptions. Does not own: digest towards requests
//! inside a dialog, as SIPp knows one digest URI per run.

use std::fmt::Write as _;

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

    /// The rest of a message.
    fn end(&self) -> String {
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

/// A scenario under construction.
#[derive(Clone, Debug)]
pub struct Script {
    steps: String,
    variables: Vec<String>,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    /// The To of answers to INVITE has our tag from the start.
    tagged: bool,
}

impl Script {
    /// A phone that calls, subscribes or writes to `{{callee}}@{{to_domain}}` ([`crate::Sipp::with`]); the run's row is
    /// user, domain, credentials.
    #[must_use]
    pub fn asking() -> Script {
        Script {
            steps: String::new(),
            variables: Vec::new(),
            local: "<sip:[field0]@[field1]>;tag=[pid]c[call_number]".to_owned(),
            remote: "<sip:{{callee}}@{{to_domain}}>[peer_tag_param]".to_owned(),
            target: "[next_url]".to_owned(),
            cseq: 0,
            tagged: true,
        }
    }

    /// A phone that waits to be called.
    #[must_use]
    pub fn asked() -> Script {
        Script {
            local: "[$to];tag=[pid]u[call_number]".to_owned(),
            remote: "[$from]".to_owned(),
            target: "[$target]".to_owned(),
            tagged: false,
            ..Script::asking()
        }
    }

    /// The whole scenario.
    #[must_use]
    pub fn xml(&self) -> String {
        let reference = if self.variables.is_empty() {
            String::new()
        } else {
            format!("  <Reference variables=\"{}\"/>\n", self.variables.join(","))
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n\
             <scenario name=\"script\">\n{}{reference}</scenario>\n",
            self.steps
        )
    }

    /// Asks for the first time: the request, its challenge, the request with credentials.
    #[must_use]
    pub fn ask(mut self, method: &str, words: &Words) -> Script {
        self.out_of_dialog(method, "", words);
        self.steps
            .push_str("  <recv response=\"100\" optional=\"true\"/>\n");
        self.steps
            .push_str("  <recv response=\"{{challenge}}\" auth=\"true\"/>\n");
        if method == "INVITE" {
            self = self.acknowledge_refusal();
        }
        self.out_of_dialog(method, "[field2]\n", words);
        self
    }

    /// The same request once more with other words, its credentials for the challenge of before.
    #[must_use]
    pub fn ask_again(mut self, method: &str, words: &Words) -> Script {
        self.out_of_dialog(method, "[field2]\n", words);
        self
    }

    fn out_of_dialog(&mut self, method: &str, credentials: &str, words: &Words) {
        self.cseq += 1;
        let head = format!(
            "From: \"Phone [field0]\" {}\nTo: <sip:{{{{callee}}}}@{{{{to_domain}}}}>\nCall-ID: [call_id]\nCSeq: {} {method}\n\
             {credentials}",
            self.local, self.cseq
        );
        self.send(method, "sip:{{callee}}@{{to_domain}}", &head, words);
    }

    /// ACK of a final response that refused the INVITE.
    #[must_use]
    pub fn acknowledge_refusal(mut self) -> Script {
        let _infallible = write!(
            self.steps,
            "  <send><![CDATA[\nACK sip:{{{{callee}}}}@{{{{to_domain}}}} SIP/2.0\n[last_Via:]\nMax-Forwards: 70\n\
             From: \"Phone [field0]\" {}\n[last_To:]\nCall-ID: [call_id]\nCSeq: {} ACK\nContent-Length: 0\n\n]]></send>\n",
            self.local, self.cseq
        );
        self
    }

    /// A request inside the dialog.
    #[must_use]
    pub fn request(mut self, method: &str, words: &Words) -> Script {
        self.cseq += 1;
        self.within(method, self.cseq, words);
        self
    }

    /// ACK of the 2xx to the INVITE with this CSeq.
    #[must_use]
    pub fn acknowledge(mut self, cseq: u32, words: &Words) -> Script {
        self.within("ACK", cseq, words);
        self
    }

    fn within(&mut self, method: &str, cseq: u32, words: &Words) {
        let head = format!(
            "From: {}\nTo: {}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n",
            self.local, self.remote
        );
        let target = self.target.clone();
        self.send(method, &target, &head, words);
    }

    /// Acknowledges the reliable response heard last; to be said before any other request, as it names the INVITE's CSeq.
    #[must_use]
    pub fn prack(self, words: &Words) -> Script {
        let invite = self.cseq;
        let rack = format!("RAck: [$rseq] {invite} INVITE\n{}", words.headers);
        let words = Words {
            headers: rack,
            body: words.body.clone(),
        };
        self.request("PRACK", &words)
    }

    fn send(&mut self, method: &str, uri: &str, head: &str, words: &Words) {
        let retrans = if method == "ACK" { "" } else { " retrans=\"500\"" };
        let _infallible = write!(
            self.steps,
            "  <send{retrans}><![CDATA[\n{method} {uri} SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\nMax-Forwards: 70\n{head}\
             Contact: <sip:phone@[local_ip]:[local_port]>\n{}]]></send>\n",
            words.end()
        );
    }

    /// Hears a final or provisional response that matches every pattern (POSIX, on the whole message).
    #[must_use]
    pub fn hears(mut self, code: u16, patterns: &[&str]) -> Script {
        self.steps
            .push_str("  <recv response=\"100\" optional=\"true\"/>\n");
        let checks = self.checks(patterns);
        let _infallible = write!(
            self.steps,
            "  <recv response=\"{code}\" rrs=\"true\"><action>\n{checks}  </action></recv>\n"
        );
        self
    }

    /// Hears a reliable provisional response, which [`Script::prack`] is to acknowledge.
    #[must_use]
    pub fn hears_reliable(self, code: u16, patterns: &[&str]) -> Script {
        let mut script = self.hears(code, patterns);
        let rseq = script.variable("rseq");
        script.insert_action(&format!(
            "    <ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"RSeq:\" check_it=\"true\" assign_to=\"{rseq}\"/>\n"
        ));
        script
    }

    /// Hears a request that matches every pattern.
    #[must_use]
    pub fn asked_for(mut self, method: &str, patterns: &[&str]) -> Script {
        let checks = self.checks(patterns);
        let _infallible = write!(
            self.steps,
            "  <recv request=\"{method}\"><action>\n{checks}  </action></recv>\n"
        );
        self
    }

    /// Hears an INVITE that matches every pattern, and remembers where it came from.
    #[must_use]
    pub fn invited(self, patterns: &[&str]) -> Script {
        let mut script = self.asked_for("INVITE", patterns);
        let mut keep = String::new();
        let tagged = script.tagged;
        for (name, header) in [
            ("via", "Via:"),
            ("cseq", "CSeq:"),
            ("from", "From:"),
            ("to", "To:"),
        ] {
            // The dialog keeps the From and To of its first INVITE.
            let name = if tagged && (name == "from" || name == "to") {
                format!("re{name}")
            } else {
                name.to_owned()
            };
            let name = script.variable(&name);
            let _infallible = writeln!(
                keep,
                "    <ereg regexp=\"[^ ].*\" search_in=\"hdr\" header=\"{header}\" check_it=\"true\" assign_to=\"{name}\"/>"
            );
        }
        if !tagged {
            let (whole, target) = (script.variable("contact"), script.variable("target"));
            let _infallible = writeln!(
                keep,
                "    <ereg regexp=\"(sip:[^>]*)\" search_in=\"hdr\" header=\"Contact:\" check_it=\"true\" assign_to=\"{whole},{target}\"/>"
            );
        }
        script.insert_action(&keep);
        script
    }

    /// Answers the INVITE heard last.
    #[must_use]
    pub fn answer_invite(mut self, status: &str, words: &Words) -> Script {
        let (from, to) = if self.tagged {
            ("[$refrom]", "[$reto]")
        } else {
            ("[$from]", "[$to];tag=[pid]u[call_number]")
        };
        let _infallible = write!(
            self.steps,
            "  <send{}><![CDATA[\nSIP/2.0 {status}\nVia: [$via]\nFrom: {from}\nTo: {to}\n[last_Call-ID:]\nCSeq: [$cseq]\n\
             Contact: <sip:callee@[local_ip]:[local_port]>\n{}]]></send>\n",
            if status.starts_with('1') {
                ""
            } else {
                " retrans=\"500\""
            },
            words.end()
        );
        if !status.starts_with('1') {
            self.tagged = true;
        }
        self
    }

    /// Answers the request heard last.
    #[must_use]
    pub fn answer(mut self, status: &str, words: &Words) -> Script {
        let _infallible = write!(
            self.steps,
            "  <send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:phone@[local_ip]:[local_port]>\n{}]]></send>\n",
            words.end()
        );
        self
    }

    /// Stays a while, so that what is sent again gets its answer again.
    #[must_use]
    pub fn stays(mut self) -> Script {
        self.steps.push_str("  <timewait milliseconds=\"500\"/>\n");
        self
    }

    fn checks(&mut self, patterns: &[&str]) -> String {
        let mut checks = String::new();
        for pattern in patterns {
            let name = self.variable(&format!("check{}", self.variables.len()));
            let _infallible = writeln!(
                checks,
                "    <ereg regexp=\"{pattern}\" search_in=\"msg\" check_it=\"true\" assign_to=\"{name}\"/>"
            );
        }
        checks
    }

    /// Names a variable once.
    fn variable(&mut self, name: &str) -> String {
        if !self.variables.iter().any(|known| known == name) {
            self.variables.push(name.to_owned());
        }
        name.to_owned()
    }

    /// Adds to the actions of the last message heard.
    fn insert_action(&mut self, action: &str) {
        if let Some(at) = self.steps.rfind("  </action>") {
            self.steps.insert_str(at, action);
        }
    }
}
