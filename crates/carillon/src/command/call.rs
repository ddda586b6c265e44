//! `carillon call`: commands about one call that is up, which the running server carries out.

use super::Desk;
use super::recording::{number, printed};
use crate::arguments::{Call, ForkLeg, ForkSide, RecordAct};
use crate::control::Request;
use crate::control::client::Client;
use anyhow::{Result, bail};
use model::{CallId, Container, Fork, ForkFormat, ForkId, ForkPlan, Leg, Over, Recording, RecordingId};
use serde_json::json;

/// Runs one of the commands.
pub(super) fn run(desk: &mut Desk, command: &Call) -> Result<()> {
    match command {
        Call::Record {
            tenant,
            call,
            act,
            recording,
            name,
            wav,
        } => {
            let format = if *wav { Container::Wav } else { Container::OggOpus };
            let act = match act {
                RecordAct::Start => Recording::Start {
                    format,
                    max_ms: 0,
                    silence_ms: 0,
                    call: None,
                },
                RecordAct::Pause => Recording::Pause,
                RecordAct::Mark => Recording::Mark(name.as_str().into()),
                RecordAct::Stop => Recording::Stop,
                RecordAct::Discard => Recording::Discard,
            };
            record(desk, tenant, *call, recording.as_deref(), act)
        }
        Call::Fork {
            tenant,
            call,
            url,
            side,
            l16,
            back,
            mixed,
        } => {
            let plan = ForkPlan {
                url: url.as_str().into(),
                side: match side {
                    ForkSide::Caller => model::ForkSide::Caller,
                    ForkSide::Callee => model::ForkSide::Callee,
                    ForkSide::Mixed => model::ForkSide::Mixed,
                    ForkSide::Both => model::ForkSide::Both,
                },
                format: match l16 {
                    Some(rate_hz) if ![8_000, 16_000, 24_000].contains(rate_hz) => {
                        bail!("--l16 takes 8000, 16000 or 24000 samples per second")
                    }
                    Some(rate_hz) => ForkFormat::L16 { rate_hz: *rate_hz },
                    None => ForkFormat::Twilio,
                },
                back: back.map(|leg| match leg {
                    ForkLeg::Caller => Leg::Caller,
                    ForkLeg::Callee => Leg::Callee,
                }),
                over: if *mixed { Over::Mixed } else { Over::Instead },
                call: CallId(*call),
            };
            fork(desk, tenant, *call, None, Fork::Start(Box::new(plan)))
        }
        Call::Unfork {
            tenant,
            call,
            fork: id,
        } => fork(desk, tenant, *call, Some(number(id)?), Fork::Stop),
    }
}

fn record(desk: &mut Desk, tenant: &str, call: u64, recording: Option<&str>, act: Recording) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    let recording = recording.map(number).transpose()?;
    if recording.is_none() && !matches!(act, Recording::Start { .. }) {
        bail!("name the recording with --recording; `start` printed its id");
    }
    let client = Client::connect(&desk.data_dir)?;
    let id: RecordingId = client.one(&Request::Record {
        tenant: row.id,
        call: CallId(call),
        recording,
        act,
    })?;
    let text = printed(id.number);
    desk.print(
        &json!({"tenant": row.name, "call": call, "recording": text}),
        &format!("{text}\n"),
    )
}

fn fork(desk: &mut Desk, tenant: &str, call: u64, fork: Option<u64>, act: Fork) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    let client = Client::connect(&desk.data_dir)?;
    let id: ForkId = client.one(&Request::Fork {
        tenant: row.id,
        call: CallId(call),
        fork,
        act,
    })?;
    let text = printed(id.number);
    desk.print(
        &json!({"tenant": row.name, "call": call, "fork": text}),
        &format!("{text}\n"),
    )
}
