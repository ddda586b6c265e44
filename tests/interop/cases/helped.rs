//! Calls for help to a carrier: the next one where the first is dead, where the phone is, and the call back.

use crate::{caller, calling};
use anyhow::{Context, Result, ensure};
use interop::process::require;
use interop::server::password;
use interop::{Server, Sipp, Stage, Tenant};
use std::process::Command;

const DOMAIN: &str = "acme.test";
const NUMBER: &str = "+49305550001";

/// Reads the document with a parser that is not ours, and says what is in it.
const READER: &str = r#"
import sys, xml.etree.ElementTree as E
P, D = 'urn:ietf:params:xml:ns:pidf', 'urn:ietf:params:xml:ns:pidf:data-model'
G, B = 'urn:ietf:params:xml:ns:pidf:geopriv10', 'urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy'
C, M = 'urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr', 'http://www.opengis.net/gml'
S = 'http://www.opengis.net/pidflo/1.0'
root = E.parse(sys.argv[1]).getroot()
assert root.tag == '{%s}presence' % P, root.tag
said = ['entity ' + root.attrib['entity']]
for device in root.findall('{%s}device' % D):
    parts = [child.tag.split('}')[1] for child in device]
    assert parts == ['geopriv', 'deviceID', 'timestamp'], parts
    geopriv = device.find('{%s}geopriv' % G)
    parts = [child.tag.split('}')[1] for child in geopriv]
    assert parts == ['location-info', 'usage-rules', 'method'], parts
    assert geopriv.find('{%s}usage-rules/{%s}retention-expiry' % (G, B)).text.endswith('Z')
    info = geopriv.find('{%s}location-info' % G)
    civic = info.find('{%s}civicAddress' % C)
    if civic is not None:
        said += ['%s %s' % (child.tag.replace('{%s}' % C, ''), child.text) for child in civic]
    circle = info.find('{%s}Circle' % S)
    if circle is not None:
        said += ['pos ' + circle.find('{%s}pos' % M).text, 'radius ' + circle.find('{%s}radius' % S).text]
print('|'.join(said))
"#;

/// The document in what SIPp has got, as another parser reads it.
fn document(stage: &Stage, messages: &str) -> Result<String> {
    let start = messages.find("<?xml").context("no document came")?;
    let rest = messages.get(start..).unwrap_or("");
    let end = rest.find("</presence>").context("the document has no end")? + "</presence>".len();
    let file = stage.write("place.xml", rest.get(..end).unwrap_or(""))?;
    let script = stage.write("reader.py", READER)?;
    let output = Command::new("python3").arg(script).arg(file).output()?;
    ensure!(
        output.status.success(),
        "it is no PIDF-LO: {}\n{rest}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn trunk(server: &Server, name: &str, port: u16, more: &[&str]) -> Result<()> {
    let proxy = format!("proxy=127.0.0.1:{port}");
    let set = [
        "trunk",
        "set",
        "acme",
        name,
        "host=carrier.test",
        &proxy,
        "transport=udp",
    ];
    let rest = ["options_s=0", "try_s=1", "location=pidf"];
    server.carillon(&[&set[..], &rest, more].concat()).map(drop)
}

#[test]
fn a_call_for_help_passes_a_dead_carrier_says_where_it_is_and_is_called_back() -> Result<()> {
    require("python3")?;
    Stage::run("helped", |stage| {
        let acme = Tenant::new("acme", ["101".to_owned()]).policies(&["region=de", "media_silence_s=0"]);
        let server = Server::start(stage, &[acme])?;
        server.carillon(&["number", "set", "acme", NUMBER, "--to", "101"])?;
        let address = [
            "country=de",
            "A3=Köln",
            "RD=Ring & <Tor>",
            "HNO=7",
            "FLR=3",
            "point=50.94,6.96,30",
        ];
        let at = ["location", "set", "acme", "hall"];
        server.carillon(&[&at[..], &address, &["phones=101"]].concat())?;
        let carrier = Sipp::new(stage, "uas", server.sip)?.keeps_messages();
        trunk(&server, "dead", stage.ports.one()?, &[])?;
        trunk(&server, "good", carrier.port(), &[])?;
        server.carillon(&[
            "route",
            "set",
            "acme",
            "help",
            "emergency=true",
            "trunks=dead:1,good:2",
        ])?;
        let phone = Sipp::new(stage, "uas", server.sip)?;
        crate::register(stage, &server, DOMAIN, "101", phone.port())?;
        let mut carrier = carrier.start()?;
        carrier.await_bound()?;
        let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
        let sipp = calling(stage, &server, "uac", "112", DOMAIN)?.with("talk_ms", "300");
        sipp.row(&row).run()?;
        carrier.finish(1)?;
        let record = server.await_cdrs("acme", 1)?.remove(0);
        ensure!(record["emergency"] == true && record["sip"] == 200, "{record}");
        let path = record["path"].to_string();
        ensure!(
            path.contains("trunk dead") && path.contains("trunk good"),
            "{path}"
        );
        let messages = carrier.messages()?;
        ensure!(messages.contains("Geolocation-Routing: no"), "{messages}");
        let said = document(stage, &messages)?;
        let expected = format!(
            "entity sip:{NUMBER}@carrier.test|country DE|A3 Köln|RD Ring & <Tor>|HNO 7|FLR 3|pos 50.940000 6.960000|radius 30"
        );
        ensure!(said == expected, "{said}");
        // Whoever was called calls back, and reaches the phone though it wants to be left alone.
        server.carillon(&["user", "dnd", "acme", "101", "on"])?;
        let mut phone = phone.start()?;
        phone.await_bound()?;
        Sipp::new(stage, "carrier", server.sip)?
            .with("callee", NUMBER)
            .run()?;
        phone.finish(1)?;
        let mut records = server.await_cdrs("acme", 2)?.into_iter();
        let back = records.find(|record| record["emergency"] == false);
        let back = back.context("no record of the call back")?;
        ensure!(
            back["path"].to_string().contains("back to who called for help"),
            "{back}"
        );
        Ok(said)
    })
}

#[test]
fn a_carrier_that_takes_no_location_gets_the_call_without() -> Result<()> {
    Stage::run("helped-without", |stage| {
        let acme = Tenant::new("acme", ["101".to_owned()]).policies(&["region=de", "media_silence_s=0"]);
        let server = Server::start(stage, &[acme])?;
        let at = [
            "location",
            "set",
            "acme",
            "hall",
            "country=de",
            "A3=Berlin",
            "--usual",
        ];
        server.carillon(&at)?;
        let carrier = Sipp::new(stage, "uas-plain", server.sip)?;
        trunk(&server, "plain", carrier.port(), &[])?;
        let mut carrier = carrier.start()?;
        carrier.await_bound()?;
        let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
        let sipp = calling(stage, &server, "uac", "112", DOMAIN)?.with("talk_ms", "300");
        sipp.row(&row).run()?;
        carrier.finish(1)?;
        let record = server.await_cdrs("acme", 1)?.remove(0);
        ensure!(
            record["path"].to_string().contains("without location (415)"),
            "{record}"
        );
        Ok("415, then the call".to_owned())
    })
}
