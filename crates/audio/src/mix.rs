//! A conference: everybody hears the loudest speakers but himself.
//!
//! Who is among the speakers stays there until somebody is clearly louder, and comes and goes over a frame, so nothing
//! clicks. All who do not speak hear the same sum: it is made, and may be encoded, once.
//!
//! Members are narrow-band or wide-band. Each band has a sum of its own, and hears that of the other one, which is converted
//! once however many members there are: two filters that run on, whoever comes and goes.

use crate::detect::level_dbov;
use crate::resample::Resampler;

/// Members at most.
pub const MAX_MEMBERS: usize = 512;
/// Somebody quieter than this does not speak, dBov.
const LEAST_DBOV: f32 = -55.0;
/// A challenger has to be louder than a speaker by this, dB.
const HYSTERESIS_DB: f32 = 4.0;
/// How fast a level is forgotten, dB per frame: a pause between words keeps a seat.
const FORGET_DB: f32 = 0.5;
/// A sum above this is bent, so that it never clips.
const KNEE: i32 = 24_000;
/// Frames of silence behind which nothing is left in a filter.
const TAIL: u8 = 2;

/// Names a member as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat(usize);

/// What a member speaks and hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// 8,000 samples per second.
    Narrow,
    /// 16,000 samples per second.
    Wide,
}

impl Band {
    /// Both.
    pub const ALL: [Band; 2] = [Band::Narrow, Band::Wide];

    /// Of so many samples per second.
    #[must_use]
    pub fn of_rate(rate_hz: u32) -> Band {
        if rate_hz >= 16_000 {
            Band::Wide
        } else {
            Band::Narrow
        }
    }

    /// Samples per second.
    #[must_use]
    pub fn rate_hz(self) -> u32 {
        match self {
            Band::Narrow => 8_000,
            Band::Wide => 16_000,
        }
    }

    /// Samples of a frame, 20 ms.
    #[must_use]
    pub fn frame(self) -> usize {
        match self {
            Band::Narrow => 160,
            Band::Wide => 320,
        }
    }
}

/// What a member hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// What all of its band hear who do not speak: see [`Mixer::common`].
    Common,
    /// The others; written into the given frame.
    Own,
}

#[derive(Clone, Debug)]
struct Member {
    band: Band,
    frame: Vec<i16>,
    /// A frame was put since the last mix.
    is_here: bool,
    /// And one was put before that.
    was_here: bool,
    /// Peak level that is slowly forgotten, dBov.
    level: f32,
    was_speaking: bool,
    speaks: bool,
}

/// The sound of one band.
#[derive(Clone, Debug)]
struct Half {
    members: usize,
    /// What is heard: first what was said in this band, then everything.
    sum: Vec<i32>,
    has_sum: bool,
    /// What other mixers said, which is not to be told to them again.
    others: Vec<i32>,
    has_others: bool,
    /// What was said here, for other mixers, and whether anything was.
    was_said: bool,
    local: Vec<i16>,
    /// What was said in this band, here or there.
    alone: Vec<i16>,
    /// What the other band hears of that.
    converted: Vec<i16>,
    resampler: Option<Resampler>,
    /// Frames of silence that the filter has had.
    silence: u8,
    common: Vec<i16>,
}

impl Half {
    fn new(band: Band, other: Band) -> Half {
        let frame = band.frame();
        Half {
            members: 0,
            sum: vec![0; frame],
            has_sum: false,
            others: vec![0; frame],
            has_others: false,
            was_said: false,
            local: vec![0; frame],
            alone: vec![0; frame],
            converted: vec![0; other.frame()],
            resampler: Resampler::new(band.rate_hz(), other.rate_hz()).ok(),
            silence: TAIL,
            common: vec![0; frame],
        }
    }

    /// Adds what is said here. The first of a frame begins a new sum.
    fn add(&mut self, frame: &[i16]) {
        if !std::mem::replace(&mut self.has_sum, true) {
            self.sum.fill(0);
        }
        for (sum, sample) in self.sum.iter_mut().zip(frame) {
            *sum += i32::from(*sample);
        }
    }

    /// Ends what was said in this band, and converts it for the other one if anybody is there.
    fn close(&mut self, is_wanted: bool) {
        match self.has_sum {
            true => limit_all(&mut self.local, &self.sum),
            false => self.sum.fill(0),
        }
        if self.has_others {
            for (sum, other) in self.sum.iter_mut().zip(&self.others) {
                *sum += *other;
            }
        }
        if self.has_sum || self.has_others {
            limit_all(&mut self.alone, &self.sum);
            self.silence = 0;
        } else if self.silence < TAIL {
            self.alone.fill(0);
            self.silence += 1;
        }
        if let Some(resampler) = self
            .resampler
            .as_mut()
            .filter(|_| is_wanted && self.silence < TAIL)
        {
            let count = resampler.process(&self.alone, &mut self.converted);
            self.converted.iter_mut().skip(count).for_each(|s| *s = 0);
        }
    }

    /// Hears what the other band says.
    fn hear(&mut self, other: &Half) {
        if self.members == 0 {
            return;
        }
        if other.silence < TAIL {
            for (sum, sample) in self.sum.iter_mut().zip(&other.converted) {
                *sum += i32::from(*sample);
            }
        }
        limit_all(&mut self.common, &self.sum);
    }

    /// What comes now is of the next frame.
    fn end(&mut self) {
        self.was_said = std::mem::take(&mut self.has_sum);
        if std::mem::take(&mut self.has_others) {
            self.others.fill(0);
        }
    }
}

/// Mixes one conference, a frame at a time.
#[derive(Clone, Debug)]
pub struct Mixer {
    members: Vec<Option<Member>>,
    speakers: usize,
    narrow: Half,
    wide: Half,
    /// Candidates of the frame, to be sorted.
    ranks: Vec<(f32, usize)>,
    /// The loudest, until another is clearly louder.
    leader: Option<usize>,
}

impl Mixer {
    /// So many speakers at once.
    #[must_use]
    pub fn new(speakers: usize) -> Mixer {
        Mixer {
            members: Vec::new(),
            speakers,
            narrow: Half::new(Band::Narrow, Band::Wide),
            wide: Half::new(Band::Wide, Band::Narrow),
            ranks: Vec::new(),
            leader: None,
        }
    }

    /// Takes a member in; `None` when there are [`MAX_MEMBERS`].
    pub fn join(&mut self, band: Band) -> Option<Seat> {
        let free = self.members.iter().position(Option::is_none);
        let at = free.unwrap_or(self.members.len());
        if at >= MAX_MEMBERS {
            return None;
        }
        if at == self.members.len() {
            self.members.push(None);
        }
        *self.members.get_mut(at)? = Some(Member {
            band,
            frame: vec![0; band.frame()],
            is_here: false,
            was_here: false,
            level: f32::NEG_INFINITY,
            was_speaking: false,
            speaks: false,
        });
        self.half(band).members += 1;
        Some(Seat(at))
    }

    /// Lets a member go. One who is heard fades out over the next frame.
    pub fn leave(&mut self, seat: Seat) {
        let member = self.members.get_mut(seat.0).and_then(Option::take);
        let Some(mut member) = member else { return };
        let half = self.half(member.band);
        half.members -= 1;
        if member.speaks && member.was_here {
            echo(&mut member.frame);
            half.add(&member.frame);
        }
    }

    /// What a member says in this frame. Missing samples are silence; who puts nothing says nothing.
    pub fn put(&mut self, seat: Seat, frame: &[i16]) {
        let Some(member) = self.member(seat) else {
            return;
        };
        let length = member.frame.len().min(frame.len());
        let (said, silent) = member.frame.split_at_mut(length);
        said.iter_mut().zip(frame).for_each(|(to, from)| *to = *from);
        silent.fill(0);
        member.is_here = true;
        member.level = level_dbov(frame).max(member.level - FORGET_DB);
    }

    /// What is said by nobody, and heard by all.
    pub fn announce(&mut self, band: Band, frame: &[i16]) {
        let half = self.half(band);
        half.add(frame);
    }

    /// What another mixer of the same conference gave as [`Mixer::local`].
    pub fn put_other(&mut self, band: Band, frame: &[i16]) {
        let half = self.half(band);
        half.has_others = true;
        for (other, sample) in half.others.iter_mut().zip(frame) {
            *other += i32::from(*sample);
        }
    }

    /// Chooses the speakers and sums them. Before it, [`Mixer::put`] for all; behind it, [`Mixer::heard_by`] for all.
    pub fn mix(&mut self) {
        self.choose();
        for member in self.members.iter_mut().flatten() {
            match (member.is_here, member.was_here) {
                (true, was_here) => fade(&mut member.frame, was_here, true),
                (false, true) => echo(&mut member.frame),
                (false, false) => member.frame.fill(0),
            }
            if !member.is_here {
                member.level -= FORGET_DB;
            }
            member.was_here = std::mem::take(&mut member.is_here);
            if !member.speaks && !member.was_speaking {
                continue;
            }
            fade(&mut member.frame, member.was_speaking, member.speaks);
            match member.band {
                Band::Narrow => self.narrow.add(&member.frame),
                Band::Wide => self.wide.add(&member.frame),
            }
        }
        let (narrow, wide) = (&mut self.narrow, &mut self.wide);
        narrow.close(wide.members > 0);
        wide.close(narrow.members > 0);
        narrow.hear(wide);
        wide.hear(narrow);
        narrow.end();
        wide.end();
    }

    /// What all hear in a band who do not speak.
    #[must_use]
    pub fn common(&self, band: Band) -> &[i16] {
        match band {
            Band::Narrow => &self.narrow.common,
            Band::Wide => &self.wide.common,
        }
    }

    /// What is said in a band by the members of this mixer and announced to them, for [`Mixer::put_other`] of another; `None` =
    /// nothing.
    #[must_use]
    pub fn local(&self, band: Band) -> Option<&[i16]> {
        let half = match band {
            Band::Narrow => &self.narrow,
            Band::Wide => &self.wide,
        };
        half.was_said.then_some(&half.local)
    }

    /// Whether a member hears the common sum or its own, which is then written.
    pub fn heard_by(&self, seat: Seat, frame: &mut [i16]) -> Hears {
        let member = self.members.get(seat.0).and_then(Option::as_ref);
        let Some(member) = member.filter(|m| m.speaks || m.was_speaking) else {
            return Hears::Common;
        };
        let sum = match member.band {
            Band::Narrow => &self.narrow.sum,
            Band::Wide => &self.wide.sum,
        };
        for ((to, sum), own) in frame.iter_mut().zip(sum).zip(&member.frame) {
            *to = limit(*sum - i32::from(*own));
        }
        Hears::Own
    }

    /// Does nobody say anything, here or elsewhere?
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.narrow.silence >= TAIL && self.wide.silence >= TAIL
    }

    /// Is this member among the speakers?
    #[must_use]
    pub fn speaks(&self, seat: Seat) -> bool {
        let member = self.members.get(seat.0).and_then(Option::as_ref);
        member.is_some_and(|m| m.speaks)
    }

    /// The loudest speaker, until another is clearly louder or it is none any more.
    #[must_use]
    pub fn loudest(&self) -> Option<Seat> {
        self.leader.map(Seat)
    }

    fn member(&mut self, seat: Seat) -> Option<&mut Member> {
        self.members.get_mut(seat.0)?.as_mut()
    }

    fn half(&mut self, band: Band) -> &mut Half {
        match band {
            Band::Narrow => &mut self.narrow,
            Band::Wide => &mut self.wide,
        }
    }

    fn choose(&mut self) {
        self.ranks.clear();
        for (at, member) in self.members.iter().enumerate() {
            if let Some(member) = member.as_ref().filter(|m| m.level > LEAST_DBOV) {
                let bonus = if member.speaks { HYSTERESIS_DB } else { 0.0 };
                self.ranks.push((member.level + bonus, at));
            }
        }
        // Of two who are equally loud, the first who came.
        self.ranks
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.ranks.truncate(self.speakers);
        for member in self.members.iter_mut().flatten() {
            member.was_speaking = std::mem::take(&mut member.speaks);
        }
        for (_, at) in &self.ranks {
            if let Some(member) = self.members.get_mut(*at).and_then(Option::as_mut) {
                member.speaks = true;
            }
        }
        let leader = self.ranks.iter().find(|(_, at)| Some(*at) == self.leader);
        let least = leader.map_or(f32::NEG_INFINITY, |(level, _)| level + HYSTERESIS_DB);
        let first = self.ranks.first();
        let louder = first.filter(|(level, _)| *level > least).or(leader);
        self.leader = louder.map(|(_, at)| *at);
    }
}

/// Brings a speaker in or out over the frame.
fn fade(frame: &mut [i16], from: bool, to: bool) {
    if from == to {
        return;
    }
    let length = frame.len() as i32;
    for (n, sample) in (1..=length).zip(frame.iter_mut()) {
        let share = if to { n } else { length - n };
        *sample = (i32::from(*sample) * share / length) as i16;
    }
}

/// What stands in for the frame behind one that was cut: the same backwards, so that it begins where that ended, and fading
/// out.
fn echo(frame: &mut [i16]) {
    frame.reverse();
    fade(frame, true, false);
}

fn limit_all(to: &mut [i16], sums: &[i32]) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = limit(*sum);
    }
}

/// Leaves what is below the knee as it is, and bends what is above so that it nears, but never passes, the largest sample.
fn limit(sum: i32) -> i16 {
    const ROOM: i32 = i16::MAX as i32 - KNEE;
    let over = sum.abs() - KNEE;
    if over <= 0 {
        return sum as i16;
    }
    // Both factors stay below 2^15 times the number of speakers, and that below 2^9.
    let bent = i64::from(ROOM) * i64::from(over) / i64::from(over + ROOM);
    ((KNEE + bent as i32) * sum.signum()) as i16
}
