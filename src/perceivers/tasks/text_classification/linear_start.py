"""A model of texts as n-grams that starts as support vector machines of its training texts, and learns on from there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.value import TextValue
from perceivers.modalities.bag_of_ngrams import PerceiverBagOfNgramsPreprocessor
from perceivers.models.answers.heads import TokenReading
from perceivers.tasks.text_classification.margins import margin_weights


def start_as_margins(
    bags: PerceiverBagOfNgramsPreprocessor,
    reading: TokenReading,
    kind: TextKind,
    texts: Iterable[tuple[TextValue | None, int | None]],
    *,
    num_classes: int,
    seed: int,
) -> None:
    """Fill the n-grams' vectors, and the linear map that reads them, so that the map says what the machines say.

    The vectors hold the machines' weights as channels: the weights [n-grams, classes] are turned into the eigenvectors of
    their products, so that as many classes as channels are kept to the last digit, and of more the most telling directions.

    Args:
        bags: makes tokens of n-grams; its vectors are overwritten.
        reading: the linear map of the mean of the tokens; overwritten.
        kind: how texts are read, settled.
        texts: training texts and their classes, None where there is none.
        num_classes: that are told apart.
        seed: of the order in which the machines see the texts.
    """
    rows, classes = [], []
    for value, label in texts:
        if value is not None and label is not None:
            rows.append(kind.ngrams_of(value))
            classes.append(label)
    weights, added = margin_weights(
        rows,
        classes,
        num_rows=bags.table.num_embeddings,
        num_classes=num_classes,
        generator=np.random.Generator(np.random.PCG64(seed)),
    )
    _fill(bags, reading, torch.from_numpy(weights), torch.from_numpy(added))


@torch.no_grad()
def _fill(
    bags: PerceiverBagOfNgramsPreprocessor, reading: TokenReading, weights: Tensor, added: Tensor
) -> None:
    products = weights.double().T @ weights.double()
    directions = torch.linalg.eigh(products).eigenvectors.flip(1)[:, : bags.num_channels].float()
    count = directions.shape[1]
    # The map reads the mean over the bags.
    bags.table.weight[:, :count] = bags.num_bags * (weights @ directions)
    each = reading.linear.weight.new_zeros(len(directions), bags.num_channels)
    each[:, :count] = directions
    reading.linear.weight.copy_(each.repeat(reading.num_queries, 1))
    # A bag's own vector is part of every token: its share of the scores is taken off again.
    own = bags.bags.mean(dim=0)
    reading.linear.bias.copy_((added - each @ own).repeat(reading.num_queries))
