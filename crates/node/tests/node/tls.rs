//! TLS: a client that takes any certificate, reload under a living connection, resumption, bad starts.

use crate::house::{House, until};
use crate::phone::{Line, Phone};
use model::Transport;
use node::{TlsFiles, tls::self_signed};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme, StreamOwned,
};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Takes every certificate: these tests are about the server.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A client's configuration for some protocol versions.
fn config(versions: &[&'static rustls::SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

/// A connection.
pub(crate) struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Client {
        Client::with(server, config(rustls::ALL_VERSIONS))
    }

    fn with(server: SocketAddr, config: Arc<ClientConfig>) -> Client {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nodelay(true).unwrap();
        let tls = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
        Client(StreamOwned::new(tls, socket))
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.0.sock
    }
    pub(crate) fn local(&self) -> SocketAddr {
        self.0.sock.local_addr().unwrap()
    }
    pub(crate) fn write_all(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.0.write_all(octets)?;
        self.0.flush()
    }
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }
    pub(crate) fn finish(&mut self) {
        self.0.conn.send_close_notify();
        let _ = self.0.conn.write_tls(&mut self.0.sock);
        let _ = self.0.sock.shutdown(std::net::Shutdown::Write);
    }
    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

fn certificate(phone: &Phone) -> Vec<u8> {
    let Line::Tls(client) = &phone.line else {
        panic!("not TLS")
    };
    client.certificate()
}

#[test]
fn both_protocol_versions_are_served_and_sessions_resume() {
    let house = House::new();
    for version in rustls::ALL_VERSIONS {
        let config = config(&[version]);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut phone = Phone::new(&house, Transport::Tls);
            phone.line = Line::Tls(Box::new(Client::with(phone.server, Arc::clone(&config))));
            phone.check();
            let Line::Tls(client) = &phone.line else { panic!() };
            assert_eq!(client.0.conn.protocol_version(), Some(version.version));
            kinds.push(client.0.conn.handshake_kind().unwrap());
        }
        assert_eq!(
            kinds,
            [HandshakeKind::Full, HandshakeKind::Resumed],
            "{version:?}"
        );
    }
    house.stop();
}

#[test]
fn a_new_certificate_is_used_without_dropping_connections() {
    let own = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let files: TlsFiles = self_signed(own.path(), &[]).unwrap();
    let house = House::with(|s| s.tls = Some(files.clone()));
    let mut old = Phone::new(&house, Transport::Tls);
    old.check();
    let next = self_signed(other.path(), &[]).unwrap();
    std::fs::copy(&next.key, &files.key).unwrap();
    std::fs::copy(&next.cert, &files.cert).unwrap();
    until("the new certificate is served", || {
        let mut phone = Phone::new(&house, Transport::Tls);
        phone.check();
        certificate(&phone) != certificate(&old)
    });
    old.check();
    house.stop();
}

#[test]
fn a_broken_certificate_is_refused_on_request_and_the_old_one_stays() {
    let own = tempfile::tempdir().unwrap();
    let files = self_signed(own.path(), &[]).unwrap();
    let house = House::with(|s| s.tls = Some(files.clone()));
    std::fs::write(&files.cert, "nonsense").unwrap();
    let error = house.live().reload_tls().unwrap_err().to_string();
    assert!(error.contains(&files.cert.display().to_string()), "{error}");
    Phone::new(&house, Transport::Tls).check();
    house.stop();
}

#[test]
fn a_stranger_who_does_not_speak_tls_is_sent_away_and_others_are_served() {
    let house = House::new();
    let mut stranger = TcpStream::connect(house.at(Transport::Tls)).unwrap();
    stranger.write_all(b"OPTIONS sip:x SIP/2.0\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = stranger.read_to_end(&mut rest);
    Phone::new(&house, Transport::Tls).check();
    house.stop();
}
