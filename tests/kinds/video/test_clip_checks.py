"""What sizes and rates of clips have to fit."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from perceivers.errors import ConfigurationError
from perceivers.kinds.video.clip_checks import require_parts, require_rates


def test_patches_divide_what_they_are_cut_from_and_the_first_that_does_not_is_named() -> None:
    options = SimpleNamespace(side=5, samples=7)
    require_parts(options, (("side", 15), ("samples", 0), ("samples", 21)))
    with pytest.raises(ConfigurationError, match=r"`samples` must divide what .* received 7 for 22"):
        require_parts(options, (("side", 15), ("samples", 22), ("side", 16)))


@pytest.mark.parametrize(
    ("frame_rate", "message"),
    [
        (0.0, r"`frame_rate` must be above 0, received 0\.0"),
        (2.5, r"`frame_rate times audio_samples_per_frame` must be a whole number of Hz, received 7\.5"),
    ],
)
def test_a_rate_without_whole_samples_is_refused(frame_rate: float, message: str) -> None:
    require_rates(2.5, 4)
    with pytest.raises(ConfigurationError, match=message):
        require_rates(frame_rate, 3)
