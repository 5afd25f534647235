"""How films are seen, heard and learned, from their lengths, rates and pictures: pure functions, one place.

docs/learning/films.md says what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perceivers.arguments.advice import Advice
from perceivers.kinds.image.sizing import SCALE, SHIFT, Looks, picture_size, stem_of
from perceivers.kinds.passes import share_of_changes, stem_learning
from perceivers.kinds.video.options import VideoOptions

# Films are seen from beginning to end up to this length, in seconds; of longer ones parts.
LONGEST = 10.0
# Pictures of a clip at most, and the rates in Hz that they may have: all of them divide the rate of the sound.
MOST_FRAMES = 16
RATES = (0.5, 1.0, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 8.0, 10.0, 16.0, 20.0, 25.0)
SOUND_RATE = 16_000
# Of longer clips every second frame of energies does.
LONGEST_AT_FULL_PACE = 2.0
SOUND_WIDTHS = (16, 64, 128, 256)
BANDS = 64
# Clips of films that are this much longer than a clip, whose answers are averaged.
CLIPS_OF_LONG_FILMS, MUCH_LONGER, NEARLY_ALL = 3, 1.25, 0.9
# Share of the training clips that lose their pictures or their sound, of films that have both.
HIDDEN = 0.1
GAIN = 6.0


@dataclass(frozen=True)
class Films:
    """What some films are like.

    Args:
        seconds: length of each; at least one.
        rate: pictures a second, of the film in the middle; None without pictures.
        looks: of some of their pictures; None without pictures.
        has_sound: whether any has sound.
    """

    seconds: Sequence[float]
    rate: float | None
    looks: Looks | None
    has_sound: bool


def video_options(films: Films, num_rows: int | None = None) -> VideoOptions:
    """Clips as long as the film in the middle, up to 10 s, and stems of 3 x 3 convolutions over pictures and sound.

    - A clip has 16 pictures at most, at the highest of some rates that films have and these are enough for. They are as
      large as those of pictures alone (`perceivers.kinds.image.sizing`), and are changed as these are.
    - Beside its colours each picture says how they have changed since the one before: what moves where is seen at once.
    - Sound has 16,000 Hz and 64 bands, every 10 ms, in clips of more than 2 s every 20 ms.
    - Nothing is mirrored: what moves to the left may be another class than what moves to the right.
    - Where films have both, a tenth of the training clips lose their pictures and a tenth their sound: the model has to
      learn both, and can do with one.

    Args:
        films: some training films.
        num_rows: training films; None: few, which are seen often.
    """
    wanted = min(float(np.median(films.seconds)), LONGEST)
    fitting = [
        rate
        for rate in RATES
        if rate <= (films.rate or MOST_FRAMES) and math.floor(wanted * rate + 1e-6) <= MOST_FRAMES
    ]
    rate = max(fitting, default=RATES[0])
    frames = min(max(math.floor(wanted * rate + 1e-6), 1), MOST_FRAMES)
    is_long = frames / rate > LONGEST_AT_FULL_PACE
    has_both = films.has_sound and films.looks is not None
    goes_on = float(np.quantile(films.seconds, NEARLY_ALL)) > MUCH_LONGER * frames / rate
    options = VideoOptions(
        num_frames=frames,
        frame_rate=rate,
        audio_samples_per_frame=round(SOUND_RATE / rate),
        num_test_clips=CLIPS_OF_LONG_FILMS if goes_on else 1,
        video_dropped=HIDDEN if has_both else 0.0,
        audio_dropped=HIDDEN if has_both else 0.0,
        sound_form="stem",
        num_mel_bins=BANDS,
        mel_hop_milliseconds=20 if is_long else 10,
        sound_stem_widths=SOUND_WIDTHS,
        audio_bands=8,
        gain=GAIN if films.has_sound else 0.0,
        video_frames_per_patch=1,
    )
    return options if films.looks is None else _with_pictures(options, films.looks, num_rows)


def _with_pictures(options: VideoOptions, looks: Looks, num_rows: int | None) -> VideoOptions:
    height, width = picture_size(looks.sizes)
    widths, pool = stem_of(height, width)
    options = replace(
        options,
        video_form="stem",
        height=height,
        width=width,
        video_motion=options.num_frames > 1,
        video_stem_widths=widths,
        video_first_pool=pool,
    )
    share = share_of_changes(None if num_rows is None else video_learning(num_rows, options))
    steps, rows, columns = options.video_grid
    return replace(
        options,
        shift=round(SHIFT * share, 3),
        scale=round(SCALE * share, 3),
        video_bands=max(max(steps, rows, columns) // 2, 1),
    )


def video_learning(num_rows: int, options: VideoOptions) -> Advice:
    """The network and the loop for so many training films, see `perceivers.kinds.passes.stem_learning`.

    Args:
        num_rows: training films.
        options: what the model sees and hears of them; only stems have advice.
    """
    from perceivers.nn.stems import num_multiplications

    cost, pictures = 0, 1
    if options.video_form == "stem":
        pools = (options.video_first_pool, options.video_first_pool)
        size = (options.height, options.width)
        pictures = options.num_frames
        cost += pictures * num_multiplications(size, options.video_channels, options.video_stem_widths, pools)
    if options.sound_form == "stem":
        energies = (1 + options.num_samples // options.hop_length, options.num_mel_bins)
        cost += num_multiplications(energies, 1, options.sound_stem_widths, (2, 2))
    return stem_learning(num_rows, cost, pictures=pictures) if cost else Advice()
