//! Packets of two streams that share nothing (RFC 7845 section 3): the first delimits itself (RFC 6716 appendix B), the other goes to the
//! end. Only packets of one frame, which is what we write.

/// The most octets of a frame (RFC 6716 section 3.2.1).
const MAX_FRAME: usize = 1275;
/// Lengths from here on take two octets.
const LONG: usize = 252;
/// The two bits of the first octet that say how many frames there are.
const COUNT: u8 = 3;

/// Puts two packets of one frame each, of the same length in time, into one; appends it. False when they are not such.
pub fn join(left: &[u8], right: &[u8], into: &mut Vec<u8>) -> bool {
    let (Some((first, frame)), Some((other, _))) = (left.split_first(), right.split_first()) else {
        return false;
    };
    if first & COUNT != 0 || other & COUNT != 0 || frame.len() > MAX_FRAME {
        return false;
    }
    into.push(*first);
    if frame.len() < LONG {
        into.push(frame.len() as u8);
    } else {
        let low = LONG + (frame.len() - LONG) % 4;
        into.push(low as u8);
        into.push(((frame.len() - low) / 4) as u8);
    }
    into.extend_from_slice(frame);
    into.extend_from_slice(right);
    true
}

/// The two packets in one, the first written into `left`; gives the other, or nothing for what [`join`] did not make.
pub fn split<'a>(packet: &'a [u8], left: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (first, rest) = packet.split_first()?;
    if first & COUNT != 0 {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*length) {
        low if low < LONG => (low, rest),
        low => {
            let (high, rest) = rest.split_first()?;
            (usize::from(*high) * 4 + low, rest)
        }
    };
    let (frame, right) = rest.split_at_checked(length)?;
    left.clear();
    left.push(*first);
    left.extend_from_slice(frame);
    (!right.is_empty()).then_some(right)
}
