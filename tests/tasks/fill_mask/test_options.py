"""What a user may choose about filling hidden words: what does not fit together is named."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.arguments.open import completed
from perceivers.errors import ConfigurationError
from perceivers.tasks.fill_mask.options import FillMaskArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mask_unit": "line"}, "`mask_unit` must be one of word, byte, received 'line'"),
        ({"mask_fraction": 0.0}, r"`mask_fraction` must be in \(0, 1\], received 0.0"),
        ({"num_decoder_heads": 0}, "`num_decoder_heads` must be at least 1, received 0"),
        (
            {"num_decoder_heads": 5},
            r"`num_decoder_heads` must be a divisor of `embedding_channels` \(64\), received 5",
        ),
        (
            {"decoder_qk_channels": 12},
            r"`num_decoder_heads` must be a divisor of `decoder_qk_channels` \(12\), received 8",
        ),
    ],
)
def test_what_masking_cannot_have_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FillMaskArguments(**values)


def test_the_decoders_size_reaches_the_configuration() -> None:
    assert completed(FillMaskArguments(embedding_channels=24)).config_values()["decoder_qk_channels"] == 24
    chosen = completed(FillMaskArguments(decoder_qk_channels=12, num_decoder_heads=4)).config_values()
    assert (chosen["decoder_qk_channels"], chosen["decoder_num_heads"]) == (12, 4)
