// A voice of one pitch, and ears that tell which pitch they hear.

/* exported Ears */

/** Louder than this, decibels of full scale, is a tone. */
const LOUD = -45;
/** Quieter than this is silence. */
const QUIET = -70;
/** Looks in a row that must agree, and how far they are apart. */
const LOOKS = 6;
const EVERY_MS = 100;
/** How long is listened at most: a path is found and keys are agreed on first. */
const LONGEST_MS = 15_000;

class Ears {
  /** Who may use the microphone, though he does not, has candidates with the addresses of all networks, loopback too. */
  static async grow(hz) {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    microphone.getTracks().forEach((track) => track.stop());
    return new Ears(hz);
  }

  constructor(hz) {
    this.context = new AudioContext();
    this.hz = hz;
  }

  /** A new stream for a call: whoever ends a call stops its tracks. */
  voice() {
    const oscillator = new OscillatorNode(this.context, { frequency: this.hz });
    const gain = new GainNode(this.context, { gain: 0.3 });
    const microphone = new MediaStreamAudioDestinationNode(this.context);
    oscillator.connect(gain).connect(microphone);
    oscillator.start();
    return microphone.stream;
  }

  /** Listens to what comes over a connection until it is this pitch alone, or for long enough. */
  async hear(connection, hz) {
    await this.context.resume();
    const tracks = connection.getReceivers().map(({ track }) => track);
    const stream = new MediaStream(tracks.filter(({ kind }) => kind === 'audio'));
    // Without an element that plays it, Chromium decodes nothing.
    const element = new Audio();
    element.muted = true;
    element.srcObject = stream;
    element.play();
    const analyser = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    const source = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
    source.connect(analyser);
    const heard = await this.agree(analyser, hz);
    const stats = [...(await connection.getStats()).values()];
    const count = (type, field) => stats.filter((stat) => stat.type === type).map((stat) => stat[field]);
    const path = `sent ${count('outbound-rtp', 'packetsSent')}, received ${count('inbound-rtp', 'packetsReceived')}, DTLS ${count('transport', 'dtlsState')}, ICE ${count('transport', 'iceState')}`;
    source.disconnect();
    element.srcObject = null;
    return heard.startsWith('hears not') ? `${heard}; ${path}` : heard;
  }

  async agree(analyser, hz) {
    const levels = new Float32Array(analyser.frequencyBinCount);
    const width = this.context.sampleRate / analyser.fftSize;
    let [agreed, last] = [0, ''];
    for (let ms = 0; ms < LONGEST_MS; ms += EVERY_MS) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      analyser.getFloatFrequencyData(levels);
      const loudest = levels.reduce((best, level, bin) => (level > levels[best] ? bin : best), 1);
      const [level, pitch] = [levels[loudest], loudest * width];
      // The voice of anybody else would stand out beside this one.
      const others = levels.filter((_, bin) => Math.abs(bin * width - pitch) > 60);
      const alone = Math.max(...others) < level - 20;
      const right = hz === 0 ? level < QUIET : level > LOUD && Math.abs(pitch - hz) < 12 && alone;
      agreed = right ? agreed + 1 : 0;
      last = `${Math.round(pitch)} Hz at ${Math.round(level)} dB${alone ? '' : ', not alone'}`;
      if (agreed >= LOOKS) return `hears ${hz}`;
    }
    return `hears not ${hz} but ${last}`;
  }
}

globalThis.Ears = Ears;
