"""Training samples that are looked at before training, to start a model from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from perceivers.data.rows import StreamSamples
from perceivers.data.shared_lines import SharedLines
from perceivers.data.splits import Samples
from perceivers.tasks.inputs import Sample


def some_samples(train: Samples | StreamSamples, most: int) -> Iterator[Sample]:
    """At most so many training samples, as they are: evenly spread, or of a stream the first ones.

    Args:
        train: the training part.
        most: number of samples, at least 1.
    """
    if isinstance(train, StreamSamples):
        # What cannot be read is told where the stream is trained on.
        passing = replace(train, left_out=SharedLines()).samples(epoch=0)
        yield from (sample for _, sample in islice(passing, most))
        return
    count = min(len(train), most)
    yield from (train[index * len(train) // count] for index in range(count))
