//! What the event core keeps, across restarts and compactions.

use model::{
    EventChange, EventKey, EventRecord, EventState, Lamp, Mailbox, MessageRecord, TenantId, UserId, Wall,
};
use store::EventJournal;

const NOW: Wall = Wall(1_800_000_000_000);

fn record(tenant: u64, key: EventKey, state: EventState, expires: Wall) -> EventRecord {
    EventRecord {
        tenant: TenantId(tenant),
        key,
        expires,
        state,
    }
}

fn mailbox(tenant: u64, new: u32) -> EventRecord {
    let state = EventState::Mailbox(Mailbox { new, old: 0 });
    record(tenant, EventKey::Mailbox(UserId(1)), state, Wall(u64::MAX))
}

fn text(number: u64, expires: Wall) -> EventRecord {
    let state = EventState::Message(MessageRecord {
        to: UserId(1),
        from: UserId(2),
        sent: NOW,
        text: "Bis später \u{1f552}".into(),
    });
    record(1, EventKey::Message(number), state, expires)
}

fn put(record: &EventRecord) -> EventChange {
    EventChange::Put(Box::new(record.clone()))
}

#[test]
fn the_last_word_on_each_key_is_kept() {
    let dir = tempfile::TempDir::new().unwrap();
    let lamp = record(
        1,
        EventKey::Resource("park-1".into()),
        EventState::Resource(Lamp::On),
        Wall(u64::MAX),
    );
    let soon = Wall(NOW.0 + 1_000);
    {
        let (mut journal, live) = EventJournal::open(dir.path(), 1, NOW).unwrap();
        assert!(live.is_empty());
        let log = journal.appender(0).unwrap();
        log.append(&[
            put(&mailbox(1, 1)),
            put(&lamp),
            put(&text(1, soon)),
            put(&text(2, soon)),
        ])
        .unwrap();
        journal.compact().unwrap();
        let gone = EventChange::Remove {
            tenant: TenantId(1),
            key: EventKey::Message(1),
        };
        log.append(&[gone, put(&mailbox(1, 2)), put(&mailbox(2, 7))])
            .unwrap();
        assert_eq!(journal.live(NOW).unwrap().len(), 4);
    }
    let (_, live) = EventJournal::open(dir.path(), 2, NOW).unwrap();
    assert_eq!(live, [mailbox(1, 2), lamp.clone(), text(2, soon), mailbox(2, 7)]);
    let (_, live) = EventJournal::open(dir.path(), 1, soon).unwrap();
    assert_eq!(live, [mailbox(1, 2), lamp, mailbox(2, 7)]);
}

/// A disk that altered a letter: what stands before it is kept, what it altered lies beside for a person to look at, and
/// the next start has nothing to complain of.
#[test]
fn a_damaged_file_is_set_aside() {
    let dir = tempfile::TempDir::new().unwrap();
    {
        let (journal, _) = EventJournal::open(dir.path(), 1, NOW).unwrap();
        let log = journal.appender(0).unwrap();
        let far = Wall(u64::MAX);
        log.append(&[put(&mailbox(1, 1)), put(&text(1, far)), put(&text(2, far))])
            .unwrap();
    }
    let files = |end: &str| {
        let all = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path());
        let mut all: Vec<_> = all.filter(|p| p.to_string_lossy().ends_with(end)).collect();
        all.sort();
        all
    };
    let log = files(".log").pop().unwrap();
    let mut octets = std::fs::read(&log).unwrap();
    let place = octets.len() / 2;
    octets[place] ^= 1;
    std::fs::write(&log, &octets).unwrap();
    let (_, live) = EventJournal::open(dir.path(), 1, NOW).unwrap();
    assert_eq!(live, [mailbox(1, 1)]);
    let [aside] = &files(".damaged")[..] else {
        panic!("{:?}", files(""))
    };
    assert_eq!(std::fs::read(aside).unwrap(), octets);
    let (_, live) = EventJournal::open(dir.path(), 1, NOW).unwrap();
    assert_eq!((live, files(".damaged").len()), (vec![mailbox(1, 1)], 1));
}
