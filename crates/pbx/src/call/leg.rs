//! One side of a call: a dialog with a phone, and what has been agreed with it.

use super::capabilities::Capabilities;
use super::session::Session;
use crate::carriers::Parting;
use crate::context::{Context, Owner};
use crate::following::PhoneKey;
use crate::location::same_flow;
use crate::peer::Peer;
use bytes::Bytes;
use model::{FlowToken, Now, TollTicket, UserId};
use sdp::{Description, Side};
use sip::dialog::{Dialog, ViaParts};
use sip::transaction::{ClientId, ServerId};
use sip::{Message, Method, Name, Writer};

/// A leg with a dialog.
pub(crate) struct Leg {
    pub(crate) dialog: Dialog,
    /// The way to the phone: renewed by its requests and when it registers anew.
    pub(crate) flow: FlowToken,
    pub(crate) peer: Peer,
    /// The registration that the phone speaks from, where it has one.
    pub(crate) key: Option<PhoneKey>,
    /// That connection is gone and the phone has not come back yet.
    pub(crate) away: bool,
    /// What we have told the phone about media.
    pub(crate) side: Side,
    /// What the phone has told us, last.
    pub(crate) remote: Option<Description>,
    /// It keeps the other leg from being heard. See [`Leg::judge_hold`].
    pub(crate) holds: bool,
    /// A 2xx of ours that waits for its ACK, and the CSeq number of both.
    pub(crate) unacknowledged: Option<(ServerId, u32)>,
    /// The Reason of the BYE that is sent as soon as that ACK has come: before it, none may be (RFC 3261 §15).
    pub(crate) parting: Option<String>,
    /// The ACK to the phone's last 2xx, by CSeq, in case that comes again.
    pub(crate) ack: Option<(u32, Bytes)>,
    pub(crate) exchange: Exchange,
    /// How often in a row the phone answered 491 to what was to bring back what was before.
    pub(crate) glares: u8,
    /// Our request was asked for a proof, and sent again with it.
    pub(crate) challenged: bool,
    /// CSeq number of our last INVITE without an offer: the ACK to its 2xx carries our answer.
    pub(crate) offerless: Option<u32>,
    /// The offer that the phone made in such a 2xx, while the other leg's answer to it is awaited.
    pub(crate) owed: Option<Box<Owed>>,
    pub(crate) can: Capabilities,
    pub(crate) session: Option<Session>,
    /// Our Session-ID value in this dialog, where a phone of the call has one.
    pub(crate) session_id: Option<Box<str>>,
    /// By which the tenant's limits know it, from the carrier's answer to its end, in whatever calls it is meanwhile.
    pub(crate) ticket: Option<TollTicket>,
    /// We made the dialog's Call-ID, so after glare ours is the longer wait (RFC 3261 §14.1).
    pub(crate) invited: bool,
}

/// A 2xx that is not acknowledged yet, for the ACK has to carry an answer (RFC 3261 §13.2.1).
pub(crate) struct Owed {
    pub(crate) cseq: u32,
    pub(crate) offer: Description,
}

/// A re-INVITE under way on a leg.
pub(crate) enum Exchange {
    Idle,
    /// The phone asked; we owe it an answer.
    Theirs {
        server: ServerId,
        request: Box<[u8]>,
        /// `None`: it asked for an offer of the other leg.
        offer: Option<Box<Description>>,
    },
    /// We asked on behalf of the other leg.
    Ours {
        client: ClientId,
        cseq: u32,
        /// Only to bring back what was before: the other leg awaits no answer.
        restores: bool,
    },
}

impl Leg {
    /// A leg that has agreed on nothing yet.
    pub(crate) fn new(dialog: Dialog, flow: FlowToken, peer: Peer, key: Option<PhoneKey>, side: Side) -> Leg {
        Leg {
            dialog,
            flow,
            peer,
            key,
            away: false,
            side,
            remote: None,
            holds: false,
            unacknowledged: None,
            parting: None,
            ack: None,
            exchange: Exchange::Idle,
            glares: 0,
            challenged: false,
            offerless: None,
            owed: None,
            can: Capabilities::default(),
            session: None,
            session_id: None,
            ticket: None,
            invited: false,
        }
    }

    /// The place of a leg that is in another call, or in none any more.
    pub(crate) fn absent(peer: Peer, flow: FlowToken) -> Leg {
        let dialog = Dialog {
            call_id: String::new(),
            local_tag: String::new(),
            remote_tag: String::new(),
            local: String::new(),
            remote: String::new(),
            local_cseq: 0,
            remote_cseq: None,
            remote_target: String::new(),
            route_set: Vec::new(),
        };
        Leg::new(dialog, flow, peer, None, Side::new(0))
    }

    /// Whose phone it is.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.peer.user()
    }

    /// False for the place of a leg that is elsewhere.
    pub(crate) fn is_present(&self) -> bool {
        !self.dialog.local_tag.is_empty()
    }

    /// Sees by what has been said whether the leg holds the other. Who is offered a stream on which nothing comes can't receive
    /// anything, whatever it wants: it does then what it did before.
    pub(crate) fn judge_hold(&mut self, allowed: &[String]) {
        let deaf = self.remote.as_ref().is_some_and(|remote| remote.is_held(allowed));
        self.holds = deaf && (self.holds || !self.side.has_offered_silence());
    }

    /// What it was just asked is not for another leg that waits for the answer.
    pub(super) fn answers_us_alone(&mut self) {
        if let Exchange::Ours { restores, .. } = &mut self.exchange {
            *restores = true;
        }
    }

    /// True when the leg says that it sends nothing.
    pub(crate) fn is_quiet(&self, allowed: &[String]) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|remote| remote.is_quiet(allowed))
    }

    /// A request in this dialog, its Via and headers written, ready for more.
    pub(crate) fn request(&mut self, context: &mut Context, method: Method<'static>) -> (String, Writer) {
        let branch = context.new_branch();
        let proof = self.proof(context, method);
        let writer = self.dialog.request(method, via(&self.flow, &branch));
        let writer = match &proof {
            Some((name, value)) => writer.header(*name, value),
            None => writer,
        };
        let writer = match &self.session_id {
            Some(value) => writer.header(Name::SessionId, value),
            None => writer,
        };
        (branch, writer.header(Name::UserAgent, &context.server_name))
    }

    /// What proves to a carrier who we are, once it has asked: said with every request, so that it need not ask again.
    fn proof(&self, context: &mut Context, method: Method<'_>) -> Option<(Name, String)> {
        let (trunk, cnonce) = (self.peer.trunk()?, context.random());
        let uri = &self.dialog.remote_target;
        context.carriers.proof(trunk, method.as_str(), uri, cnonce)
    }

    /// Acknowledges a 2xx, and keeps the ACK for the next copy of it. One whose ACK needs an answer has to wait.
    pub(crate) fn acknowledge(&mut self, context: &mut Context, cseq: u32) {
        if self.owed.as_ref().is_none_or(|owed| owed.cseq != cseq) {
            self.acknowledge_with(context, cseq, "");
        }
    }

    /// Acknowledges a 2xx with this answer to the offer in it.
    pub(crate) fn acknowledge_with(&mut self, context: &mut Context, cseq: u32, answer: &str) {
        if let Some((known, bytes)) = &self.ack
            && *known == cseq
        {
            // The first may have been lost with a connection, or may still wait for one.
            return context.transmit(self.flow, bytes.clone());
        }
        let branch = context.new_branch();
        let writer = self.dialog.ack(cseq, via(&self.flow, &branch));
        let bytes = writer.body(sdp::CONTENT_TYPE, answer.as_bytes());
        self.ack = Some((cseq, bytes.clone()));
        context.send_ack(self.flow, bytes);
    }

    /// Ends the dialog.
    pub(crate) fn bye(&mut self, context: &mut Context, reason: &str, now: Now) {
        if let Some(trunk) = self.peer.trunk() {
            let (flow, reason) = (self.flow, reason.to_owned());
            let dialog = self.dialog.clone();
            let parting = Parting {
                trunk,
                dialog,
                flow,
                reason,
            };
            let sent = context.part(parting, now);
            self.dialog.local_cseq = sent;
            return;
        }
        let (branch, writer) = self.request(context, Method::Bye);
        let writer = if reason.is_empty() {
            writer
        } else {
            writer.header(Name::Reason, reason)
        };
        // At the limit of transactions the BYE is sent once: better than silence.
        let bytes = writer.finish();
        // The phone may come back on another connection, or from another port.
        let phone = self.user().zip(self.key.as_ref());
        let owner = phone.map_or(Owner::None, |(user, _)| Owner::Parting(user));
        let sent = context.request(Method::Bye, &branch, bytes.clone(), self.flow, owner, now);
        match (sent, phone) {
            (Ok(client), Some((user, phone))) => {
                let transport = self.flow.transport;
                context.following.parts(user, (client, phone.clone(), transport));
            }
            (Ok(_), None) => {}
            (Err(_), _) => context.transmit(self.flow, bytes),
        }
    }

    /// The phone is on another flow now; what it was asked and may not have heard is said again there.
    pub(crate) fn follow(&mut self, context: &mut Context, flow: FlowToken, now: Now) {
        let moved = !same_flow(&self.flow, &flow) || self.away;
        let alike = self.flow.transport == flow.transport;
        (self.flow, self.away) = (flow, false);
        self.guard_keys(context);
        if !moved {
            return;
        }
        context.counts.followed += 1;
        if !alike {
            return;
        }
        if let Exchange::Ours { client, .. } = &self.exchange {
            context.tx.redirect(*client, flow, now.mono);
        }
        if let Some(session) = &mut self.session {
            session.asked_on = Some(flow);
            if let Some(client) = session.updating {
                context.tx.redirect(client, flow, now.mono);
            }
        }
        if let Some((server, _)) = self.unacknowledged {
            context.tx.redirect_answer(server, flow);
        }
    }

    /// True when a refresh of its session went to where the phone is not any more.
    pub(crate) fn was_asked_elsewhere(&self) -> bool {
        let asked = self.session.and_then(|session| session.asked_on);
        asked.is_some_and(|asked| !same_flow(&asked, &self.flow))
    }

    /// True while the phone waits for our answer to this re-INVITE.
    pub(crate) fn owes(&self, asked: ServerId) -> bool {
        matches!(self.exchange, Exchange::Theirs { server, .. } if server == asked)
    }

    /// True when the response belongs to this dialog.
    pub(crate) fn has_response(&self, message: &Message<'_>) -> bool {
        let call_id = message.call_id().unwrap_or("");
        let local = message.from_tag().unwrap_or("");
        let remote = message.to_tag().unwrap_or("");
        self.dialog.matches(call_id, local, remote)
    }

    /// True when the message belongs to this dialog.
    pub(crate) fn has(&self, message: &Message<'_>) -> bool {
        self.dialog.has(message)
    }
}

/// The Via of a request that leaves on this flow.
pub(crate) fn via<'a>(flow: &FlowToken, branch: &'a str) -> ViaParts<'a> {
    ViaParts {
        transport: flow.transport.via(),
        sent_by: flow.local,
        branch,
    }
}
