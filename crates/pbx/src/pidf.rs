//! Where a caller is, as a carrier is told of it: a PIDF-LO document beside the description (RFC 4119, RFC 5139, RFC 5491), named by a
//! Geolocation header (RFC 6442).
//!
//! Owns: the document, and the body of two parts. Does not own: where the caller is (`model::located`), and which carrier is told.
//!
//! It is written from the tenant's own configuration alone. What a phone says of its location is not passed on: nobody could check it, and
//! a wrong address sends help elsewhere.

use crate::event::xml;
use bytes::Bytes;
use model::{Site, Wall};
use sip::{Message, Name, Writer};
use std::fmt::Write;
use std::time::Duration;

/// The type of the document.
pub(crate) const TYPE: &str = "application/pidf+xml";
/// How long whoever gets it may keep it.
const KEPT: Duration = Duration::from_secs(86_400);

/// What a carrier is told.
pub(crate) struct Told {
    /// The document.
    document: String,
    /// Content-ID of its part, without brackets.
    id: String,
    boundary: String,
}

/// Who is where.
pub(crate) struct Whereabouts<'a> {
    /// URI of the caller.
    pub(crate) entity: &'a str,
    /// URN of the phone.
    pub(crate) device: &'a str,
    /// Two letters (RFC 5646).
    pub(crate) language: &'a str,
    pub(crate) site: &'a Site,
    pub(crate) now: Wall,
}

impl Told {
    /// `random` makes names that nothing in the document has.
    pub(crate) fn new(document: String, host: &str, random: u64) -> Told {
        Told {
            document,
            id: format!("{random:016x}@{host}"),
            boundary: format!("carillon-{random:016x}"),
        }
    }

    /// The headers that say of it. It is no reason to send the call anywhere (RFC 6442 §4.2).
    pub(crate) fn announce(&self, writer: Writer, supported: &str) -> Writer {
        writer
            .fmt(Name::Supported, format_args!("{supported}, geolocation"))
            .fmt(Name::Geolocation, format_args!("<cid:{}>", self.id))
            .header(Name::GeolocationRouting, "no")
            .header(Name::MimeVersion, "1.0")
    }

    /// Ends an INVITE with a description, which may be none, and with the document.
    pub(crate) fn beside(&self, writer: Writer, description: &str) -> Bytes {
        let (kind, body) = self.body(description);
        writer.body(&kind, body.as_bytes())
    }

    /// Content-Type and body.
    fn body(&self, description: &str) -> (String, String) {
        let boundary = &self.boundary;
        let mut body = String::with_capacity(self.document.len().saturating_add(description.len()) + 512);
        if !description.is_empty() {
            let _ = write!(
                body,
                "--{boundary}\r\nContent-Type: {}\r\n\r\n{description}\r\n",
                sdp::CONTENT_TYPE
            );
        }
        // Who does not understand it may do without (RFC 5621 §8.3).
        let _ = write!(
            body,
            "--{boundary}\r\nContent-Type: {TYPE}\r\nContent-ID: <{}>\r\n\
             Content-Disposition: by-reference;handling=optional\r\n\r\n{}\r\n--{boundary}--\r\n",
            self.id, self.document
        );
        (format!("multipart/mixed;boundary=\"{boundary}\""), body)
    }
}

/// The document of another tenant of ours, which sends its call on by a trunk of this one: written there as one is here.
pub(crate) fn of_neighbour(message: &Message<'_>) -> Option<Box<str>> {
    let kind = message.header(Name::ContentType)?;
    let part = sip::multipart::part(kind, message.body(), TYPE)?;
    std::str::from_utf8(part).ok().map(Into::into)
}

/// A point and an address are two ways to say the same: one element each (RFC 5491 §3.4, rule 4), that which is surer first.
pub(crate) fn document(whereabouts: &Whereabouts<'_>) -> String {
    let mut out = String::with_capacity(2_048);
    out.push_str(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"",
        " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"",
        " xmlns:gp=\"urn:ietf:params:xml:ns:pidf:geopriv10\"",
        " xmlns:gbp=\"urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy\"",
        " xmlns:ca=\"urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr\"",
        " xmlns:gml=\"http://www.opengis.net/gml\"",
        " xmlns:gs=\"http://www.opengis.net/pidflo/1.0\"",
    ));
    xml::attribute(&mut out, "entity", whereabouts.entity);
    out.push_str(">\r\n");
    if !whereabouts.site.civic.is_empty() {
        device(&mut out, whereabouts, "civic", civic);
    }
    if whereabouts.site.point.is_some() {
        device(&mut out, whereabouts, "geo", point);
    }
    out.push_str("</presence>\r\n");
    out
}

fn device(out: &mut String, of: &Whereabouts<'_>, id: &str, what: fn(&mut String, &Whereabouts<'_>)) {
    let _ = write!(out, "<dm:device id=\"{id}\"><gp:geopriv><gp:location-info>");
    what(out, of);
    out.push_str("</gp:location-info><gp:usage-rules>");
    xml::element(out, "gbp:retransmission-allowed", "true");
    xml::element(out, "gbp:retention-expiry", &time(of.now.after(KEPT)));
    out.push_str("</gp:usage-rules>");
    xml::element(out, "gp:method", "Manual");
    out.push_str("</gp:geopriv>");
    xml::element(out, "dm:deviceID", of.device);
    xml::element(out, "dm:timestamp", &time(of.now));
    out.push_str("</dm:device>\r\n");
}

fn civic(out: &mut String, of: &Whereabouts<'_>) {
    out.push_str("<ca:civicAddress");
    xml::attribute(out, "xml:lang", of.language);
    out.push('>');
    // The schema wants them in this order (RFC 5139 §4.1).
    for (name, _) in Site::ELEMENTS {
        if let Some(text) = of.site.civic.get(name) {
            let capitals = text.to_ascii_uppercase();
            let text = if name == "country" { &capitals } else { text };
            xml::element(out, &format!("ca:{name}"), text);
        }
    }
    out.push_str("</ca:civicAddress>");
}

fn point(out: &mut String, of: &Whereabouts<'_>) {
    let Some(point) = of.site.point else { return };
    let (latitude, longitude) = point.degrees();
    let position = format!("<gml:pos>{latitude} {longitude}</gml:pos>");
    const SYSTEM: &str = "srsName=\"urn:ogc:def:crs:EPSG::4326\"";
    let _ = match point.radius_m() {
        0 => write!(out, "<gml:Point {SYSTEM}>{position}</gml:Point>"),
        radius => write!(
            out,
            "<gs:Circle {SYSTEM}>{position}<gs:radius uom=\"urn:ogc:def:uom:EPSG::9001\">{radius}</gs:radius></gs:Circle>"
        ),
    };
}

/// RFC 3339.
fn time(at: Wall) -> String {
    crate::date::stamp(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Point;

    fn site() -> Site {
        let civic = [
            ("country", "de"),
            ("A3", "Köln <&\"'>"),
            ("HNO", "1"),
            ("RD", "Ring]]>"),
        ];
        Site {
            civic: civic.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            point: Some(Point::try_from("50.9,6.96,30".to_owned()).unwrap()),
            ..Site::default()
        }
    }

    fn told(site: &Site) -> Told {
        let whereabouts = Whereabouts {
            entity: "sip:+49221@a.example",
            device: "urn:uuid:00000000-0000-8000-8000-000000000001",
            language: "de",
            site,
            now: Wall(1_289_690_940_000),
        };
        Told::new(document(&whereabouts), "a.example", 0xab)
    }

    #[test]
    fn the_document_has_the_address_in_order_and_nothing_becomes_markup() {
        let whole = told(&site());
        let text = &whole.document;
        for piece in [
            "entity=\"sip:+49221@a.example\"",
            "<ca:country>DE</ca:country><ca:A3>Köln &lt;&amp;&quot;&apos;&gt;</ca:A3><ca:RD>Ring]]&gt;</ca:RD><ca:HNO>1</ca:HNO>",
            "<gml:pos>50.900000 6.960000</gml:pos><gs:radius uom=\"urn:ogc:def:uom:EPSG::9001\">30</gs:radius>",
            "<gbp:retention-expiry>2010-11-14T23:29:00Z</gbp:retention-expiry>",
            "<dm:timestamp>2010-11-13T23:29:00Z</dm:timestamp>",
            "<ca:civicAddress xml:lang=\"de\">",
        ] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
        let mut bare = site();
        bare.point = Some(Point::try_from("1,2".to_owned()).unwrap());
        bare.civic.clear();
        let bare = told(&bare);
        let text = &bare.document;
        assert!(text.contains("<gml:Point srsName=\"urn:ogc:def:crs:EPSG::4326\"><gml:pos>1.000000 2.000000</gml:pos></gml:Point>"));
        assert!(!text.contains("civicAddress"));
    }

    #[test]
    fn description_and_document_are_found_again() {
        let told = told(&site());
        let (kind, body) = told.body("v=0\r\n");
        let part = |wanted| sip::multipart::part(&kind, body.as_bytes(), wanted);
        assert_eq!(part(sdp::CONTENT_TYPE), Some(&b"v=0\r\n"[..]));
        assert_eq!(part(TYPE), Some(told.document.as_bytes()));
        assert!(body.contains("Content-ID: <00000000000000ab@a.example>\r\n"));
        let (kind, body) = told.body("");
        assert!(sip::multipart::part(&kind, body.as_bytes(), sdp::CONTENT_TYPE).is_none());
    }

    #[test]
    fn the_longest_address_fits_into_a_message() {
        let mut site = site();
        site.civic = Site::ELEMENTS
            .map(|(name, _)| (name.to_owned(), "&".repeat(32)))
            .into();
        site.civic.insert("country".to_owned(), "de".to_owned());
        assert_eq!(site.check(), Ok(()));
        assert!(told(&site).document.len() < 9_000);
    }
}
