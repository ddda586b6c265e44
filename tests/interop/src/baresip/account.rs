//! Who a baresip phone is, and the files that tell it so.

use crate::server::{Server, password};
use crate::stage::Stage;
use crate::tone::{self, Form};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Seconds of tone that a phone has to send: longer than any test talks.
const TONE_S: u32 = 60;
/// RTP and RTCP ports of one phone.
const MEDIA_PORTS: u16 = 12;

/// The codecs of a phone that is told no others.
pub const G711: &str = "PCMU/8000/1,PCMA/8000/1";

/// Who a phone is.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub(super) user: &'a str,
    pub(super) domain: &'a str,
    pub(super) hz: u32,
    pub(super) transport: &'a str,
    modules: &'a [&'a str],
    watched: &'a [&'a str],
    publishes: bool,
    answers: bool,
    encryption: Option<&'a str>,
    shows: bool,
    codecs: &'a str,
}

impl<'a> Account<'a> {
    /// The phone of an extension, on UDP, that answers at once and sends a tone of `hz`.
    #[must_use]
    pub fn new(user: &'a str, domain: &'a str, hz: u32) -> Account<'a> {
        Account {
            user,
            domain,
            hz,
            transport: "udp",
            modules: &[],
            watched: &[],
            publishes: false,
            answers: true,
            encryption: None,
            shows: false,
            codecs: G711,
        }
    }

    /// Knows these codecs alone, as baresip writes them: `PCMA/8000/1`, `G722/16000/1`, `opus/48000/1`. All of one rate: its
    /// tone is in a file.
    #[must_use]
    pub fn speaking(mut self, codecs: &'a str) -> Account<'a> {
        self.codecs = codecs;
        self
    }

    /// How its sound comes and goes: as its first codec has it.
    #[must_use]
    pub fn form(&self) -> Form {
        let first = self.codecs.split(',').next().unwrap_or_default();
        let mut parts = first.split('/').skip(1);
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        Form {
            rate: number().unwrap_or(Form::TELEPHONE.rate),
            channels: number().and_then(|count| u16::try_from(count).ok()).unwrap_or(1),
        }
    }

    /// On `udp`, `tcp` or `tls`.
    #[must_use]
    pub fn over(mut self, transport: &'a str) -> Account<'a> {
        self.transport = transport;
        self
    }

    /// With more of baresip's modules, such as `mwi`.
    #[must_use]
    pub fn with(mut self, modules: &'a [&'a str]) -> Account<'a> {
        self.modules = modules;
        self
    }

    /// Its contacts are these extensions, whose presence it watches; it takes the modules `contact` and `presence`.
    #[must_use]
    pub fn watching(mut self, extensions: &'a [&'a str]) -> Account<'a> {
        self.watched = extensions;
        self
    }

    /// It rings until it is told to answer.
    #[must_use]
    pub fn ringing(mut self) -> Account<'a> {
        self.answers = false;
        self
    }

    /// It publishes its own presence; it takes the module `presence`.
    #[must_use]
    pub fn publishing(mut self) -> Account<'a> {
        self.publishes = true;
        self
    }

    /// Protects its audio: `srtp` where the other side does as well, `srtp-mand` always.
    #[must_use]
    pub fn protecting(mut self, encryption: &'a str) -> Account<'a> {
        self.encryption = Some(encryption);
        self
    }

    /// Shows pictures of its own making, in VP8, and takes others'.
    #[must_use]
    pub fn showing(mut self) -> Account<'a> {
        self.shows = true;
        self
    }

    /// `udp`, `tcp` or `tls`.
    #[must_use]
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// False for a phone that rings until it is told to answer.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.answers
    }

    /// The module `mwi` looks a millisecond after its start for who is registered, and then never returns if that is
    /// anybody: for every subscription that it makes it finds one more account that has one.
    pub(super) fn registers_late(&self) -> bool {
        self.modules.contains(&"mwi")
    }
}

/// Writes what a phone reads at its start.
pub(super) fn configure(
    stage: &Stage,
    server: &Server,
    dir: &Path,
    account: Account<'_>,
    control: u16,
) -> Result<()> {
    let form = account.form();
    let tone = stage.path(&format!("tone-{}-{}.wav", account.hz, form.rate));
    tone::write(&tone, account.hz, form, TONE_S)?;
    let media = stage.ports.run(MEDIA_PORTS)?;
    // One port for datagrams and connections, as a phone has it; port 0 would be two.
    let sip = stage.ports.one()?;
    let mut config = format!(
        "poll_method epoll\nsip_listen 127.0.0.1:{sip}\nsip_verify_server no\nnet_interface 127.0.0.1\n\
         call_local_timeout 120\naudio_source aufile,{}\naudio_player aubridge,nobody\naudio_alert aubridge,nobody\n\
         ringback_disabled yes\nrtp_ports {media}-{}\nmodule_path {}\nmodule g711.so\nmodule aufile.so\n\
         module aubridge.so\nmodule sndfile.so\nsnd_path {}\nmodule_tmp account.so\nmodule_app menu.so\n\
         module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control}\n",
        tone.display(),
        media + MEDIA_PORTS,
        modules()?.display(),
        dir.join("sounds").display(),
    );
    let mut more = account.modules.to_vec();
    if !account.watched.is_empty() {
        more.push("contact");
    }
    if account.publishes || !account.watched.is_empty() {
        more.push("presence");
    }
    if account.encryption.is_some() {
        writeln!(config, "module srtp.so")?;
    }
    if account.shows {
        write!(
            config,
            "module fakevideo.so\nmodule vp8.so\nvideo_source fakevideo,nil\nvideo_display fakevideo,nil\n\
             video_size 176x144\nvideo_fps 10\nvideo_bitrate 100000\n"
        )?;
    }
    // Of Opus it has two channels unless told otherwise.
    for (name, lines) in [
        ("G722", "module g722.so"),
        ("opus", "module opus.so\nopus_stereo no\nopus_sprop_stereo no"),
    ] {
        if account.codecs.contains(name) {
            writeln!(config, "{lines}")?;
        }
    }
    for module in more {
        writeln!(config, "module_app {module}.so")?;
    }
    let mut contacts = String::new();
    for extension in account.watched {
        writeln!(
            contacts,
            "\"Colleague\" <sip:{extension}@{}>;presence=p2p",
            account.domain
        )?;
    }
    fs::write(dir.join("config"), config).context("cannot write baresip's configuration")?;
    fs::write(dir.join("contacts"), contacts).context("cannot write baresip's contacts")?;
    let accounts = match account.registers_late() {
        true => String::new(),
        false => line(server, account) + "\n",
    };
    fs::write(dir.join("accounts"), accounts).context("cannot write baresip's account")
}

/// The account as baresip has it.
pub(super) fn line(server: &Server, account: Account<'_>) -> String {
    let Account {
        user,
        domain,
        transport,
        codecs,
        ..
    } = account;
    let target = if transport == "tls" {
        server.tls
    } else {
        server.sip
    };
    let secret = password(domain, user);
    let publishing = if account.publishes { ";pubint=600" } else { "" };
    let answers = if account.answers { "auto" } else { "manual" };
    let pictures = if account.shows { ";video_codecs=VP8" } else { "" };
    let encryption = account
        .encryption
        .map_or(String::new(), |kind| format!(";mediaenc={kind}"));
    format!(
        "<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={secret};\
         outbound=\"sip:{target};transport={transport}\";regint=600;answermode={answers};\
         audio_codecs={codecs};ptime=20{publishing}{encryption}{pictures}"
    )
}

/// Where Debian (or a local build) keeps baresip's modules.
fn modules() -> Result<PathBuf> {
    let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = places.iter().map(PathBuf::from).find(|place| place.is_dir());
    found.with_context(|| format!("baresip's modules are in none of {places:?}"))
}
