//! A filter that the kernel runs on each datagram of a socket into which more comes than can be read: who is known passes, and of all
//! others a share.
//!
//! A socket's buffer that is full loses whatever comes next, a phone's answer like a stranger's hundredth question, and a datagram that
//! is read only to be refused has cost most of what it can cost. The filter is a program for the packet filter of BSD (McCanne and
//! Jacobson 1993), which needs no privilege. It has neither tables nor loops, so those who are known are bits of bitmaps that it
//! finds its way through by comparing; a stranger has the bit of a known one by chance, and passes.
//!
//! Owns: the program. Does not own: sockets, who is known (`guard`), or when there is too much (`pressure`).

use crate::address::number;
use crate::kind::OUTSIDE;
use crate::pressure::Share;
use number::Country;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// One instruction, as the kernel takes it (`struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What is done.
    pub code: u16,
    /// Instructions that are passed over where a comparison holds.
    pub jt: u8,
    /// And where it does not.
    pub jf: u8,
    /// An operand.
    pub k: u32,
}

// <linux/bpf_common.h> and <linux/filter.h>: A is the accumulator, X the index register, M the scratch memory.
const LD: u16 = 0x20;
const LD_HALF: u16 = 0x28;
const LD_OCTET: u16 = 0x30;
const LD_NUMBER: u16 = 0x00;
const LD_MEMORY: u16 = 0x60;
const LDX_MEMORY: u16 = 0x61;
const STORE: u16 = 0x02;
const MULTIPLY: u16 = 0x24;
const AND: u16 = 0x54;
const SHIFT: u16 = 0x74;
const SHIFT_X: u16 = 0x7c;
const XOR_X: u16 = 0xac;
const TO_X: u16 = 0x07;
const GO: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_MORE: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;
/// Where the network's header begins, and where a random number is.
const NET: u32 = 0xfff0_0000;
const RANDOM: u32 = 0xffff_f000 + 56;
/// The source within the header of IPv4 and of IPv6.
const SOURCE_V4: u32 = NET + 12;
const SOURCE_V6: u32 = NET + 8;
/// Octets of a UDP header, which is what the filter of such a socket begins with.
const UDP: u32 = 8;

/// Stands for the end of a tree until that is known.
const END: u32 = u32::MAX;
/// And this for the way to a draw.
const TO_DRAW: u8 = u8::MAX;
/// All of it passes.
const PASSES: Instruction = Instruction {
    code: RETURN,
    jt: 0,
    jf: 0,
    k: u32::MAX,
};

/// Bits of an index into the bitmaps: 32,768 for flows, 4,096 for sources, 1,024 for neighbours. The kernel takes 4,096 instructions, and
/// a word of 32 bits is three.
const FLOW_BITS: u32 = 15;
const SOURCE_BITS: u32 = 12;
const NEIGHBOUR_BITS: u32 = 10;
/// Of a small program, for kernels that give a socket little memory (`net.core.optmem_max`): 2,048, 512 and 256.
const FEWER_BITS: [u32; 3] = [11, 9, 8];
/// Ranges of addresses of which nothing is asked that fit in; of more, those closest to each other count as one.
const RANGES: usize = 48;
/// Beginnings of numbers for help that fit in.
const BEGINNINGS: usize = 240;

/// Which addresses a socket hears from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Who is known, as far as a filter can say it.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// One for each word of an address, and one for a port; odd.
    keys: [u32; 4],
    port_key: u32,
    flows: Bitmap,
    sources: Bitmap,
    neighbours: Bitmap,
    ranges: Vec<(u128, u128)>,
    help: BTreeSet<[u8; 3]>,
}

#[derive(Clone, Debug)]
struct Bitmap {
    bits: u32,
    words: Box<[u32]>,
}

impl Bitmap {
    fn new(bits: u32) -> Bitmap {
        Bitmap {
            bits,
            words: vec![0; 1 << (bits - 5)].into(),
        }
    }

    /// The same with fewer bits.
    fn folded(&self, bits: u32) -> Bitmap {
        let mut fewer = Bitmap::new(bits);
        for (number, word) in (0_u32..).zip(&self.words) {
            for bit in (0..32).filter(|bit| word >> bit & 1 == 1) {
                fewer.add((number << 5 | bit) << (32 - self.bits));
            }
        }
        fewer
    }

    /// True where a stranger has one of its bits by chance one time in four at most.
    fn is_sparse(&self) -> bool {
        let set: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        set <= 1 << (self.bits - 2)
    }

    fn add(&mut self, hash: u32) {
        let index = hash >> (32 - self.bits);
        let word = usize::try_from(index >> 5).unwrap_or(0);
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << (index & 31);
        }
    }
}

/// The lowest 32 bits.
fn low(number: u128) -> u32 {
    u32::try_from(number & u128::from(u32::MAX)).unwrap_or(0)
}

/// The words of an address, as the filter reads them.
fn words(ip: IpAddr) -> Vec<u32> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => vec![v4.into()],
        IpAddr::V6(v6) => {
            let number = u128::from(v6);
            [96, 64, 32, 0].map(|shift| low(number >> shift)).into()
        }
    }
}

impl Sieve {
    /// Nobody is known. The seed is secret, or a stranger could choose an address whose bit is set. Calls to the numbers for help of these
    /// countries pass more often than other things.
    #[must_use]
    pub fn new(seed: [u64; 2], countries: &[Country]) -> Sieve {
        let half = |number: u64, shift: u32| low(u128::from(number >> shift)) | 1;
        let [one, two] = seed;
        Sieve {
            keys: [half(one, 0), half(one, 32), half(two, 0), half(two, 32)],
            port_key: half(one ^ two, 16),
            flows: Bitmap::new(FLOW_BITS),
            sources: Bitmap::new(SOURCE_BITS),
            neighbours: Bitmap::new(NEIGHBOUR_BITS),
            ranges: Vec::new(),
            help: beginnings(countries),
        }
    }

    /// Somebody has shown who he is by datagrams from there.
    pub fn flow(&mut self, from: SocketAddr) {
        let hash = (self.hash(&words(from.ip())) ^ u32::from(from.port())).wrapping_mul(self.port_key);
        self.flows.add(hash);
    }

    /// Nothing is asked of an address, whatever port it sends from; of IPv6, of its /64.
    pub fn source(&mut self, ip: IpAddr) {
        let mut words = words(ip);
        words.truncate(2);
        self.sources.add(self.hash(&words));
    }

    /// Somebody has shown who he is from an address, by whatever flow: he may come by another one, and passes more often than strangers do.
    pub fn neighbour(&mut self, ip: IpAddr) {
        let mut words = words(ip);
        words.truncate(2);
        self.neighbours.add(self.hash(&words));
    }

    /// Nothing is asked of a range of addresses, both ends included.
    pub fn between(&mut self, first: IpAddr, last: IpAddr) {
        match first == last {
            true => self.source(first),
            false => self.ranges.push((number(first), number(last))),
        }
    }

    /// Known by fewer bits, so that its programs are short: more strangers pass for known ones.
    #[must_use]
    pub fn shorter(&self) -> Sieve {
        let [flows, sources, neighbours] = FEWER_BITS;
        Sieve {
            flows: self.flows.folded(flows),
            sources: self.sources.folded(sources),
            neighbours: self.neighbours.folded(neighbours),
            ..self.clone()
        }
    }

    fn hash(&self, words: &[u32]) -> u32 {
        let pairs = words.iter().zip(&self.keys);
        pairs.fold(0, |hash, (word, key)| (hash ^ word).wrapping_mul(*key))
    }

    /// The filter of a socket.
    #[must_use]
    pub fn program(&self, family: Family, share: Share) -> Vec<Instruction> {
        let mut program = Program::default();
        let [one, two, three, four] = self.keys;
        let first = match family {
            Family::V4 => SOURCE_V4,
            Family::V6 => SOURCE_V6,
        };
        program.push(LD, first);
        let ranges = self.ranges.iter().filter_map(|range| bounds(*range, family));
        for (low, high) in coarse(ranges.collect()) {
            program.branch(IF_AT_LEAST, low, 0, 2);
            program.branch(IF_MORE, high, 1, 0);
            program.0.push(PASSES);
        }
        program.push(MULTIPLY, one);
        if family == Family::V6 {
            program.mix(SOURCE_V6 + 4, two);
        }
        program.keep(0);
        program.look_up(&self.sources, &[PASSES]);
        program.push(LD_MEMORY, 0);
        if family == Family::V6 {
            program.mix(SOURCE_V6 + 8, three);
            program.mix(SOURCE_V6 + 12, four);
        }
        program.push(TO_X, 0);
        program.push(LD_HALF, 0);
        program.push(XOR_X, 0);
        program.push(MULTIPLY, self.port_key);
        program.look_up(&self.flows, &[PASSES]);
        // Where most bits are set, most strangers would pass for neighbours.
        if self.neighbours.is_sparse() {
            program.push(LD_MEMORY, 0);
            program.look_up(&self.neighbours, &draw(share.neighbours));
        }
        program.help(&self.help, share.help);
        program.0.extend(draw(share.others));
        program.0
    }
}

/// What the first word of an address in a range is at least and at most; a range of IPv6 counts as the /32 around it.
fn bounds((first, last): (u128, u128), family: Family) -> Option<(u32, u32)> {
    let v4 = number(IpAddr::from([0, 0, 0, 0]))..=number(IpAddr::from([255, 255, 255, 255]));
    let is_v4 = v4.contains(&first) && v4.contains(&last);
    match family {
        Family::V4 => is_v4.then_some((low(first), low(last))),
        Family::V6 => (!is_v4).then_some((low(first >> 96), low(last >> 96))),
    }
}

/// How users begin who may be numbers for help of these countries, with or without the digit for an outside line.
fn beginnings(countries: &[Country]) -> BTreeSet<[u8; 3]> {
    let numbers = number::emergency_numbers(countries);
    let dialled =
        numbers.flat_map(|number| OUTSIDE.map(|outside| format!("{}{number}", outside.unwrap_or_default())));
    let ended = dialled.flat_map(|number| ["@", ";", ":"].map(|end| format!("{number}{end}")));
    ended
        .filter_map(|text| text.as_bytes().first_chunk().copied())
        .collect()
}

#[derive(Default)]
struct Program(Vec<Instruction>);

impl Program {
    fn push(&mut self, code: u16, k: u32) {
        self.branch(code, k, 0, 0);
    }

    fn branch(&mut self, code: u16, k: u32, jt: u8, jf: u8) {
        self.0.push(Instruction { code, jt, jf, k });
    }

    /// A becomes (A ^ word) * key.
    fn mix(&mut self, word: u32, key: u32) {
        self.push(TO_X, 0);
        self.push(LD, word);
        self.push(XOR_X, 0);
        self.push(MULTIPLY, key);
    }

    fn keep(&mut self, place: u32) {
        self.push(STORE, place);
    }

    /// Does this where the bit of A is set, and goes on otherwise.
    fn look_up(&mut self, bitmap: &Bitmap, found: &[Instruction]) {
        self.push(SHIFT, 32 - bitmap.bits);
        self.keep(1);
        self.push(AND, 31);
        self.keep(2);
        self.push(LD_MEMORY, 1);
        self.push(SHIFT, 5);
        self.0.extend(tree(&bitmap.words));
        self.push(LDX_MEMORY, 2);
        self.push(SHIFT_X, 0);
        self.branch(IF_BITS, 1, 0, u8::try_from(found.len()).unwrap_or(0));
        self.0.extend_from_slice(found);
    }

    /// What may be a call for help is drawn for by itself: an INVITE to a service, or to a user or telephone number that begins like this.
    fn help(&mut self, beginnings: &BTreeSet<[u8; 3]>, share: u32) {
        let word = |octets: [u8; 4]| u32::from_be_bytes(octets);
        let mut looks = Program::default();
        // `INVITE urn:service:sos`, `INVITE sip:112@`, `INVITE tel:+112`: what is meant begins at the eleventh octet.
        looks.push(LD, UDP + 11);
        looks.branch(IF_EQUAL, word(*b"serv"), TO_DRAW, 0);
        looks.push(LD_OCTET, UDP + 11);
        looks.branch(IF_EQUAL, b'+'.into(), 2, 0);
        looks.push(LD, UDP + 10);
        looks.push(GO, 1);
        looks.push(LD, UDP + 11);
        looks.push(AND, 0x00ff_ffff);
        for [a, b, c] in beginnings.iter().take(BEGINNINGS) {
            looks.branch(IF_EQUAL, word([0, *a, *b, *c]), TO_DRAW, 0);
        }
        let draw = draw(share);
        let over = u8::try_from(draw.len()).unwrap_or(0);
        looks.push(GO, over.into());
        let count = u8::try_from(looks.0.len()).unwrap_or(u8::MAX);
        self.push(LD, UDP);
        self.branch(IF_EQUAL, word(*b"INVI"), 0, count.saturating_add(over));
        for (mut look, left) in looks.0.into_iter().zip((0..count).rev()) {
            if look.jt == TO_DRAW {
                look.jt = left;
            }
            self.0.push(look);
        }
        self.0.extend(draw);
    }
}

/// A share passes, by chance, and the rest does not.
fn draw(share: u32) -> [Instruction; 4] {
    let one = |code, k, jt, jf| Instruction { code, jt, jf, k };
    [
        one(LD, RANDOM, 0, 0),
        one(IF_AT_LEAST, share, 0, 1),
        one(RETURN, 0, 0, 0),
        PASSES,
    ]
}

/// Those that overlap as one, and of too many those closest to each other.
fn coarse(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (low, high) in ranges {
        match joined.last_mut() {
            Some((_, end)) if low <= end.saturating_add(1) => *end = high.max(*end),
            _ => joined.push((low, high)),
        }
    }
    if joined.len() <= RANGES {
        return joined;
    }
    // Between those that stay apart the gaps are widest.
    let after = joined.iter().skip(1).map(|(low, _)| *low);
    let mut gaps: Vec<(u32, usize)> = joined
        .iter()
        .zip(after)
        .map(|((_, end), next)| next - end)
        .zip(1..)
        .collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    gaps.truncate(RANGES - 1);
    let mut begins: Vec<usize> = gaps.into_iter().map(|(_, place)| place).chain([0]).collect();
    begins.sort_unstable();
    let ends = begins.iter().skip(1).copied().chain([joined.len()]);
    let group = |(begin, end): (&usize, usize)| {
        let group = joined.get(*begin..end)?;
        Some((group.first()?.0, group.last()?.1))
    };
    begins.iter().zip(ends).filter_map(group).collect()
}

/// Finds the word whose number is A: A becomes it, and what follows goes on.
fn tree(words: &[u32]) -> Vec<Instruction> {
    let mut tree = branch(words, 0);
    let count = tree.len();
    for (index, leaf) in tree.iter_mut().enumerate() {
        if leaf.code == GO && leaf.k == END {
            leaf.k = u32::try_from(count - index - 1).unwrap_or(0);
        }
    }
    tree
}

/// The words from the one of this number on.
fn branch(words: &[u32], first: u32) -> Vec<Instruction> {
    let go = |code, k, jt, jf| Instruction { code, jt, jf, k };
    let one = words.first().copied().unwrap_or(0);
    if words.iter().all(|word| *word == one) {
        return vec![go(LD_NUMBER, one, 0, 0), go(GO, END, 0, 0)];
    }
    let (lower, upper) = words.split_at(words.len() / 2);
    let middle = first + u32::try_from(lower.len()).unwrap_or(0);
    let (lower, upper) = (branch(lower, first), branch(upper, middle));
    let over = u32::try_from(lower.len()).unwrap_or(0);
    let mut all = match u8::try_from(over) {
        Ok(over) => vec![go(IF_AT_LEAST, middle, over, 0)],
        Err(_) => vec![go(IF_AT_LEAST, middle, 0, 1), go(GO, over, 0, 0)],
    };
    all.extend(lower);
    all.extend(upper);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_ranges_are_made_fewer_and_none_is_left_out() {
        let ranges: Vec<(u32, u32)> = (0..100).map(|n| (n * n * 10, n * n * 10 + 3)).collect();
        let few = coarse(ranges.iter().rev().copied().chain([(5, 12)]).collect());
        assert_eq!(few.len(), RANGES);
        assert!(few.is_sorted_by(|(_, end), (next, _)| end < next));
        let within = |range: &(u32, u32)| few.iter().any(|(low, high)| *low <= range.0 && range.1 <= *high);
        assert!(ranges.iter().all(within) && within(&(5, 12)));
        assert_eq!(few.last(), ranges.last(), "far from others");
    }

    #[test]
    fn the_numbers_of_all_countries_fit_in() {
        let all = beginnings(&Country::all());
        assert!(all.len() <= BEGINNINGS, "{}", all.len());
        let home = beginnings(&[Country::parse("DE").unwrap()]);
        let texts: Vec<&str> = home.iter().map(|text| str::from_utf8(text).unwrap()).collect();
        assert_eq!(texts, ["011", "091", "110", "112", "911", "991"]);
        assert!(all.contains(b"15@") && all.contains(b"999"));
    }
}
