// The phone in the page. Signalling is JsSIP's own. Where a test is about that alone, the media engine is a stand-in that
// describes plain RTP; a phone with a voice has the browser's own, an oscillator as its microphone, and ears (`ears.js`).

/* global JsSIP, tell, Ears */

const Engine = {
  RTCPeerConnection: globalThis.RTCPeerConnection,
  RTCSessionDescription: globalThis.RTCSessionDescription,
};

class StandIn extends EventTarget {
  static port = 9;

  iceGatheringState = 'complete';
  iceConnectionState = 'connected';
  signalingState = 'stable';
  localDescription = null;
  version = 0;

  describe(type) {
    this.version += 1;
    const lines = [
      'v=0',
      `o=page 1 ${this.version} IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${StandIn.port} RTP/AVP 8 0`,
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=sendrecv',
      '',
    ];
    return { type, sdp: lines.join('\r\n') };
  }

  async createOffer() {
    return this.describe('offer');
  }

  async createAnswer() {
    return this.describe('answer');
  }

  async setLocalDescription(description) {
    this.localDescription = description;
  }

  async setRemoteDescription() {}

  addTrack() {}

  getSenders() {
    return [];
  }

  close() {
    this.signalingState = 'closed';
  }
}

/** The browser's own engine, which knows some of its codecs alone, and does not give up where nobody is. */
class Choosy extends Engine.RTCPeerConnection {
  choose() {
    const { codecs } = globalThis.phone;
    const wanted = ({ mimeType }) => codecs.includes(mimeType.toLowerCase());
    const known = RTCRtpReceiver.getCapabilities('audio').codecs.filter(wanted);
    if (codecs.length > 0) this.getTransceivers().forEach((transceiver) => transceiver.setCodecPreferences(known));
  }

  async createOffer(...options) {
    this.choose();
    return super.createOffer(...options);
  }

  async createAnswer(...options) {
    this.choose();
    return super.createAnswer(...options);
  }

  /** JsSIP hangs up when this is `failed`. */
  get iceConnectionState() {
    const state = super.iceConnectionState;
    return globalThis.phone.lie === 'nowhere' && state === 'failed' ? 'checking' : state;
  }
}

/** What a description says that is not true: the certificate is another one, or nobody is where it says. */
const LIES = {
  certificate: (sdp) => sdp.replace(/^(a=fingerprint:\S+ )(..)/gm, (_, name, octet) => name + (octet === '00' ? '11' : '00')),
  nowhere: (sdp) => sdp.replace(/^(a=candidate:\S+ \d+ \S+ \d+) \S+ \d+/gm, '$1 127.0.0.99 9'),
};

const Described = class {
  constructor(parts) {
    Object.assign(this, parts);
  }
};

globalThis.phone = {
  /**
   * Registers, and tells what happens. With `hz` it has a voice of that pitch, and of the browser's codecs knows these alone
   * if any are given (MIME types in lower case). See `LIES`.
   */
  async start({ url, uri, port, expires, bearer, hz, codecs = [], lie = undefined }) {
    StandIn.port = port;
    Object.assign(this, { codecs, lie });
    this.ears = hz ? await Ears.grow(hz) : undefined;
    globalThis.RTCPeerConnection = hz ? Choosy : StandIn;
    globalThis.RTCSessionDescription = hz ? Engine.RTCSessionDescription : Described;
    const socket = new JsSIP.WebSocketInterface(url);
    const settings = { sockets: [socket], uri, register_expires: expires };
    if (bearer) settings.authorization_jwt = `Bearer ${bearer}`;
    this.ua = new JsSIP.UA(settings);
    for (const event of ['connected', 'disconnected', 'registered', 'unregistered']) {
      this.ua.on(event, () => tell(event));
    }
    this.ua.on('registrationFailed', ({ response, cause }) => tell(`refused ${response?.status_code} ${cause}`));
    this.ua.on('newRTCSession', ({ originator, session }) => {
      if (originator === 'remote') this.watch(session);
    });
    this.ua.on('newMessage', ({ originator, request }) => {
      if (originator === 'remote') tell(`text ${request.body}`);
    });
    this.ua.start();
  },

  /** Writes a text. */
  write(target, text) {
    const eventHandlers = {
      succeeded: ({ response }) => tell(`text answered ${response.status_code}`),
      failed: ({ cause }) => tell(`text failed ${cause}`),
    };
    this.ua.sendMessage(target, text, { eventHandlers });
  },

  /** Watches a busy lamp. */
  light(target) {
    this.lamp = this.ua.subscribe(target, 'dialog', 'application/dialog-info+xml', { expires: 120 });
    this.lamp.on('notify', (last, _request, body) => {
      const [, state] = body.match(/<state>(\w+)/) ?? ['', 'dark'];
      tell(`lamp ${state}${last ? ' at last' : ''}`);
    });
    this.lamp.on('terminated', (code, reason) => tell(`lamp ended ${code} ${reason}`));
    this.lamp.subscribe();
  },

  watch(session) {
    this.session = session;
    for (const event of ['progress', 'accepted', 'confirmed']) session.on(event, () => tell(event));
    session.on('failed', ({ cause }) => tell(`failed ${cause}`));
    session.on('ended', ({ originator }) => tell(`ended by ${originator}`));
    session.on('newDTMF', ({ originator, dtmf }) => {
      if (originator === 'remote') tell(`key ${dtmf.tone}`);
    });
    session.on('reinvite', (news) => {
      news.callback = () => tell('moved');
    });
    session.on('sdp', (news) => {
      const lies = this.lie === 'nowhere' || news.originator === 'local';
      if (this.lie && lies) news.sdp = LIES[this.lie](news.sdp);
    });
    tell('session');
  },

  /** What a call is made or answered with. */
  options() {
    if (this.ears) return { mediaStream: this.ears.voice() };
    return { mediaConstraints: { audio: false, video: false } };
  },

  call(target) {
    this.watch(this.ua.call(target, this.options()));
  },

  answer() {
    this.session.answer(this.options());
  },

  /** Calls and sends nothing. */
  listen(target) {
    const options = { mediaConstraints: { audio: false, video: false }, rtcOfferConstraints: { offerToReceiveAudio: true } };
    this.watch(this.ua.call(target, options));
  },

  /** Calls with a camera that the server has no use for. */
  callWithVideo(target) {
    const options = this.options();
    const canvas = document.createElement('canvas');
    canvas.getContext('2d').fillRect(0, 0, 10, 10);
    for (const track of canvas.captureStream(5).getVideoTracks()) options.mediaStream.addTrack(track);
    this.watch(this.ua.call(target, options));
  },

  /** Tells when nothing but these tones is heard, or what is heard instead. */
  async hear(tones) {
    tell(await this.ears.hear(this.session.connection, tones));
  },

  /** Tells when music is heard, and none of these voices. */
  async hearMusic(voices) {
    tell(await this.ears.hearMusic(this.session.connection, voices));
  },

  /** Tells when audio can pass: what is pressed before is lost. */
  async connect() {
    const { connection } = this.session;
    while (connection.connectionState !== 'connected') {
      await new Promise((go) => {
        connection.addEventListener('connectionstatechange', go, { once: true });
      });
    }
    tell('connected to audio');
  },

  /** Tells when so many packets of audio have come. */
  async receive(count) {
    const { connection } = this.session;
    const received = async () => {
      const stats = [...(await connection.getStats()).values()];
      return stats.find(({ type }) => type === 'inbound-rtp')?.packetsReceived ?? 0;
    };
    while ((await received()) < count) {
      await new Promise((go) => {
        setTimeout(go, 100);
      });
    }
    tell(`received ${count}`);
  },

  /** Tells which codecs are sent and received. */
  async speech() {
    const stats = await this.session.connection.getStats();
    const of = (wanted) => {
      const stream = [...stats.values()].find(({ type }) => type === wanted);
      return stats.get(stream?.codecId)?.mimeType.toLowerCase();
    };
    tell(`speaks ${of('outbound-rtp')}, hears ${of('inbound-rtp')}`);
  },

  /** Restarts ICE by a re-INVITE. */
  restart() {
    const done = () => tell('restarted');
    if (!this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done)) tell('restart is not possible');
  },

  /** Tells what the engine knows about its path. */
  async path() {
    const stats = [...(await this.session.connection.getStats()).values()];
    const transport = stats.find(({ type }) => type === 'transport') ?? {};
    tell(`path ${transport.dtlsState} ${transport.iceState} ${transport.srtpCipher}`);
  },

  hold() {
    if (!this.session.hold({}, () => tell('held'))) tell('hold is not possible');
  },

  resume() {
    if (!this.session.unhold({}, () => tell('resumed'))) tell('resume is not possible');
  },

  /** A second call beside the one that is held. */
  consult(target) {
    this.held = this.session;
    this.call(target);
  },

  /** Presses keys, told by INFO, or as telephone events in the stream of audio. */
  press(keys, transportType = 'INFO') {
    this.session.sendDTMF(keys, { transportType, duration: 100, interToneGap: 100 });
  },

  /** Transfers a call, to the other side of another one if that is given, and leaves it when that was accepted. */
  refer(target, session = this.session, replaces = undefined) {
    const eventHandlers = {
      requestFailed: ({ cause }) => tell(`refer refused ${cause}`),
      trying: () => tell('refer trying'),
      progress: () => tell('refer progress'),
      failed: ({ status_line: { status_code: code } }) => tell(`refer failed ${code}`),
      accepted: () => {
        tell('refer accepted');
        session.terminate();
      },
    };
    if (!session.refer(target, { eventHandlers, replaces })) tell('refer is not possible');
  },
};
