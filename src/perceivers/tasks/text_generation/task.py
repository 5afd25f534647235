"""Writing on: texts, or sequences of whole numbers, learned by Perceiver AR; prompts in, what follows out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import USUAL_SIZE, completed, filled, given
from perceivers.configuration import PerceiverConfig
from perceivers.data.groups import groups_of
from perceivers.data.opening import open_tables
from perceivers.data.rows import load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.text.reading import GROUP_COLUMN, TEXT_SUFFIXES, column_of_text
from perceivers.metrics.next_tokens import next_token_counts, next_token_metrics
from perceivers.metrics.running import Metrics
from perceivers.models.causal_language_modeling import PerceiverForCausalLM
from perceivers.models.losses import next_token_loss
from perceivers.models.text_building import OF_THE_CHECKPOINT
from perceivers.processors.events import EventVocabulary
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.rivals.ngrams import Ngrams
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task, Unreadable, guarded
from perceivers.tasks.choosing import size_of, with_advice
from perceivers.tasks.sizes import values_of_size
from perceivers.tasks.text_generation.answers import processor_of
from perceivers.tasks.text_generation.codes import codes_of
from perceivers.tasks.text_generation.continuing import continued
from perceivers.tasks.text_generation.crops import Crop, Crops, batch_of, drawn_crop, last_place
from perceivers.tasks.text_generation.options import TextGenerationArguments
from perceivers.tasks.text_generation.page import write_page
from perceivers.tasks.text_generation.prompts import Prompt, read_prompts
from perceivers.tasks.text_generation.reading import (
    Document,
    DocumentReader,
    in_pieces,
    joined_events,
    piece_of,
    read_documents,
)
from perceivers.tasks.text_generation.sizing import network_and_loop, sequence_sizes

# A comparison at the end of a run is to take seconds: tokens before the one that n-grams tell, tokens that they are counted
# in, and tokens that they are asked about.
ORDER, MOST_COUNTED, MOST_ASKED = 4, 1_000_000, 100_000


class TextGeneration(Task[TextGenerationArguments]):
    """Text files, a text column, or a column of whole numbers, cut into stretches that the model takes."""

    name: ClassVar[str] = "text-generation"
    headline: ClassVar[str] = "bits_per_token"
    headline_is_better: ClassVar[Literal["higher", "lower"]] = "lower"
    arguments_class: ClassVar[type[Any]] = TextGenerationArguments
    chooses: ClassVar[bool] = True

    @property
    def reads_events(self) -> bool:
        """Whether whole numbers are read instead of texts."""
        return self.arguments.event_column is not None

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Read documents, choose what the model looks at where that is open, and cut them into stretches.

        Raises:
            ConfigurationError: the data are to be streamed, or sizes do not fit.
            DataError: see `perceivers.data.opening.open_tables`; or a document cannot be read.
        """
        if arguments.streaming:
            raise ConfigurationError(
                "`streaming` must be left out for text-generation, which reads its texts before it trains"
            )
        tables = open_tables(arguments, () if self.reads_events else TEXT_SUFFIXES, labelled=False)
        documents, problems = self._documents(tables, arguments)
        self._choose_sequences(documents["train"])
        own = self.arguments
        own.require_that_sizes_fit()
        opened: dict[str, Any] = {
            part: in_pieces(
                found, tables[part].source, own.context, divides=part == "train" and len(tables) < 3
            )
            for part, found in documents.items()
        }
        grouped = GROUP_COLUMN if GROUP_COLUMN in opened["train"].columns else None
        looked_at = replace(arguments, group_column=None, group_pattern=None, unreadable="trust")
        splits = load_splits(looked_at, opened, piece_of, groups=grouped)
        notes = [note for table in tables.values() for note in table.notes]
        return Splits(
            Crops.of(splits.train, own.context, own.num_latents, scores_end=True),
            Crops.of(splits.validation, own.context, own.stride, scores_end=False),
            Crops.of(splits.test, own.context, own.stride, scores_end=False),
            unreadable=tuple(problems),
            notes=tuple(dict.fromkeys((*notes, *splits.notes))),
        )

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task: network and loop by the number of tokens."""
        if size_of(self.arguments) == USUAL_SIZE:
            self.arguments = completed(self.arguments)
            return Advice()
        advice = network_and_loop(_crops(splits.train).num_tokens, self.arguments.num_latents)
        self.arguments, advice = with_advice(self.arguments, advice, run=run, num_rows=len(splits.train))
        self.arguments.require_that_sizes_fit()
        return advice

    def plan_of_samples(self, splits: Splits) -> dict[str, str]:
        """See Task: tokens of each part, and how they are measured."""
        unit = "events" if self.reads_events else "bytes"
        parts = (("train", splits.train), ("validation", splits.validation), ("test", splits.test))
        counts = ", ".join(f"{name} {_crops(part).num_tokens:,}" for name, part in parts)
        left_out = f"; {len(splits.unreadable):,} texts left out as unreadable" if splits.unreadable else ""
        own = self.arguments
        return {
            unit: f"{counts}{left_out}",
            "measuring": f"bits a token, the last {own.stride:,} of each stretch of up to {own.context:,}: context "
            f"{own.context:,}, stride {own.stride:,}",
        }

    def sees(self) -> list[str]:
        """See Task."""
        own = self.arguments
        unit = "events" if self.reads_events else "bytes"
        hidden = f", {own.prefix_dropout:.0%} of which are hidden" if own.prefix_dropout else ""
        return [f"up to {own.context:,} {unit}{hidden}; the last {own.num_latents:,} are latents"]

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build a causal language model, and the tokenizer or the vocabulary of the events that the data have."""
        processor: Any
        if self.reads_events:
            pieces = [_crops(part).pieces for part in (splits.train, splits.validation, splits.test)]
            events = [each[index].values for each in pieces for index in range(len(each))]
            processor = EventVocabulary(np.concatenate(events))
        else:
            processor = PerceiverTokenizer(model_max_length=self.arguments.context)
        num_ids = codes_of(processor).num_ids
        return Parts(PerceiverForCausalLM(_config(self.arguments, num_ids, start)), processor)

    def restore(self, folder: Path) -> Parts:
        """Load model and processor."""
        return Parts(PerceiverForCausalLM.from_pretrained(folder), processor_of(folder, self.arguments))

    def vary(self, sample: Crop, generator: np.random.Generator) -> Crop:
        """Draw another stretch of the same text."""
        own = self.arguments
        if own.crops == "ends":
            end = last_place(sample.piece)
            return Crop(sample.piece, max(end - own.context, 0), end, min(own.num_latents, end))
        return drawn_crop(sample, own.context, own.num_latents, generator)

    def collate(self, processor: Any, samples: Sequence[Crop]) -> Batch:
        """See `perceivers.tasks.text_generation.crops.batch_of`."""
        return batch_of(samples, codes_of(processor), self.arguments.num_latents)

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Mean cross-entropy of the tokens that follow the latents'."""
        targets = batch["targets"]
        logits = model(
            inputs=batch["inputs"], attention_mask=batch["attention_mask"], num_latents=targets.shape[1]
        ).logits
        loss = next_token_loss(logits, targets, self.arguments.z_loss)
        return Step(loss, next_token_counts(logits.detach(), targets))

    def metrics(self, parts: Parts) -> Metrics:
        """Loss in nats, bits, accuracy, each a token."""
        return next_token_metrics()

    def summarize(self, scores: Mapping[str, float]) -> dict[str, float]:
        """See Task; where tokens are bytes, the bits are called so, too."""
        bits = {} if self.reads_events else {"bits_per_byte": scores["bits_per_token"]}
        return {**scores, **bits}

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """See Task: n-grams, which are counted within seconds; the majority is how often each token comes."""
        fitted = texts_of(_crops(train), MOST_COUNTED)
        measured = texts_of(_crops(asked), MOST_ASKED) if isinstance(asked, Crops) else []
        if not fitted or not measured:
            return None
        different = (
            256 if not self.reads_events else len({token for text in (*fitted, *measured) for token in text})
        )
        ngrams = Ngrams(ORDER, different).fit(fitted)
        title = f"{ORDER + 1}-grams"
        found = {}
        for name, order in ((title, ORDER), ("majority", 0)):
            bits = ngrams.bits_per_token(measured, order)
            found[name] = self.summarize({"bits_per_token": bits, "loss": bits * math.log(2.0)})
        counts = {"training_samples": len(train), "samples": len(asked)}
        return {"method": title, **found, **counts}

    @torch.no_grad()
    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Write on after each prompt, as the run's options say (`max_new_tokens`, `temperature`, ...).

        Args:
            parts: of a trained model.
            inputs: texts, or events with spaces between them; files and folders of these; "" to write from the start.
            left_out: see Task.
        """
        prompts = read_prompts(inputs, reads_events=self.reads_events, left_out=left_out)
        prepared, codes = parts.fast_form(), codes_of(parts.processor)

        def written(prompt: Prompt) -> Iterator[Prediction]:
            yield continued(prepared, codes, prompt, self.arguments)

        return [each for prompt in prompts for each in guarded(prompt.source, written(prompt), left_out)]

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Write a page with what was written, and how likely each token was."""
        path = folder / "predictions.html"
        write_page(predictions, path)
        return [path]

    def _documents(
        self, tables: Mapping[str, Table | StreamTable], arguments: DataArguments
    ) -> tuple[dict[str, list[Document]], list[str]]:
        """The documents of each part, and one line for each that cannot be read."""
        own = self.arguments
        found: dict[str, list[Document]] = {}
        problems: list[str] = []
        for part, opened in tables.items():
            assert isinstance(opened, Table)
            table, column = opened, own.event_column or ""
            if own.event_column is not None:
                table = joined_events(opened, own.event_column, own.document_column)
            else:
                column = column_of_text(opened, own.text_column)
            groups = None
            if part == "train" and (arguments.group_column or arguments.group_pattern):
                groups = groups_of(table, arguments.group_column, arguments.group_pattern)
            reader = DocumentReader(column, self.reads_events)
            found[part], unreadable = read_documents(table, reader, groups)
            problems += unreadable
            if not found[part]:
                raise DataError(unreadable[0] if unreadable else f"`{table.source}` holds no text")
        if problems and arguments.unreadable != "skip":
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise DataError(
                f"{problems[0]}{more}; mend it, remove it, or leave it out with --unreadable skip"
            )
        return found, problems

    def _choose_sequences(self, documents: Sequence[Document]) -> None:
        """Fill context and latents where they are open: what `--size` says, then what suits the texts."""
        own = self.arguments
        if size_of(own) == USUAL_SIZE:
            return
        own = filled(own, values_of_size(self.name, size_of(own)))
        lengths = [len(each.values) for each in documents]
        chosen = given(own)
        sizes = sequence_sizes(sum(lengths), max(lengths))
        if "context" in chosen:
            sizes["num_latents"] = max(chosen["context"] // 2, 1)
        elif "num_latents" in chosen:
            sizes["context"] = max(sizes["context"], chosen["num_latents"])
        self.arguments = filled(own, sizes)


def texts_of(crops: Crops, most: int) -> list[Any]:
    """The texts of pieces as bytes, or their events as tuples, the first ones that have at most so many tokens together."""
    found: list[Any] = []
    for index in range(len(crops.pieces)):
        values = crops.pieces[index].values[:most]
        if not len(values):
            break
        most -= len(values)
        found.append(values.tobytes() if values.dtype == np.uint8 else tuple(values.tolist()))
    return found


def _crops(part: Any) -> Crops:
    assert isinstance(part, Crops)
    return part


def _config(
    arguments: TextGenerationArguments, num_ids: int, start: PerceiverConfig | None
) -> PerceiverConfig:
    """Configuration of the model; a checkpoint's, where a run starts from one, whose dropout the run chooses."""
    values = arguments.config_values()
    if start is None:
        return PerceiverConfig(**values, vocab_size=num_ids)
    for name, wanted, known in (
        ("context", arguments.context, start.max_position_embeddings),
        ("num_latents", arguments.num_latents, start.max_position_embeddings),
    ):
        if wanted > known:
            raise ConfigurationError(
                f"`{name}` must be at most {known}, what the checkpoint to start from takes, received {wanted}"
            )
    if start.vocab_size != num_ids:
        raise ConfigurationError(
            f"`start` must name a model of the same tokens: it has {start.vocab_size} ids, the data need {num_ids}"
        )
    kept = {key: value for key, value in start.to_dict().items() if key not in OF_THE_CHECKPOINT}
    of_run = ("attention_probs_dropout_prob", "mlp_dropout_prob", "prefix_dropout_prob", "z_loss_weight")
    return PerceiverConfig.from_dict({**kept, **{key: values[key] for key in of_run}})


def with_writing(task: TextGeneration, **changed: Any) -> TextGeneration:
    """A task like another one that writes otherwise: `max_new_tokens`, `temperature` and what else says how."""
    return TextGeneration(dataclasses.replace(task.arguments, **changed))
