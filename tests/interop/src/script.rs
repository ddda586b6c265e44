//! SIPp scenarios put together from steps: what one phone says and hears in one call, with what it expects to hear.
//!
//! Owns: the XML around the steps, CSeq numbers, dialog identifiers, descriptions. Does not own: digest towards requests
//! inside a dialog, as SIPp knows one digest URI per run.

mod words;

use std::fmt::Write as _;
pub use words::{Words, sdp};

/// One dialog of the phone.
#[derive(Clone, Debug)]
struct Dialog {
    call_id: &'static str,
    local: &'static str,
    remote: String,
    target: String,
    cseq: u32,
    /// The To of answers to INVITE has our tag from the start.
    tagged: bool,
}

/// A scenario under construction.
#[derive(Clone, Debug)]
pub struct Script {
    steps: String,
    variables: Vec<String>,
    now: Dialog,
    other: Dialog,
}

/// Our tag in the second dialog.
const SECOND_TAG: &str = "[pid]s[call_number]";
/// Its Call-ID: SIPp finds the call by what comes after the slashes.
const SECOND_ID: &str = "second///[call_id]";

impl Script {
    /// A phone that calls, subscribes or writes to `{{callee}}@{{to_domain}}` ([`crate::Sipp::with`]); the run's row is
    /// user, domain, credentials.
    #[must_use]
    pub fn asking() -> Script {
        Script {
            steps: String::new(),
            variables: Vec::new(),
            now: Dialog {
                call_id: "[call_id]",
                local: "<sip:[field0]@[field1]>;tag=[pid]c[call_number]",
                remote: "<sip:{{callee}}@{{to_domain}}>[peer_tag_param]".to_owned(),
                target: "[next_url]".to_owned(),
                cseq: 0,
                tagged: true,
            },
            other: Dialog {
                call_id: SECOND_ID,
                local: "<sip:[field0]@[field1]>;tag=[pid]s[call_number]",
                remote: "[$peer]".to_owned(),
                target: "[$peertarget]".to_owned(),
                cseq: 0,
                tagged: true,
            },
        }
    }

    /// A phone that waits to be called. If it asks in its second dialog, it needs a row as well.
    #[must_use]
    pub fn asked() -> Script {
        let mut script = Script::asking();
        script.now.local = "[$to];tag=[pid]u[call_number]";
        script.now.remote = "[$from]".to_owned();
        script.now.target = "[$target]".to_owned();
        script.now.tagged = false;
        script
    }

    /// A phone that goes on in the dialog of an earlier run, where `cseq` requests were sent, to be run by
    /// [`crate::Sipp::going_on`].
    #[must_use]
    pub fn going_on(cseq: u32) -> Script {
        let mut script = Script::asking();
        script.now.local = "<sip:[field0]@[field1]>;tag={{tag}}";
        script.now.remote = "<sip:{{callee}}@{{to_domain}}>{{peer_tag}}".to_owned();
        script.now.target = "{{contact}}".to_owned();
        script.now.cseq = cseq;
        script
    }

    /// Tells what [`crate::Sipp::going_on`] has to know of the dialog that this phone began.
    #[must_use]
    pub fn tells_dialog(self) -> Script {
        self.tells("dialog [pid]c[call_number] [peer_tag_param] [next_url] [call_id]")
    }

    /// Tells the value of a Replaces that names the dialog in which this phone was called.
    #[must_use]
    pub fn tells_name(mut self) -> Script {
        let (whole, tag) = (self.variable("fromtag"), self.variable("fromtagvalue"));
        let _infallible = writeln!(
            self.steps,
            "  <nop><action>\n    <ereg regexp=\"tag=([^;]*)\" search_in=\"var\" variable=\"from\" check_it=\"true\" assign_to=\"{whole},{tag}\"/>\n  </action></nop>"
        );
        self.tells("name [call_id];to-tag=[pid]u[call_number];from-tag=[$fromtagvalue]")
    }

    /// Writes a line that [`crate::sipp::Run::lines`] shows.
    #[must_use]
    pub fn tells(mut self, line: &str) -> Script {
        let _infallible = writeln!(
            self.steps,
            "  <nop><action><log message=\"{line}\"/></action></nop>"
        );
        self
    }

    /// Does nothing for a while.
    #[must_use]
    pub fn pauses(mut self, ms: u32) -> Script {
        let _infallible = writeln!(self.steps, "  <pause milliseconds=\"{ms}\"/>");
        self
    }

    /// Sends the octets of a file once, 160 in a packet of this payload type, from the port that `[rtpstream_audio_port]` names.
    #[must_use]
    pub fn plays(mut self, file: &str, payload_type: u8) -> Script {
        let _infallible = writeln!(
            self.steps,
            "  <nop><action><exec rtp_stream=\"{file},1,{payload_type}\"/></action></nop>"
        );
        self
    }

    /// Goes on in the other of its two dialogs. The second one is always asked for by this phone, and its 2xx is heard by
    /// [`Script::hears_peer`].
    #[must_use]
    pub fn other_dialog(mut self) -> Script {
        std::mem::swap(&mut self.now, &mut self.other);
        self
    }

    /// Refer-To with a Replaces that names the second dialog (RFC 5589 §7.3).
    #[must_use]
    pub fn refer_to_second() -> String {
        format!(
            "Refer-To: <sip:{{{{callee}}}}@{{{{to_domain}}}}?Replaces={SECOND_ID}%3Bto-tag%3D[$peertag]%3Bfrom-tag%3D{SECOND_TAG}>"
        )
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
        self.now.cseq += 1;
        let head = format!(
            "From: \"Phone [field0]\" {}\nTo: <sip:{{{{callee}}}}@{{{{to_domain}}}}>\nCall-ID: {}\nCSeq: {} {method}\n\
             {credentials}",
            self.now.local, self.now.call_id, self.now.cseq
        );
        self.send(method, "sip:{{callee}}@{{to_domain}}", &head, words);
    }

    /// ACK of a final response that refused the INVITE.
    #[must_use]
    pub fn acknowledge_refusal(mut self) -> Script {
        let _infallible = write!(
            self.steps,
            "  <send><![CDATA[\nACK sip:{{{{callee}}}}@{{{{to_domain}}}} SIP/2.0\n[last_Via:]\nMax-Forwards: 70\n\
             From: \"Phone [field0]\" {}\n[last_To:]\nCall-ID: {}\nCSeq: {} ACK\nContent-Length: 0\n\n]]></send>\n",
            self.now.local, self.now.call_id, self.now.cseq
        );
        self
    }

    /// A request inside the dialog.
    #[must_use]
    pub fn request(mut self, method: &str, words: &Words) -> Script {
        self.now.cseq += 1;
        self.within(method, self.now.cseq, words);
        self
    }

    /// The same, asked for credentials once. The run's digest URI is for this request then.
    #[must_use]
    pub fn request_challenged(self, method: &str, words: &Words) -> Script {
        let mut script = self.request(method, words);
        script
            .steps
            .push_str("  <recv response=\"{{challenge}}\" auth=\"true\"/>\n");
        script.request(method, &words.after("[field2]"))
    }

    /// ACK of the 2xx to the INVITE with this CSeq.
    #[must_use]
    pub fn acknowledge(mut self, cseq: u32, words: &Words) -> Script {
        self.within("ACK", cseq, words);
        self
    }

    fn within(&mut self, method: &str, cseq: u32, words: &Words) {
        let head = format!(
            "From: {}\nTo: {}\nCall-ID: {}\nCSeq: {cseq} {method}\n",
            self.now.local, self.now.remote, self.now.call_id
        );
        let target = self.now.target.clone();
        self.send(method, &target, &head, words);
    }

    /// Acknowledges the reliable response heard last; to be said before any other request, as it names the INVITE's CSeq.
    #[must_use]
    pub fn prack(self, words: &Words) -> Script {
        let invite = self.now.cseq;
        self.request("PRACK", &words.after(&format!("RAck: [$rseq] {invite} INVITE")))
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

    /// Hears the 2xx that makes the second dialog, and remembers who sent it.
    #[must_use]
    pub fn hears_peer(self, code: u16, patterns: &[&str]) -> Script {
        self.hears(code, patterns)
            .keeps_header("peer", "To:", "([^ ].*)")
            .keeps_header("peertag", "To:", "tag=([^;]*)")
            .keeps_header("peertarget", "Contact:", "(sip:[^>]*)")
    }

    /// Remembers as `[$name]` what stands in parentheses where a header of the last message heard matches.
    #[must_use]
    pub fn keeps_header(self, name: &str, header: &str, pattern: &str) -> Script {
        self.keeps_in(name, &format!("search_in=\"hdr\" header=\"{header}\""), pattern)
    }

    /// The same of the body.
    #[must_use]
    pub fn keeps(self, name: &str, pattern: &str) -> Script {
        self.keeps_in(name, "search_in=\"body\"", pattern)
    }

    fn keeps_in(mut self, name: &str, place: &str, pattern: &str) -> Script {
        let (whole, part) = (self.variable(&format!("whole{name}")), self.variable(name));
        self.insert_action(&format!(
            "    <ereg regexp=\"{pattern}\" {place} check_it=\"true\" assign_to=\"{whole},{part}\"/>\n"
        ));
        self
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
        let tagged = script.now.tagged;
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
        let (from, to) = if self.now.tagged {
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
            self.now.tagged = true;
        }
        self
    }

    /// Answers the request heard last.
    #[must_use]
    pub fn answer(self, status: &str, words: &Words) -> Script {
        self.answer_as(status, "", words)
    }

    /// Answers the request heard last, which belongs to no dialog, so that its To has no tag yet.
    #[must_use]
    pub fn answer_outside(self, status: &str) -> Script {
        self.answer_as(status, ";tag=[pid]u[call_number]", &Words::none())
    }

    fn answer_as(mut self, status: &str, tag: &str, words: &Words) -> Script {
        let _infallible = write!(
            self.steps,
            "  <send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n\
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
