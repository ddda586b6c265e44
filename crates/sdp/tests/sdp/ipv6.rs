//! Both families of addresses in one description (RFC 5118 §4.6, §4.8).

use sdp::Description;

#[test]
fn each_stream_has_the_address_of_its_own_line() {
    let text = "v=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns=\r\nt=0 0\r\n\
        m=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:107 H263-1998/90000\r\n";
    let description = Description::parse(text.as_bytes()).expect("a description");
    let audio = description.audio(&[]).and_then(sdp::Media::rtp_address);
    assert_eq!(audio, "192.0.2.1:22334".parse().ok());
    let six = text
        .replace("c=IN IP4 192.0.2.1", "c=IN IP6 2001:db8::20")
        .replace("IP4 host.example.com", "IP6 2001:db8::20");
    let description = Description::parse(six.as_bytes()).expect("a description");
    let audio = description.audio(&[]).and_then(sdp::Media::rtp_address);
    assert_eq!(audio, "[2001:db8::20]:22334".parse().ok());
}
