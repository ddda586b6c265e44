//! The sessions of one end, and when each is to be looked at.
//!
//! Does not own: what a beginning and an end of a session mean (`control`, `plane`).

use crate::frame::{Body, Frame};
use crate::stream::Stream;
use model::{CallId, MediaSessionId, StreamKind, TenantId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub(crate) struct Side<Out, In> {
    streams: BTreeMap<MediaSessionId, Stream<Out, In>>,
    due: BTreeSet<(Duration, MediaSessionId)>,
    frames: VecDeque<Frame<Out>>,
    /// Sessions that may owe an acknowledgement. It goes along with the next thing said, if that comes before the frames are
    /// taken.
    owing: Vec<MediaSessionId>,
}

impl<Out: Clone, In> Side<Out, In> {
    pub(crate) fn new() -> Side<Out, In> {
        Side {
            streams: BTreeMap::new(),
            due: BTreeSet::new(),
            frames: VecDeque::new(),
            owing: Vec::new(),
        }
    }

    pub(crate) fn get(&mut self, session: MediaSessionId) -> Option<&mut Stream<Out, In>> {
        self.streams.get_mut(&session)
    }

    pub(crate) fn insert(&mut self, session: MediaSessionId, stream: Stream<Out, In>) {
        self.remove(session);
        self.streams.insert(session, stream);
    }

    pub(crate) fn remove(&mut self, session: MediaSessionId) -> Option<Stream<Out, In>> {
        let stream = self.streams.remove(&session)?;
        self.due.remove(&(stream.armed, session));
        Some(stream)
    }

    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    /// The sessions of a tenant.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> impl Iterator<Item = MediaSessionId> {
        let first = MediaSessionId::of(tenant, CallId(0), StreamKind::Audio);
        let sessions = self.streams.range(first..).map(|(session, _)| *session);
        sessions.take_while(move |session| session.tenant() == tenant)
    }

    /// Says something in a session that there is.
    pub(crate) fn say(&mut self, session: MediaSessionId, item: Out, now: Duration) {
        if let Some(stream) = self.streams.get_mut(&session) {
            let body = stream.say(item, now);
            self.frames.push_back(stream.frame(session, body));
        }
        self.arm(session);
    }

    /// Hears a frame about a session that there is.
    pub(crate) fn hear(
        &mut self,
        session: MediaSessionId,
        ack: u32,
        body: Body<In>,
        now: Duration,
    ) -> Vec<In> {
        let mut items = Vec::new();
        if let Some(stream) = self.streams.get_mut(&session) {
            stream.hear(ack, body, now, &mut items);
            if stream.owes {
                self.owing.push(session);
            }
        }
        self.arm(session);
        items
    }

    pub(crate) fn push(&mut self, frame: Frame<Out>) {
        self.frames.push_back(frame);
    }

    /// What is to be carried to the other end.
    pub(crate) fn poll_frame(&mut self) -> Option<Frame<Out>> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(frame);
        }
        while let Some(session) = self.owing.pop() {
            if let Some(stream) = self.streams.get_mut(&session).filter(|stream| stream.owes) {
                return Some(stream.frame(session, Body::Ack));
            }
        }
        None
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Looks at what is due. Gives a session whose other end is dead; call until `None`.
    pub(crate) fn dead(&mut self, now: Duration) -> Option<MediaSessionId> {
        while let Some(&(_, session)) = self.due.first().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            let Some(stream) = self.streams.get_mut(&session) else {
                continue;
            };
            stream.armed = Duration::MAX;
            if !stream.look(session, now, &mut self.frames) {
                return Some(session);
            }
            self.arm(session);
        }
        None
    }

    /// A deadline that has moved away is noticed when the old one comes: most are never reached.
    fn arm(&mut self, session: MediaSessionId) {
        let Some(stream) = self.streams.get_mut(&session) else {
            return;
        };
        let due = stream.due();
        if due < stream.armed {
            self.due.remove(&(stream.armed, session));
            stream.armed = due;
            self.due.insert((due, session));
        }
    }
}
