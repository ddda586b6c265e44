"""Scores what `bench score` wrote, FOLDER/CODEC/NAME/CLIP-SEED.wav against FOLDER/CODEC/said/CLIP.wav, as JSON.

A score is MOS-LQO by PESQ (ITU-T P.862.1 at 8 kHz, P.862.2 at 16 kHz), and the delay, ms.
"""

import concurrent.futures
import json
import os
import pathlib
import sys
import wave

import numpy
import pesq

# What is heard is as long as what is said, and so much later at most.
LATEST_MS = 400


def read(path):
    with wave.open(str(path)) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return file.getframerate(), samples


def delay_ms(rate, said, heard):
    """Where what was heard is most like what was said: for all of the clip, so its mean if that changes."""
    size = 1 << (len(said) + len(heard)).bit_length()
    said, heard = numpy.fft.rfft(said, size), numpy.fft.rfft(heard, size)
    likeness = numpy.fft.irfft(heard * said.conj(), size)
    return int(likeness[: rate * LATEST_MS // 1000].argmax()) * 1000 / rate


def score(said, heard):
    rate, reference = read(said)
    _, degraded = read(heard)
    try:
        mos = pesq.pesq(rate, reference, degraded, "wb" if rate == 16000 else "nb")
    except pesq.NoUtterancesError:
        mos = 1.0
    return {"mos": mos, "delay_ms": delay_ms(rate, reference, degraded)}


def main(folder):
    clips = sorted(folder.glob("*/*/*-*.wav"))
    said = [clip.parent.parent / "said" / f"{clip.stem.split('-')[0]}.wav" for clip in clips]
    scores = {}
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for clip, found in zip(clips, pool.map(score, said, clips, chunksize=8)):
            codec = scores.setdefault(clip.parent.parent.name, {})
            codec.setdefault(clip.parent.name, []).append(found)
    json.dump(scores, sys.stdout)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
