//! Calls that are up, across restarts and compactions.

use crate::cdr;
use model::{
    BindingKey, CallChange, CallCheckpoint, CallId, DialogRecord, FlowToken, LegCheckpoint,
    SessionCheckpoint, TenantId, Transport, UserId, Wall,
};
use store::CallJournal;

const NOW: Wall = Wall(1_800_000_000_000);

fn leg(user: u64, cseq: u32) -> LegCheckpoint {
    LegCheckpoint {
        dialog: DialogRecord {
            call_id: format!("call-of-{user}").into(),
            local_tag: "1-ours".into(),
            remote_tag: "theirs".into(),
            local: "\"Bea\" <sip:102@acme.example>".into(),
            remote: "<sip:101@acme.example>".into(),
            local_cseq: cseq,
            remote_cseq: 7,
            remote_target: "sip:101@192.0.2.7:5060".into(),
            route_set: vec!["<sip:proxy.example;lr>".into()],
        },
        unheard: user == 2,
        user: Some(UserId(user)),
        trunk: None,
        flow: FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.7:5060".parse().unwrap(),
        },
        binding: Some(BindingKey::Contact("sip:101@192.0.2.7:5060".into())),
        instance: Some("urn:uuid:1".into()),
        said: Some("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n".into()),
        heard: Some("v=0\r\n".into()),
        update: true,
        info: Some(false),
        invited: user == 2,
        session: Some(SessionCheckpoint {
            interval_s: 1800,
            we_refresh: true,
            end: Wall(NOW.0 + 1_800_000),
        }),
        session_id: None,
    }
}

fn call(tenant: u64, id: u64, cseq: u32) -> CallCheckpoint {
    CallCheckpoint {
        tenant: TenantId(tenant),
        call: CallId(id),
        record: cdr(u8::try_from(id).unwrap(), TenantId(tenant)),
        caller: leg(1, cseq),
        callee: leg(2, 64),
        longest: Wall(NOW.0 + 14_400_000),
        ports: Some((
            "192.0.2.1:10000".parse().unwrap(),
            "192.0.2.1:10002".parse().unwrap(),
        )),
        identity: ("<sip:101@acme.example>".into(), "<sip:102@acme.example>".into()),
        session_ids: Some(("a".into(), "b".into())),
        tickets: Vec::new(),
        ends: false,
    }
}

fn put(call: &CallCheckpoint) -> CallChange {
    CallChange::Put(Box::new(call.clone()))
}

/// However old: a call ends by its record only.
#[test]
fn the_last_word_on_each_call_is_kept() {
    let dir = tempfile::TempDir::new().unwrap();
    {
        let (mut journal, live) = CallJournal::open(dir.path(), 1, NOW).unwrap();
        assert!(live.is_empty());
        let log = journal.appender(0).unwrap();
        log.append(&[put(&call(1, 1, 64)), put(&call(1, 2, 64))]).unwrap();
        journal.compact().unwrap();
        let gone = CallChange::Remove {
            tenant: TenantId(1),
            call: CallId(1),
        };
        log.append(&[gone, put(&call(1, 2, 128)), put(&call(2, 1, 64))])
            .unwrap();
        assert_eq!(journal.live(NOW).unwrap().len(), 2);
    }
    for later in [NOW, Wall(NOW.0 + 86_400_000_000)] {
        let (_, live) = CallJournal::open(dir.path(), 2, later).unwrap();
        assert_eq!(live, [call(1, 2, 128), call(2, 1, 64)]);
    }
}

/// A later version writes more, an earlier one wrote less.
#[test]
fn fields_of_other_versions_are_no_obstacle() {
    let mut json = serde_json::to_value(call(1, 1, 64)).unwrap();
    let map = json.as_object_mut().unwrap();
    map.insert("of_tomorrow".to_owned(), serde_json::json!({"a": [1]}));
    for optional in ["ports", "session_ids", "identity"] {
        map.remove(optional).unwrap();
    }
    let leg = map.get_mut("caller").and_then(|leg| leg.as_object_mut()).unwrap();
    leg.insert("of_tomorrow".to_owned(), serde_json::json!(1));
    for optional in [
        "binding", "instance", "said", "heard", "update", "info", "invited", "session",
    ] {
        leg.remove(optional).unwrap();
    }
    let read: CallCheckpoint = serde_json::from_value(json).unwrap();
    assert_eq!((read.call, read.ports, read.caller.said), (CallId(1), None, None));
    assert_eq!(read.callee, leg_of_callee());
}

fn leg_of_callee() -> LegCheckpoint {
    call(1, 1, 64).callee
}
