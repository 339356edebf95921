"""Writes and reads sound in several formats."""

import io

import numpy as np
import soundfile


def use() -> object:
    wave = np.sin(np.arange(8000) / 20).astype("float32")
    found = []
    for kind in ("WAV", "FLAC", "OGG", "MP3"):
        file = io.BytesIO()
        soundfile.write(file, wave, 8000, format=kind)
        data, rate = soundfile.read(io.BytesIO(file.getvalue()))
        found.append([kind, rate, abs(len(data) - 8000) < 3000])
    return found
