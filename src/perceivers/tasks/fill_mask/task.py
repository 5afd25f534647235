"""Filling hidden words: text with whole words hidden in, a guess for every hidden byte out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import completed, filled, given, is_complete
from perceivers.configuration import PerceiverConfig
from perceivers.data.draws import generator_of
from perceivers.data.opening import open_tables
from perceivers.data.rows import load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table
from perceivers.kinds.text.batches import padded_rows, row_of_texts
from perceivers.kinds.text.reading import (
    GROUP_COLUMN,
    TEXT_SUFFIXES,
    TextWindows,
    column_of_text,
    lengths_of,
    read_text,
)
from perceivers.kinds.text.windows import moved_window
from perceivers.kinds.text.words import Span, byte_spans, draw_spans, word_spans
from perceivers.metrics.running import Metrics
from perceivers.metrics.text_masking import masking_counts, masking_metrics
from perceivers.models.losses import IGNORED_LABEL
from perceivers.models.masked_language_modeling import PerceiverForMaskedLM
from perceivers.models.text_building import start_positions, text_config
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.rivals.reading import read_evenly
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task, Unreadable
from perceivers.tasks.choosing import size_of, with_advice
from perceivers.tasks.fill_mask.answers import filled_inputs
from perceivers.tasks.fill_mask.beside import stand_beside
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.fill_mask.page import write_page
from perceivers.tasks.fill_mask.sizing import MARKS, network_and_loop, window_sizes
from perceivers.tasks.fill_mask.window import TextWindow
from perceivers.tasks.sizes import values_of_size

# Together with a text, it says which words are hidden in evaluation.
EVALUATION_SEED = 0


@dataclass(frozen=True)
class WindowDecoder:
    """Rows to pieces of text: windows as they are cut, rows of a stream whole.

    Args:
        column: the texts', in a stream.
    """

    column: str

    def __call__(self, row: Mapping[str, Any], table: Any) -> TextWindow:
        """See `perceivers.data.rows.Decode`."""
        if isinstance(table, TextWindows):
            return TextWindow(row["text"], row["start"], row["end"])
        text = read_text(row, table, self.column)
        return TextWindow(text, 0, len(text))


class FillMask(Task[FillMaskArguments]):
    """Text files, or a text column of a table, cut into windows that the model takes."""

    name: ClassVar[str] = "fill-mask"
    headline: ClassVar[str] = "bits_per_masked_byte"
    headline_is_better: ClassVar[Literal["higher", "lower"]] = "lower"
    arguments_class: ClassVar[type[Any]] = FillMaskArguments
    chooses: ClassVar[bool] = True

    #: Of all texts that are trained on or held out of these.
    _num_bytes = 0

    @property
    def room(self) -> int:
        """Bytes of text in a window: what [CLS], [SEP] and the random offset leave of `max_length`."""
        return self.arguments.max_length - MARKS - self.arguments.random_offset

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open texts and cut them into windows; those of a stream are cut when they are drawn."""
        tables = open_tables(arguments, TEXT_SUFFIXES, labelled=False)
        column = column_of_text(tables["train"], self.arguments.text_column)
        self._choose_windows(tables["train"], column)
        opened: dict[str, Any] = {}
        problems: list[str] = []
        for part, table in tables.items():
            if isinstance(table, StreamTable):
                opened[part] = table
                continue
            windows = TextWindows(
                table,
                column_of_text(table, self.arguments.text_column),
                self.room,
                arguments.group_column if part == "train" else None,
                arguments.group_pattern if part == "train" else None,
                skips_unreadable=arguments.unreadable == "skip",
            )
            opened[part] = windows
            problems += [*table.left_out, *windows.unreadable]
        is_stream = isinstance(opened["train"], StreamTable)
        # Cutting has read every text already; only a stream may still hold unreadable ones.
        looked_at = replace(arguments, group_column=None, group_pattern=None)
        if not is_stream:
            looked_at = replace(looked_at, unreadable="trust")
        splits = load_splits(
            looked_at, opened, WindowDecoder(column), groups=None if is_stream else GROUP_COLUMN
        )
        return replace(splits, unreadable=(*problems, *splits.unreadable))

    def _choose_windows(self, train: Table | StreamTable, column: str) -> None:
        """Fill how texts are read where that is open: what `--size` says, then what suits the texts."""
        own = filled(self.arguments, values_of_size(self.name, size_of(self.arguments)))
        if self.start is not None or isinstance(train, StreamTable):
            own = completed(own)
        if isinstance(train, StreamTable) or is_complete(own):
            self.arguments = own
            return
        # Of texts that cannot be read nothing is known; windows of them are an error.
        lengths = lengths_of(train, column) or [0]
        self._num_bytes = sum(lengths)
        sizes = window_sizes(lengths)
        chosen = given(own)
        channels = {chosen[name] for name in ("latent_channels", "embedding_channels") if name in chosen}
        if len(channels) > 1:
            # Only latents of the bytes' size can start aligned with them.
            sizes.pop("position_start", None)
        self.arguments = filled(own, sizes)

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task: network and loop by the bytes of the texts."""
        if is_complete(self.arguments):
            return Advice()
        chosen = given(self.arguments)
        same = {"latent_channels": chosen["embedding_channels"]} if "embedding_channels" in chosen else {}
        own = filled(self.arguments, {**same, "num_decoder_heads": 1})
        num_windows = len(cast("Sequence[Any]", splits.train))
        advice = network_and_loop(self._num_bytes, num_windows, own.max_length)
        self.arguments, advice = with_advice(own, advice, run=run, num_rows=num_windows)
        return advice

    def sees(self) -> list[str]:
        """See Task."""
        own = self.arguments
        hidden = f"{own.mask_fraction:.0%} of the {own.mask_unit}s"
        return [f"up to {self.room:,} bytes, {hidden} hidden"]

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a masked language model and its tokenizer."""
        model = PerceiverForMaskedLM(text_config(self.arguments.config_values(), start))
        start_positions(model, self.arguments.position_start)
        return Parts(model, PerceiverTokenizer(model_max_length=model.config.max_position_embeddings))

    def restore(self, folder: Path) -> Parts:
        """Load model and tokenizer."""
        return Parts(PerceiverForMaskedLM.from_pretrained(folder), PerceiverTokenizer.from_pretrained(folder))

    def vary(self, sample: TextWindow, generator: np.random.Generator) -> TextWindow:
        """Cut the window anew, hide other words, begin elsewhere."""
        start, end = sample.start, sample.end
        if self.arguments.moving_windows or end - start > self.room:
            start, end = moved_window(sample.text, start, end, self.room, generator)
        offset = int(generator.integers(self.arguments.random_offset + 1))
        return self._hidden(TextWindow(sample.text, start, end, offset=offset), generator)

    def collate(self, processor: PerceiverTokenizer, samples: Sequence[TextWindow]) -> Batch:
        """Give what the model reads and what it is asked.

        `inputs` [batch, length] with hidden bytes as [MASK], `attention_mask`; of the hidden bytes `positions`, `targets`
        (true ids, -100 beyond a text's own) and `words` (which hidden word, or byte), [batch, most hidden bytes of a text].
        Where no words are chosen, the text alone decides: evaluation hides the same ones each time.
        """
        chosen = [sample if sample.hidden is not None else self.hidden_window(sample) for sample in samples]
        ids, mask = padded_rows(
            processor,
            [row_of_texts(processor, sample.piece) for sample in chosen],
            [sample.offset for sample in chosen],
        )
        count = max(1, *(sum(end - start for start, end in sample.hidden or ()) for sample in chosen))
        positions, words = (torch.zeros(len(chosen), count, dtype=torch.int64) for _ in range(2))
        targets = torch.full((len(chosen), count), IGNORED_LABEL)
        for row, sample in enumerate(chosen):
            asked = [
                # One further for [CLS].
                (sample.offset + 1 + at, word)
                for word, (start, end) in enumerate(sample.hidden or ())
                for at in range(start, end)
            ]
            places, numbers = torch.tensor(asked, dtype=torch.int64).reshape(-1, 2).unbind(dim=1)
            positions[row, : len(asked)], words[row, : len(asked)] = places, numbers
            targets[row, : len(asked)] = ids[row, places]
            ids[row, places] = cast("int", processor.mask_token_id)
        return {
            "inputs": ids,
            "attention_mask": mask,
            "positions": positions,
            "targets": targets,
            "words": words,
        }

    def lesser(self, samples: Sequence[TextWindow]) -> list[list[TextWindow]]:
        """See Task: texts of half the length, alone and beside whole ones."""
        halves = [
            replace(sample, end=(sample.start + sample.end + 1) // 2, hidden=None) for sample in samples
        ]
        return [halves, [*halves[:1], *samples[1:]]]

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute the mean cross-entropy of the hidden bytes; only these are decoded."""
        logits = model(
            inputs=batch["inputs"], attention_mask=batch["attention_mask"], positions=batch["positions"]
        ).logits
        targets = batch["targets"]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED_LABEL)
        return Step(loss, masking_counts(logits.detach(), targets, batch["words"]))

    def metrics(self, parts: Parts) -> Metrics:
        """Loss, bits per masked byte, masked-byte and whole-word accuracy."""
        return masking_metrics()

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """See Task: runs of bytes on both sides of a word, and how often each byte comes."""
        found = stand_beside(train, read_evenly(asked, self.hidden_window), self._spans)
        return None if found is None else {**found, "asked_samples": len(asked)}

    @torch.no_grad()
    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Fill each text's gaps, `[MASK]` (one byte) and `[MASK:7]` (a word of 7 bytes).

        Args:
            parts: of a trained model.
            inputs: texts with gaps, text files, folders of these.
            left_out: see Task.
        """
        return filled_inputs(parts.fast_form(), parts.processor, inputs, left_out)

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Write a page with the filled texts and, for each gap, the alternatives."""
        path = folder / "predictions.html"
        write_page(predictions, path)
        return [path]

    def hidden_window(self, sample: TextWindow) -> TextWindow:
        """A piece with the words hidden that evaluation hides in it."""
        return self._hidden(sample, generator_of(EVALUATION_SEED, zlib.crc32(sample.piece)))

    @property
    def _spans(self) -> Callable[[bytes], list[Span]]:
        """What is hidden together."""
        return byte_spans if self.arguments.mask_unit == "byte" else word_spans

    def _hidden(self, sample: TextWindow, generator: np.random.Generator) -> TextWindow:
        chosen = draw_spans(self._spans(sample.piece), self.arguments.mask_fraction, generator)
        return replace(sample, hidden=tuple(chosen))
