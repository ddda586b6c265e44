//! Recordings in the database.

use crate::bench;
use model::{CdrId, Container, RecordingEnd, RecordingId, RecordingMark, RecordingRecord, TenantId, Wall};
use tenancy::Operator;

fn record(tenant: TenantId, number: u64, call: u8) -> RecordingRecord {
    RecordingRecord {
        id: RecordingId { tenant, number },
        call: Some(CdrId([call; 16])),
        start: Wall(1_000 + number % 1_000),
        ms: 60_000,
        octets: 120_000,
        format: Container::OggOpus,
        channels: 2,
        end: RecordingEnd::Stopped,
        why: None,
        marks: vec![RecordingMark {
            at_ms: 20,
            name: "Grüße".into(),
        }],
    }
}

#[test]
fn a_recording_is_stored_once_and_found_by_its_call() {
    let mut b = bench();
    let tenant = b.acme.tenant();
    // Numbers use all their bits.
    let records = [
        record(tenant, 1, 1),
        record(tenant, u64::MAX, 1),
        record(tenant, u64::MAX - 1, 2),
    ];
    b.store.insert_recordings(&records).unwrap();
    b.store.insert_recordings(&records).unwrap();
    b.store.insert_recordings(&[]).unwrap();
    assert_eq!(b.store.recordings(&b.acme, None, 100).unwrap().len(), 3);
    assert_eq!(b.store.recordings(&b.acme, None, 2).unwrap().len(), 2);
    let of_call = b.store.recordings(&b.acme, Some(CdrId([1; 16])), 100).unwrap();
    assert_eq!(of_call, [records[1].clone(), records[0].clone()]);
    assert_eq!(b.store.recorded_octets(&b.acme).unwrap(), 360_000);
    assert_eq!(
        b.store.recording(&b.acme, records[2].id).unwrap(),
        Some(records[2].clone())
    );
}

#[test]
fn another_tenants_recordings_are_none() {
    let mut b = bench();
    let own = record(b.acme.tenant(), 7, 1);
    b.store.insert_recordings(std::slice::from_ref(&own)).unwrap();
    assert_eq!(b.store.recordings(&b.beta, None, 100).unwrap(), []);
    assert_eq!(b.store.recordings(&b.beta, own.call, 100).unwrap(), []);
    assert_eq!(b.store.recording(&b.beta, own.id).unwrap(), None);
    assert!(!b.store.delete_recording(&b.beta, own.id).unwrap());
    assert_eq!(b.store.recorded_octets(&b.beta).unwrap(), 0);
    assert!(b.store.delete_recording(&b.acme, own.id).unwrap());
    assert!(!b.store.delete_recording(&b.acme, own.id).unwrap());
}

#[test]
fn a_tenant_takes_its_recordings_along() {
    let mut b = bench();
    let (acme, beta) = (b.acme.tenant(), b.beta.tenant());
    b.store
        .insert_recordings(&[record(acme, 1, 1), record(beta, 1, 1)])
        .unwrap();
    b.store.delete_tenant(&Operator::local(), acme).unwrap();
    assert_eq!(b.store.recordings(&b.acme, None, 10).unwrap(), []);
    assert_eq!(b.store.recordings(&b.beta, None, 10).unwrap().len(), 1);
}
