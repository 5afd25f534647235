"""How sounds are heard and learned, from their rates and lengths: pure functions, one place.

docs/learning/pictures_and_sounds.md says what each choice brought on held-out training sounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.kinds.passes import stem_learning
from perceivers.kinds.sound.options import SoundOptions

HIGHEST_RATE = 24_000
SHORTEST, LONGEST = 0.25, 10.0
# Share of the sounds that a clip holds whole.
WHOLE = 0.98
# Sounds at telephone rate have no more bands than this that differ.
BANDS_OF_SPEECH, SPEECH_RATE, BANDS = 40, 8_000, 64
# Of longer clips every second frame does.
LONGEST_AT_FULL_PACE = 2.0
SILENCE_DECIBELS = 50.0
WIDTHS = (16, 64, 128, 256)
# Clips of recordings that are longer than a clip, whose answers are averaged.
CLIPS_OF_LONG_SOUNDS = 3


def sound_options(seconds: Sequence[float], rates: Sequence[int]) -> SoundOptions:
    """Clips that hold nearly all sounds whole, up to 10 s, and a stem of 3 x 3 convolutions over their log-mel energies.

    - Silence before and after a sound is cut off, so that it costs nothing and hides nothing.
    - Rates above 24,000 Hz are halved until they are not. Sounds of 8,000 Hz or less have 40 bands, others 64.
    - Frames follow each other every 10 ms, in clips of more than 2 s every 20 ms. The stem makes a token of 16 x 16 frames
      and bands: 128 tokens at most.

    Args:
        seconds: lengths of some sounds without the silence around them; at least one.
        rates: their rates in Hz.
    """
    rate = max(rates)
    while rate > HIGHEST_RATE:
        rate = -(-rate // 2)
    wanted = float(np.quantile(seconds, WHOLE))
    # To the next 50 ms; not one step further because of the last digit of a float.
    length = math.ceil(round(20 * min(max(wanted, SHORTEST), LONGEST), 6)) / 20
    hop = 0.01 if length <= LONGEST_AT_FULL_PACE else 0.02
    return SoundOptions(
        input_form="stem",
        sampling_rate=rate,
        clip_seconds=length,
        evaluation_clips=CLIPS_OF_LONG_SOUNDS if wanted > LONGEST else 1,
        trim_decibels=SILENCE_DECIBELS,
        num_mel_bins=BANDS_OF_SPEECH if rate <= SPEECH_RATE else BANDS,
        window_milliseconds=25.0 if hop == 0.01 else 40.0,
        hop_milliseconds=1_000 * hop,
        stem_widths=WIDTHS,
        stem_blocks=0,
        stem_first_pool=2,
        num_fourier_bands=8,
        noise=5.0,
        time_masks=2,
        frequency_masks=2,
    )


def sound_learning(num_rows: int, options: SoundOptions) -> Advice:
    """The network and the loop for so many training sounds, see `perceivers.kinds.passes.stem_learning`.

    Args:
        num_rows: training sounds.
        options: what the model hears of them; only a stem has advice.
    """
    from perceivers.nn.stems import num_multiplications

    if options.input_form != "stem":
        return Advice()
    samples = options.clip_samples or round(LONGEST * options.sampling_rate)
    cost = num_multiplications(
        (1 + samples // options.hop_length, options.num_mel_bins),
        1,
        options.stem_widths,
        (options.stem_first_pool, options.stem_first_pool),
        options.stem_blocks,
    )
    return stem_learning(num_rows, cost)
