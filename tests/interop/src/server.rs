//! The real `carillon serve` on loopback, with its tenants, its death by SIGKILL and its return.

use crate::process::{Program, tail, until};
use crate::stage::Stage;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest that a start may take on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Within this time an asynchronous effect (a record drained, a registration shown) has to be visible.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// A company to make before the start.
#[derive(Clone, Debug)]
pub struct Tenant {
    name: String,
    domain: String,
    extensions: Vec<String>,
    policy: Vec<String>,
}

impl Tenant {
    /// A company whose name and domain begin with `name`. Its challenges offer MD5 alone, which is all that
    /// Debian's baresip and SIPp know.
    #[must_use]
    pub fn new(name: &str, extensions: impl IntoIterator<Item = String>) -> Tenant {
        Tenant {
            name: name.to_owned(),
            domain: format!("{name}.test"),
            extensions: extensions.into_iter().collect(),
            // Who is held hears nothing, and keys stay what they are, unless a case is about that.
            policy: ["allow_sha256=false", "hold_music=off", "dtmf=info"]
                .map(str::to_owned)
                .into(),
        }
    }

    /// Sets a policy key, such as `ring_timeout_s=2`.
    #[must_use]
    pub fn policy(mut self, change: &str) -> Tenant {
        self.policy.push(change.to_owned());
        self
    }

    /// Sets several.
    #[must_use]
    pub fn policies(self, changes: &[&str]) -> Tenant {
        changes.iter().fold(self, |tenant, change| tenant.policy(change))
    }

    /// Offers SHA-256 first, then MD5: the default of a new tenant.
    #[must_use]
    pub fn sha256(mut self) -> Tenant {
        self.policy.retain(|change| !change.starts_with("allow_sha256"));
        self
    }
}

/// What a server has that others don't.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    media: String,
    border: String,
    sections: String,
    disk: Option<Disk>,
}

impl Setting {
    /// A line for `[media]` in its configuration.
    #[must_use]
    pub fn media(mut self, line: &str) -> Setting {
        self.media.push_str(line);
        self.media.push('\n');
        self
    }

    /// A line for `[border]`.
    #[must_use]
    pub fn border(mut self, line: &str) -> Setting {
        self.border.push_str(line);
        self.border.push('\n');
        self
    }

    /// A section more in its configuration.
    #[must_use]
    pub fn section(mut self, text: &str) -> Setting {
        self.sections.push_str(text);
        self
    }

    /// Its recordings are on this disk.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Setting {
        self.disk = Some(disk);
        self
    }
}

/// A file system in memory that only one server sees: it is mounted in a namespace of that.
#[derive(Clone, Debug)]
pub struct Disk {
    kib: u32,
    unshare: Vec<&'static str>,
}

impl Disk {
    /// A disk of this size; `None` where the machine does not let us mount one.
    ///
    /// # Errors
    /// No directory to try it on.
    pub fn small(stage: &Stage, kib: u32) -> Result<Option<Disk>> {
        let place = stage.make_dir("mount")?;
        let ways = [vec!["--mount"], vec!["--map-root-user", "--mount"]];
        let allowed = |unshare: &Vec<&'static str>| {
            let mut command = Command::new("unshare");
            command
                .args(unshare)
                .args(["mount", "-t", "tmpfs", "tmpfs"])
                .arg(&place);
            command.output().is_ok_and(|output| output.status.success())
        };
        let found = ways.into_iter().find(allowed);
        Ok(found.map(|unshare| Disk { kib, unshare }))
    }

    /// Runs a command with this disk mounted on a directory.
    fn under(&self, command: &Command, place: &Path) -> Command {
        let mut wrapped = Command::new("unshare");
        wrapped.args(&self.unshare).args(["sh", "-c"]);
        let mount = format!(
            "mount -t tmpfs -o mode=0700,size={}k tmpfs \"$0\" && exec \"$@\"",
            self.kib
        );
        wrapped.arg(mount).arg(place);
        wrapped.arg(command.get_program()).args(command.get_args());
        wrapped.stdin(std::process::Stdio::null());
        wrapped
    }
}

/// The password of an extension in every test.
#[must_use]
pub fn password(domain: &str, extension: &str) -> String {
    format!("interop-{extension}-{domain}")
}

/// Extensions `first..first + count`, as text.
#[must_use]
pub fn extensions(first: u32, count: u32) -> Vec<String> {
    (first..first + count).map(|n| n.to_string()).collect()
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    dir: PathBuf,
    log: PathBuf,
    program: Option<Program>,
    disk: Option<Disk>,
    /// Where it listens for UDP and TCP.
    pub sip: SocketAddr,
    /// Where it listens for TLS.
    pub tls: SocketAddr,
    /// Where it listens for WebSocket over TLS.
    pub wss: SocketAddr,
    /// Where it listens for WebSocket without TLS.
    pub ws: SocketAddr,
}

impl Server {
    /// Makes the tenants, starts the server and waits until it answers.
    ///
    /// # Errors
    /// A command failed or the server didn't answer in time.
    pub fn start(stage: &Stage, tenants: &[Tenant]) -> Result<Server> {
        Server::start_as(stage, tenants, Setting::default())
    }

    /// The same with settings of its own.
    ///
    /// # Errors
    /// See [`Server::start`].
    pub fn start_as(stage: &Stage, tenants: &[Tenant], setting: Setting) -> Result<Server> {
        let port = stage.ports.run(4)?;
        let relay = stage.ports.relay();
        let dir = stage.make_dir("data")?;
        let toml = format!(
            "data_dir = {dir:?}\nlog = \"info\"\ngrace_s = 1\n\n[media]\nfirst_port = {}\nlast_port = {}\n{}\n\
             [listen]\nudp = [\"127.0.0.1:{port}\", \"[::1]:{port}\"]\ntcp = [\"127.0.0.1:{port}\"]\ntls = [\"127.0.0.1:{}\"]\n\
             ws = [\"127.0.0.1:{}\"]\nwss = [\"127.0.0.1:{}\"]\n\n[border]\n{}\n{}",
            relay.start(),
            relay.end(),
            setting.media,
            port + 1,
            port + 3,
            port + 2,
            setting.border,
            setting.sections,
        );
        stage.write("carillon.toml", &toml)?;
        let mut server = Server {
            dir: stage.dir().to_owned(),
            log: stage.path("carillon.log"),
            program: None,
            disk: setting.disk,
            sip: SocketAddr::from(([127, 0, 0, 1], port)),
            tls: SocketAddr::from(([127, 0, 0, 1], port + 1)),
            wss: SocketAddr::from(([127, 0, 0, 1], port + 2)),
            ws: SocketAddr::from(([127, 0, 0, 1], port + 3)),
        };
        for tenant in tenants {
            server.add(tenant)?;
        }
        server.launch()?;
        Ok(server)
    }

    fn add(&self, tenant: &Tenant) -> Result<()> {
        self.carillon(&["tenant", "add", &tenant.name, "--domain", &tenant.domain])?;
        let mut set = vec!["tenant", "set", &tenant.name];
        set.extend(tenant.policy.iter().map(String::as_str));
        if !tenant.policy.is_empty() {
            self.carillon(&set)?;
        }
        let mut csv = "extension,name,username,password\n".to_owned();
        for extension in &tenant.extensions {
            let secret = password(&tenant.domain, extension);
            writeln!(csv, "{extension},Phone {extension},{extension},{secret}")?;
        }
        let file = self.dir.join(format!("{}.csv", tenant.name));
        std::fs::write(&file, csv).context("cannot write the list of users")?;
        self.carillon(&["user", "import", &tenant.name, &file.to_string_lossy()])?;
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.command()?;
        command.arg("serve");
        if let Some(disk) = &self.disk {
            let place = self.recordings();
            std::fs::create_dir_all(&place).context("no directory for recordings")?;
            command = disk.under(&command, &place);
        }
        let mut program = Program::start("carillon", &mut command, &self.log)?;
        let socket = UdpSocket::bind("127.0.0.1:0").context("no UDP socket")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let from = socket.local_addr()?;
        until("carillon to answer OPTIONS", READY_WITHIN, || {
            program.check_alive()?;
            Ok(answers(&socket, from, self.sip).then_some(()))
        })?;
        self.program = Some(program);
        Ok(())
    }

    fn recordings(&self) -> PathBuf {
        self.dir.join("data/recordings")
    }

    /// The number of its process.
    ///
    /// # Errors
    /// It was killed.
    pub fn process(&self) -> Result<u32> {
        self.program.as_ref().map(Program::id).context("it was killed")
    }

    /// The directory of recordings as the server itself sees it, wherever that is mounted.
    ///
    /// # Errors
    /// It was killed.
    pub fn own_recordings(&self) -> Result<PathBuf> {
        let pid = self.process()?;
        let place = self.recordings();
        Ok(Path::new(&format!("/proc/{pid}/root")).join(place.strip_prefix("/").unwrap_or(&place)))
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until a tenant has so many recordings, and returns them, the latest first.
    ///
    /// # Errors
    /// There are fewer after a while.
    pub fn await_recordings(&self, tenant: &str, count: usize) -> Result<Vec<Value>> {
        until(&format!("{count} recordings"), SEEN_WITHIN, || {
            let found = self.list(&["recording", "list", tenant])?;
            Ok((found.len() >= count).then_some(found))
        })
    }

    /// Waits until a counter of `carillon status` is this high.
    ///
    /// # Errors
    /// It is not after a while.
    pub fn await_count(&self, counter: &str, least: u64) -> Result<()> {
        until(&format!("{counter} to be {least}"), SEEN_WITHIN, || {
            let count = self.status()?["counts"][counter].as_u64();
            Ok(count.is_some_and(|count| count >= least).then_some(()))
        })
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Starts again on the same data and ports.
    ///
    /// # Errors
    /// The server didn't answer in time.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.launch()
    }

    /// Runs a `carillon` command on this server's data and returns what it printed.
    ///
    /// # Errors
    /// It failed; the message has its own.
    pub fn carillon(&self, arguments: &[&str]) -> Result<String> {
        let output = self
            .command()?
            .args(arguments)
            .output()
            .context("cannot start carillon")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.success(),
            "carillon {} failed: {} {}",
            arguments.join(" "),
            tail(&error, 3),
            tail(&text, 3)
        );
        Ok(text)
    }

    /// The same with `--json`, as the array that lists are.
    ///
    /// # Errors
    /// It failed or printed no JSON array.
    pub fn list(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let text = self.carillon(&[arguments, &["--json"]].concat())?;
        match serde_json::from_str(&text) {
            Ok(Value::Array(items)) => Ok(items),
            _ => bail!(
                "carillon {} --json printed no JSON array: {}",
                arguments.join(" "),
                tail(&text, 3)
            ),
        }
    }

    /// What `carillon status` says.
    ///
    /// # Errors
    /// It failed or printed no JSON.
    pub fn status(&self) -> Result<Value> {
        let text = self.carillon(&["status", "--json"])?;
        serde_json::from_str(&text).context("carillon status --json printed no JSON")
    }

    /// Memory that the process holds, octets.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident(&self) -> Result<u64> {
        let pid = self.process()?;
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the server is gone")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        Ok(kib.context("no VmRSS")? * 1_024)
    }

    /// Call records of a tenant.
    ///
    /// # Errors
    /// See [`Server::list`].
    pub fn cdrs(&self, tenant: &str) -> Result<Vec<Value>> {
        self.list(&["cdr", "--tenant", tenant, "--limit", "10000"])
    }

    /// Waits until a tenant has `count` call records, and returns them.
    ///
    /// # Errors
    /// There are fewer after a while, or more.
    pub fn await_cdrs(&self, tenant: &str, count: usize) -> Result<Vec<Value>> {
        let records = until(&format!("{count} call records"), SEEN_WITHIN, || {
            let records = self.cdrs(tenant)?;
            Ok((records.len() >= count).then_some(records))
        })?;
        ensure!(
            records.len() == count,
            "{} call records instead of {count}",
            records.len()
        );
        Ok(records)
    }

    /// Waits until `count` registrations of a tenant are shown, and returns them.
    ///
    /// # Errors
    /// They were not there in time.
    pub fn await_registrations(&self, tenant: &str, count: usize) -> Result<Vec<Value>> {
        until(&format!("{count} registrations"), SEEN_WITHIN, || {
            let shown = self.list(&["registrations", "--tenant", tenant])?;
            Ok((shown.len() == count).then_some(shown))
        })
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command.arg("--config").arg(self.dir.join("carillon.toml"));
        command.stdin(std::process::Stdio::null());
        Ok(command)
    }
}

fn answers(socket: &UdpSocket, from: SocketAddr, to: SocketAddr) -> bool {
    let options = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-ready;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:ready@{from}>;tag=ready\r\nTo: <sip:{to}>\r\nCall-ID: ready@{from}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let mut answer = [0; 2_048];
    let sent = socket.send_to(options.as_bytes(), to).is_ok();
    sent && socket
        .recv(&mut answer)
        .is_ok_and(|length| answer.get(..length).is_some_and(|a| a.starts_with(b"SIP/2.0 ")))
}

/// The server's binary: `CARILLON_BIN`, else the one beside this test, brought up to date first.
fn binary() -> Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| match std::env::var_os("CARILLON_BIN") {
        Some(path) => Ok(PathBuf::from(path)),
        None => build().map_err(|error| format!("{error:#}")),
    });
    match found {
        Ok(path) => Ok(path),
        Err(error) => bail!("no carillon to test: {error}"),
    }
}

/// This test is `<target>/<profile>/deps/interop-…`; the binary belongs into `<target>/<profile>`.
fn build() -> Result<PathBuf> {
    let test = std::env::current_exe().context("where am I?")?;
    let profile = test.ancestors().nth(2).context("no profile directory")?;
    let target = profile.parent().context("no target directory")?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--quiet", "--package", "carillon", "--target-dir"])
        .arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    // What cargo told this test about itself would make build scripts run again, here and in the next build.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_")
            || told.starts_with("CARGO_MANIFEST_")
            || told.starts_with("NEXTEST")
        {
            command.env_remove(&name);
        }
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // A test that is stopped meanwhile, or takes long, has this to say for itself.
    println!("interop: bringing carillon up to date");
    let begun = Instant::now();
    let output = command.output().context("cannot start cargo")?;
    println!("interop: that took {:.1} s", begun.elapsed().as_secs_f64());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "cargo build failed: {}",
        tail(&error, 10)
    );
    Ok(profile.join("carillon"))
}
