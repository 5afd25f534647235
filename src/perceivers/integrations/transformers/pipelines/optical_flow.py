"""The pipeline "optical-flow": two frames in, the motion of every pixel out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from perceivers.errors import DataError
from perceivers.integrations.transformers.package import Pipeline
from perceivers.processors.optical_flow.colours import flow_to_image


class OpticalFlowPipeline(Pipeline):  # type: ignore[misc]
    """Flow between two frames; `image_processor` is a PerceiverOpticalFlowProcessor.

    Example:
        flow = pipe(("first.png", "second.png"))["flow"]  # [height, width, 2]: right and down, in pixels
    """

    _load_processor = False
    _load_image_processor = True
    _load_feature_extractor = False
    _load_tokenizer = False

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Answer for one pair of frames, or for a list of pairs.

        Args:
            inputs: (first, second), or {"first": ..., "second": ...}, or a list of these; a frame is whatever
                PerceiverOpticalFlowProcessor takes: a path, a PIL picture, an array.
            options: `max_flow`, pixels shown in full colour; `batch_size`, of frames of one size; and what every pipeline
                takes.

        Returns:
            For each pair `flow`, float32 [height, width, 2], how far each pixel of the first frame moves right and down, in
            pixels; and `image`, a PIL picture of it by the Middlebury wheel.
        """
        return super().__call__(inputs, **options)

    def _sanitize_parameters(
        self, max_flow: float | None = None, **_: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return {}, {}, {} if max_flow is None else {"max_flow": max_flow}

    def preprocess(self, inputs: Any) -> dict[str, Any]:
        """Both frames as the model's `inputs`."""
        if isinstance(inputs, Mapping) and {"first", "second"} <= inputs.keys():
            first, second = inputs["first"], inputs["second"]
        elif isinstance(inputs, tuple) and len(inputs) == 2:
            first, second = inputs
        else:
            raise DataError(
                f"`inputs` must be (first, second), or a list of such pairs, received {type(inputs).__name__}"
            )
        return dict(self.image_processor(first, second))

    def _forward(self, model_inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"flow": self.image_processor.post_process(self.model(inputs=model_inputs["inputs"]))}

    def postprocess(self, model_outputs: Mapping[str, Any], max_flow: float | None = None) -> dict[str, Any]:
        """Flow and its picture."""
        flow = model_outputs["flow"][0].float()
        return {
            "flow": flow.cpu().numpy(),
            "image": Image.fromarray(flow_to_image(flow, max_flow).cpu().numpy()),
        }
