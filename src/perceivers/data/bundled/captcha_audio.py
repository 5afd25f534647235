"""Spoken digits and letters that the captcha package ships, one take each, and changed takes of them to test with."""

from __future__ import annotations

import io
import wave
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import numpy as np

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError
from perceivers.processors.audio.effects import add_noise, amplify, change_speed, pad_around

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHANGED_TAKES = {"validation": 4, "test": 12}
# Every part has numbers of its own, so no changed take is in two of them.
SEEDS = {"validation": 1, "test": 2}


def tables() -> dict[str, Table]:
    """Give each character's one take, 8 kHz, and changed takes of it for validation and test.

    There is one voice and one take of each character: a changed take (speed 0.8 to 1.25, -12 to 6 dB, white noise 5 to 25 dB
    under the voice, up to 0.15 s of silence around it) tells how steady a model's answers are, not how well it would
    understand another speaker.

    Returns:
        `train`, 36 rows, `validation`, 144, and `test`, 432, with columns `audio` (float32 [num_samples] in [-1, 1]),
        `sampling_rate` (Hz) and `label`, "0" to "9" and "A" to "Z".
    """
    spoken = takes()
    rate = next(iter(spoken.values()))[1]
    rows: list[dict[str, Any]] = [
        {"audio": take, "sampling_rate": rate, "label": character} for character, (take, _) in spoken.items()
    ]
    found: dict[str, Table] = {
        "train": ListTable(rows, "captcha-characters", [f"captcha-characters/{name}" for name in spoken])
    }
    for part, count in CHANGED_TAKES.items():
        changed = [
            {**row, "audio": changed_take(row["audio"], rate, (SEEDS[part], index, number))}
            for index, row in enumerate(rows)
            for number in range(count)
        ]
        names = [f"captcha-characters/{name}, changed take {n + 1}" for name in spoken for n in range(count)]
        found[part] = ListTable(changed, f"captcha-characters, {part} part", names)
    return found


def changed_take(take: np.ndarray, rate: int, seed: tuple[int, ...]) -> np.ndarray:
    """A take as it might have been spoken and recorded otherwise; equal seeds give equal ones.

    Args:
        take: float32 [num_samples] in [-1, 1].
        rate: in Hz.
        seed: numbers that name the changed take.
    """
    generator = np.random.default_rng(seed)
    # Even between slower and faster: as many takes lie above 1 as below.
    sound = change_speed(take, float(1.25 ** generator.uniform(-1.0, 1.0)))
    silence = int(generator.uniform(0.0, 0.15) * rate)
    sound = pad_around(sound, len(sound) + silence, float(generator.random()))
    noise = generator.standard_normal(len(sound)).astype(np.float32)
    sound = add_noise(sound, noise, float(generator.uniform(5.0, 25.0)))
    return amplify(sound, float(generator.uniform(-12.0, 6.0)))


def takes() -> dict[str, tuple[np.ndarray, int]]:
    """Samples and rate of each character."""
    try:
        found = {str(file): file for file in files("captcha") or ()}
        contents = {name: found[f"captcha/data/{name}/default.wav"].read_binary() for name in CHARACTERS}
    except (PackageNotFoundError, KeyError) as error:
        raise MissingExtraError("captcha", "samples", "The data set `captcha-characters`") from error
    takes = {}
    for name, content in contents.items():
        with wave.open(io.BytesIO(content)) as file:
            # Unsigned bytes, silence at 128.
            values = np.frombuffer(file.readframes(file.getnframes()), dtype=np.uint8)
            takes[name] = ((values.astype(np.float32) - 128.0) / 128.0, file.getframerate())
    return takes
