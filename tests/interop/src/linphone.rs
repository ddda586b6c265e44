//! Linphone's console phone: registers with its own stack (belle-sip), which knows SHA-256.

use crate::process::{Program, require};
use crate::server::{Server, password};
use crate::stage::Stage;
use anyhow::{Context, Result};
use std::io::Write;
use std::process::{Command, Stdio};

/// A running linphonec.
#[derive(Debug)]
pub struct Linphone {
    program: Program,
}

impl Linphone {
    /// Starts it with an account that registers over TLS by itself.
    ///
    /// # Errors
    /// It is missing or can't be started.
    pub fn start(stage: &Stage, server: &Server, user: &str, domain: &str) -> Result<Linphone> {
        require("linphonec")?;
        let home = stage.make_dir("linphone-home")?;
        for place in [".local/share/linphone", ".config/linphone"] {
            stage.make_dir(&format!("linphone-home/{place}"))?;
        }
        let rc = stage.write("linphonerc", &configuration(server, user, domain))?;
        let mut command = Command::new("linphonec");
        command.arg("-c").arg(rc).env("HOME", home).stdin(Stdio::piped());
        let program = Program::start("linphonec", &mut command, &stage.path("linphonec.log"))?;
        Ok(Linphone { program })
    }

    /// Lets it unregister and end.
    ///
    /// # Errors
    /// It took too long.
    pub fn quit(&mut self) -> Result<()> {
        let mut input = self
            .program
            .child()
            .stdin
            .take()
            .context("linphonec has no input")?;
        writeln!(input, "quit").context("linphonec is gone")?;
        self.program.wait(std::time::Duration::from_secs(20)).map(drop)
    }
}

fn configuration(server: &Server, user: &str, domain: &str) -> String {
    let target = server.tls;
    let secret = password(domain, user);
    format!(
        "[sip]\nverify_server_certs=0\nverify_server_cn=0\nsip_port=0\nsip_tcp_port=0\nsip_tls_port=-1\n\
         default_proxy=0\nguess_hostname=1\nuse_ipv6=0\n\n\
         [proxy_0]\nreg_proxy=<sip:{target};transport=tls>\nreg_route=<sip:{target};transport=tls;lr>\n\
         reg_identity=sip:{user}@{domain}\nreg_expires=600\nreg_sendregister=1\npublish=0\n\n\
         [auth_info_0]\nusername={user}\nuserid={user}\npasswd={secret}\nrealm={domain}\ndomain={domain}\n\n\
         [video]\nenabled=0\n"
    )
}
