// A voice of one pitch, and ears that tell which pitch they hear.

/* exported Ears */

/** Louder than this, decibels of full scale, is a tone. */
const LOUD = -45;
/** Quieter than this is silence. */
const QUIET = -70;
/** Louder than this is music, whose notes fade. */
const FAINT = -65;
/** Notes that differ make music. */
const NOTES = 4;
/** Tones are as far apart as this at least, hertz, and so much louder than anything else, decibels. */
const APART = 60;
const ABOVE = 20;
/** Looks in a row that must agree, and how far they are apart. */
const LOOKS = 6;
const EVERY_MS = 100;
/** How long is listened at most: a path is found and keys are agreed on first. */
const LONGEST_MS = 15_000;
/** How loud a voice is, of full scale. */
const VOICE = 0.22;

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
    const gain = new GainNode(this.context, { gain: VOICE });
    const microphone = new MediaStreamAudioDestinationNode(this.context);
    oscillator.connect(gain).connect(microphone);
    oscillator.start();
    return microphone.stream;
  }

  /** Listens to what comes over a connection until it is these tones and nothing else, or for long enough. */
  async hear(connection, tones) {
    const name = tones.join('+') || 'nothing';
    const agreed = (levels, width) => {
      const found = tones.map((hz) => peak(levels, width, hz));
      const others = levels.filter((_, bin) => tones.every((hz) => Math.abs(bin * width - hz) > APART));
      const loudest = Math.max(...others);
      if (tones.length === 0) return loudest < QUIET;
      return found.every(({ level, off }) => level > LOUD && off < 12 && loudest < level - ABOVE);
    };
    let count = 0;
    return this.listen(connection, name, (levels, width) => {
      count = agreed(levels, width) ? count + 1 : 0;
      return count >= LOOKS;
    });
  }

  /** The same until it is music: tones one after the other, and none of these voices. */
  async hearMusic(connection, voices) {
    const notes = [];
    return this.listen(connection, 'music', (levels, width) => {
      const { hz, level } = loudest(levels, width);
      const known = [...voices, ...notes].some((other) => Math.abs(hz - other) < 12);
      if (level > FAINT && !known) notes.push(hz);
      return notes.length >= NOTES;
    });
  }

  async listen(connection, name, done) {
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
    const levels = new Float32Array(analyser.frequencyBinCount);
    const width = this.context.sampleRate / analyser.fftSize;
    let heard = false;
    for (let ms = 0; ms < LONGEST_MS && !heard; ms += EVERY_MS) {
      await new Promise((go) => setTimeout(go, EVERY_MS));
      analyser.getFloatFrequencyData(levels);
      heard = done(levels, width);
    }
    source.disconnect();
    element.srcObject = null;
    return heard ? `hears ${name}` : `hears not ${name} but ${loud(levels, width)}; ${await path(connection)}`;
  }
}

/** The loudest bin. */
function loudest(levels, width) {
  const bin = levels.reduce((best, level, at) => (level > levels[best] ? at : best), 1);
  return { hz: bin * width, level: levels[bin] };
}

/** How loud a tone is, and how far the loudest bin around it is from it. */
function peak(levels, width, hz) {
  const near = levels.map((level, bin) => (Math.abs(bin * width - hz) <= APART ? level : -Infinity));
  const found = loudest(near, width);
  return { level: found.level, off: Math.abs(found.hz - hz) };
}

/** What is loud, for whoever wants to know why. */
function loud(levels, width) {
  const bins = [...levels.keys()].filter((bin) => levels[bin] > FAINT && bin > 0);
  const peaks = bins.filter((bin) => levels[bin] >= levels[bin - 1] && levels[bin] >= (levels[bin + 1] ?? -Infinity));
  const best = peaks.sort((a, b) => levels[b] - levels[a]).slice(0, 6);
  return best.map((bin) => `${Math.round(bin * width)} Hz at ${Math.round(levels[bin])} dB`).join(', ') || 'silence';
}

async function path(connection) {
  const stats = [...(await connection.getStats()).values()];
  const count = (type, field) => stats.filter((stat) => stat.type === type).map((stat) => stat[field]);
  const [sent, received] = [count('outbound-rtp', 'packetsSent'), count('inbound-rtp', 'packetsReceived')];
  return `sent ${sent}, received ${received}, DTLS ${count('transport', 'dtlsState')}, ICE ${count('transport', 'iceState')}`;
}

globalThis.Ears = Ears;
