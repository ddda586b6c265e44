//! `presence` (RFC 3856): the presence document (RFC 3863, with the activities of RFC 4480) that is written, and what is
//! read of one that a phone publishes: four things, found by the reader of `xml`.

use super::xml::{self, Tags};
use model::PublicationRecord;

/// Characters of a note that are kept.
const LONGEST_NOTE: usize = 256;

/// Activities that are kept and shown; others are nobody's business or too long a list.
const ACTIVITIES: &[&str] = &[
    "away",
    "busy",
    "meeting",
    "on-the-phone",
    "vacation",
    "lunch",
    "dinner",
    "holiday",
    "travel",
    "working",
    "appointment",
    "permanent-absence",
    "sleeping",
    "steering",
    "in-transit",
    "breakfast",
    "performance",
];

/// What a document says about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) open: bool,
    pub(super) activity: Option<Box<str>>,
    pub(super) note: Option<Box<str>>,
}

impl Presence {
    /// What was published.
    pub(super) fn of(record: &PublicationRecord) -> Presence {
        Presence {
            open: record.open,
            activity: record.activity.clone(),
            note: record.note.clone(),
        }
    }
}

/// Writes the document of an entity.
pub(super) fn write(entity: &str, presence: &Presence) -> String {
    let mut out = String::with_capacity(640);
    out.push_str(
        "<?xml version=\"1.0\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"",
    );
    xml::attribute(&mut out, "entity", entity);
    out.push_str("><tuple id=\"phones\"><status>");
    xml::element(&mut out, "basic", if presence.open { "open" } else { "closed" });
    out.push_str("</status>");
    xml::element(&mut out, "contact", entity);
    if let Some(note) = &presence.note {
        xml::element(&mut out, "note", note);
    }
    out.push_str("</tuple>");
    if let Some(activity) = presence
        .activity
        .as_deref()
        .filter(|word| ACTIVITIES.contains(word))
    {
        out.push_str("<dm:person id=\"person\"><rpid:activities><rpid:");
        out.push_str(activity);
        out.push_str("/></rpid:activities></dm:person>");
    }
    out.push_str("</presence>\n");
    out
}

/// Reads a document; `None` when it is none that says whether the person is there.
pub(super) fn read(body: &[u8]) -> Option<Presence> {
    let (mut presence, mut basic) = (Presence::default(), None);
    let mut tags = Tags::of(body)?;
    let (mut seen_root, mut activities) = (false, false);
    while let Some(tag) = tags.next().ok()? {
        match tag.inside {
            "basic" if basic.is_none() => basic = Some(tag.text.trim() == "open"),
            "note" if presence.note.is_none() => presence.note = note(tag.text),
            _ => {}
        }
        match (tag.name, tag.closes) {
            ("presence", false) => seen_root = true,
            ("activities", closing) => activities = !closing && !tag.empty,
            (word, false) if activities && presence.activity.is_none() && ACTIVITIES.contains(&word) => {
                presence.activity = Some(word.into());
            }
            _ => {}
        }
    }
    presence.open = basic?;
    seen_root.then_some(presence)
}

/// The text of a note; one with an entity that XML does not define is left out.
fn note(content: &str) -> Option<Box<str>> {
    let text: String = xml::resolve(content.trim())?
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NOTE)
        .collect();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let presence = Presence {
            open: true,
            activity: Some("meeting".into()),
            note: Some("back at <3> & \"later\"".into()),
        };
        let text = write("sip:a@b", &presence);
        assert_eq!(read(text.as_bytes()), Some(presence));
        let away = Presence::default();
        assert_eq!(read(write("sip:a@b", &away).as_bytes()), Some(away));
    }

    #[test]
    fn documents_of_phones() {
        let phone = "<?xml version='1.0' encoding='UTF-8'?><p:presence xmlns:p='urn:ietf:params:xml:ns:pidf' entity='sip:x'>\n\
             <p:tuple id='1'>\n<p:status><p:basic> closed </p:basic></p:status><p:note xml:lang='en'>Out</p:note></p:tuple>\
             <d:person><r:activities><r:other/><r:away/></r:activities></d:person></p:presence>";
        let read_back = read(phone.as_bytes()).unwrap();
        assert_eq!(
            (
                read_back.open,
                read_back.activity.as_deref(),
                read_back.note.as_deref()
            ),
            (false, Some("away"), Some("Out"))
        );
    }

    #[test]
    fn hostile_documents_say_nothing() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><presence><basic>open</basic></presence>";
        for bad in [
            "",
            "<",
            "<presence",
            "open",
            "<basic>open</basic>",
            bomb,
            "<presence/>",
            "<presence><![CDATA[<basic>open</basic>]]></presence>",
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(read(&[0xff, b'<', b'>']), None);
        let entity = "<presence><basic>open</basic><note>&b;</note></presence>";
        assert_eq!(read(entity.as_bytes()).unwrap().note, None);
        let long = format!(
            "<presence><basic>open</basic><note>{}</note></presence>",
            "x".repeat(9_999)
        );
        assert_eq!(read(long.as_bytes()).unwrap().note.unwrap().len(), LONGEST_NOTE);
    }
}
