//! The least phone that can register: REGISTER over UDP with SHA-256 digest (RFC 7616).

use ring::digest::{SHA256, digest};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// One extension's phone.
pub(crate) struct Phone {
    socket: UdpSocket,
    server: SocketAddr,
    extension: String,
    password: String,
    sequence: u32,
}

fn hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

impl Phone {
    /// A phone that knows where the server is and who it is.
    pub(crate) fn new(server: SocketAddr, extension: &str, password: &str) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Phone {
            socket,
            server,
            extension: extension.to_owned(),
            password: password.to_owned(),
            sequence: 0,
        }
    }

    /// Registers and returns the last status code: 200, or what the server has against it.
    pub(crate) fn register(&mut self) -> u16 {
        let challenge = self.exchange(None);
        if code(&challenge) != 401 {
            return code(&challenge);
        }
        let line = challenge
            .lines()
            .find(|line| line.starts_with("WWW-Authenticate") && line.contains("SHA-256"))
            .expect("a SHA-256 challenge");
        let nonce = quoted(line, "nonce");
        let realm = quoted(line, "realm");
        let credentials = self.credentials(realm, nonce);
        code(&self.exchange(Some(&credentials)))
    }

    fn uri(&self) -> String {
        "sip:acme.example".to_owned()
    }

    fn credentials(&self, realm: &str, nonce: &str) -> String {
        let (user, uri) = (&self.extension, self.uri());
        let ha1 = hex(&format!("{user}:{realm}:{}", self.password));
        let ha2 = hex(&format!("REGISTER:{uri}"));
        let response = hex(&format!("{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"c0ffee\", response=\"{response}\"\r\n"
        )
    }

    fn exchange(&mut self, credentials: Option<&str>) -> String {
        self.sequence += 1;
        let (local, user, uri) = (self.socket.local_addr().unwrap(), &self.extension, self.uri());
        let request = format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{user}x{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@acme.example>;tag=f{user}\r\nTo: <sip:{user}@acme.example>\r\n\
             Call-ID: call-of-{user}-at-{port}\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{user}@{local}>;expires=600\r\n\
             User-Agent: Test phone\r\n{credentials}Content-Length: 0\r\n\r\n",
            sequence = self.sequence,
            port = local.port(),
            credentials = credentials.unwrap_or_default(),
        );
        self.socket.send(request.as_bytes()).unwrap();
        let mut buffer = [0; 4_096];
        let length = self
            .socket
            .recv(&mut buffer)
            .unwrap_or_else(|e| panic!("{} is silent: {e}", self.server));
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

fn code(response: &str) -> u16 {
    response
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status line")
}

fn quoted<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("{name}=\"")).expect(name);
    rest.split('"').next().expect(name)
}
