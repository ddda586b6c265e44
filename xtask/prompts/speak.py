"""Speaks prompts with Kokoro-82M, for `cargo xtask prompts`; nothing of it runs in the product.

usage: speak.py MODEL VOCABULARY VOICE LANGUAGE < LINES

MODEL is the ONNX file, VOCABULARY the JSON file with its symbols, VOICE a table of style vectors, LANGUAGE what espeak-ng
calls it. Each line is one JSON object {"text": ..., "file": ...}; the file is written as WAV, mono, 16 bits, 24 kHz, and is
replaced whole, so that a run that was stopped can be taken up again. espeak-ng makes phonemes and no sound.
"""

import functools
import json
import os
import re
import subprocess
import sys
import wave

import numpy
import onnxruntime

RATE_HZ = 24_000
# The model takes 512 symbols, of which two are its own at the ends.
MOST_SYMBOLS = 510
STYLE = 256
# Stops that the model knows, and says by its melody.
STOPS = ".,;:!?"

# What espeak-ng writes for American English, in the alphabet that the model learned. Pairs tied by "^" are one sound. Longest
# first, so that the order of the rest does not matter.
AMERICAN = {
    "ə^l": "ᵊl", "a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "O", "ɔ^ɪ": "Y", "d^ʒ": "ʤ", "t^ʃ": "ʧ",
    "aɪ": "I", "aʊ": "W", "eɪ": "A", "oʊ": "O", "ɔɪ": "Y", "dʒ": "ʤ", "tʃ": "ʧ", "əl": "ᵊl", "ɜː": "ɜɹ",
    "ɚ": "əɹ", "ɐ": "ə", "r": "ɹ", "x": "k", "ʔ": "t", "ɬ": "l", "ː": "", "ʲ": "", "^": "",
}
OTHERS = {"-": "", "d^ʒ": "ʤ", "t^ʃ": "ʧ", "t^s": "ʦ", "^": ""}

# Words that espeak-ng spells out or reads as another word, and a vowel that needs an end to be heard as one.
RESPELLED = {"en-us": {"PIN": "pin", "AM": "A-M", "oh": "oh."}}


class Alphabet:
    """Rewrites phonemes by a table."""

    def __init__(self, language):
        table = AMERICAN if language.startswith("en") else OTHERS
        self.rules = sorted(table.items(), key=lambda rule: -len(rule[0]))

    def rewrite(self, phonemes):
        out, at = [], 0
        while at < len(phonemes):
            for old, new in self.rules:
                if phonemes.startswith(old, at):
                    out.append(new)
                    at += len(old)
                    break
            else:
                out.append(phonemes[at])
                at += 1
        return "".join(out)


@functools.lru_cache(maxsize=None)
def clause_phonemes(clause, language):
    command = ["espeak-ng", "-q", "--ipa", "--tie=^", "-v", language, clause]
    spoken = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return " ".join(spoken.split()).replace("\u200d", "").replace("_", "")


def phonemes(text, language, alphabet):
    """Phonemes with the stops of the text between them, which espeak-ng drops."""
    out, clause = "", ""
    for letter in text + "\n":
        if letter in STOPS or letter == "\n":
            if clause.strip():
                out += (" " if out else "") + alphabet.rewrite(clause_phonemes(clause.strip(), language))
            clause = ""
            if letter in STOPS:
                out += letter
        else:
            clause += letter
    return out


class Speaker:
    """One voice in one language."""

    def __init__(self, model, vocabulary, voice, language):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        with open(vocabulary, encoding="utf-8") as file:
            self.symbols = json.load(file)["vocab"]
        self.styles = numpy.fromfile(voice, numpy.float32).reshape(-1, 1, STYLE)
        self.language = language
        self.alphabet = Alphabet(language)

    def speak(self, text):
        respelled = RESPELLED.get(self.language, {})
        words = re.sub(r"\w+", lambda word: respelled.get(word[0], word[0]), text)
        spelled = phonemes(words, self.language, self.alphabet)
        unknown = sorted(set(spelled) - set(self.symbols))
        if unknown:
            print(f"{text!r}: left out {''.join(unknown)!r} of {spelled!r}", file=sys.stderr)
        symbols = [self.symbols[s] for s in spelled if s in self.symbols]
        if not symbols or len(symbols) > MOST_SYMBOLS:
            sys.exit(f"{text!r} has {len(symbols)} symbols; give 1 to {MOST_SYMBOLS}")
        inputs = {
            "tokens": numpy.array([[0, *symbols, 0]], numpy.int64),
            "style": self.styles[len(symbols)],
            "speed": numpy.array([1.0], numpy.float32),
        }
        return self.session.run(None, inputs)[0].reshape(-1)


def write(path, samples):
    partial = path + ".partial"
    with wave.open(partial, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((numpy.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    os.replace(partial, path)


def main():
    model, vocabulary, voice, language = sys.argv[1:]
    speaker = Speaker(model, vocabulary, voice, language)
    for line in sys.stdin:
        wanted = json.loads(line)
        write(wanted["file"], speaker.speak(wanted["text"]))
        print(wanted["file"], flush=True)


if __name__ == "__main__":
    main()
