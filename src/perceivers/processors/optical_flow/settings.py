"""How frames are prepared for a flow model, and its output read: settings in `preprocessor_config.json`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from perceivers.errors import CheckpointError, ConfigurationError

# The released model was trained on flow divided by 20 (facts of the published checkpoint).
FLOW_SCALE = 20.0
# Added to the contrast: about the noise of a picture of 8 bits in [-1, 1], so that flat areas stay flat.
LEAST_CONTRAST = 0.02
SETTINGS_FILE = "preprocessor_config.json"
PROCESSOR = "PerceiverOpticalFlowProcessor"


@dataclass(frozen=True)
class FlowSettings:
    """See `perceivers.processors.optical_flow.processor.PerceiverOpticalFlowProcessor`.

    Args:
        patch_size: rows, and columns, of each pixel's neighbourhood.
        flow_scale: pixels for an output of 1.
        contrast_window: side of the window in which contrast is made even, odd, in pixels; 0 for none.
    """

    patch_size: int = 3
    flow_scale: float = FLOW_SCALE
    contrast_window: int = 0

    def __post_init__(self) -> None:
        if self.patch_size < 1:
            raise ConfigurationError(f"`patch_size` must be at least 1 pixel, received {self.patch_size}")
        if not self.flow_scale > 0:
            raise ConfigurationError(f"`flow_scale` must be above 0, received {self.flow_scale}")
        window = self.contrast_window
        if window != 0 and (window < 3 or window % 2 == 0):
            raise ConfigurationError(
                f"`contrast_window` must be 0, or odd and at least 3 pixels, received {window}"
            )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the settings into `folder` (made if absent)."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        settings = {"image_processor_type": PROCESSOR, **asdict(self)}
        (target / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what `save_pretrained` wrote.

        Raises:
            CheckpointError: the file is absent, damaged, or another processor's.
        """
        path = Path(folder) / SETTINGS_FILE
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
            if settings.pop("image_processor_type", None) != PROCESSOR:
                raise CheckpointError(f"`{path}` must hold the settings of a {PROCESSOR}, it holds others")
            return cls(**settings)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise (
                error
                if isinstance(error, CheckpointError)
                else CheckpointError(f"cannot read the settings of a {PROCESSOR} from `{path}`: {error}")
            ) from error
