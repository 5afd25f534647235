"""Any modalities in, any answers out: one encoder, and a learned query and a head for each answer."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_answers import AnswerDescription, read_answers
from perceivers.decoders.base import PerceiverAbstractDecoder
from perceivers.decoders.mean import PerceiverMeanDecoder
from perceivers.decoders.multitask import PerceiverMultitaskDecoder
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor
from perceivers.modalities.multimodal import PerceiverMultimodalPreprocessor
from perceivers.modalities.text import PerceiverTextPreprocessor
from perceivers.models.answers.choice import AnswerChoice, choose_answers
from perceivers.models.answers.heads import AnswerHead, TokenReading, average_of_queries
from perceivers.models.answers.losses import answer_losses, has_target, mean_loss
from perceivers.models.answers.pointing import PointerHead
from perceivers.models.answers.targets import targets_by_answer
from perceivers.models.mixture import PerceiverMixtureModel, mixture_preprocessor
from perceivers.models.other_arguments import pass_over
from perceivers.models.perceiver import PerceiverModel
from perceivers.models.verbs import or_default
from perceivers.nn.packing import require_names, restructure
from perceivers.outputs import Encoded, PerceiverDecoderOutput, PerceiverPredictionOutput

ENTITIES = "entities"


class PerceiverForPrediction(PerceiverMixtureModel):
    """Classes, labels, numbers and selected entities, of whatever `config.modalities` describes.

    Example:
        config = PerceiverConfig(
            num_cross_attention_heads=1,
            modalities={
                "numbers": {"type": "number", "num_columns": 3, "out_channels": 64},
                "photo": {"type": "image", "max_resolution": [56, 56], "drop_probability": 0.3},
            },
            answers={
                "kind": {"type": "class", "id2label": {0: "cat", 1: "dog"}},
                "price": {"type": "number", "quantiles": [0.05, 0.5, 0.95], "weight": 0.5},
            },
        )
        model = PerceiverForPrediction(config)
        kind = model({"numbers": numbers, "photo": photos}).logits["kind"]

    An answer of type "entity", or "entities", selects members of the sets in the modality that its "of" names: its scores are
    [batch, num_entities], the lowest number of their type where a sample has no such entity.

    A modality that a sample lacks is hidden by the mask; nothing is put in its place. A sample that has none gets the answers
    that the latents give by themselves.

    Args:
        config: gives `modalities`: name -> {"type": one of MODALITY_TYPES, that type's settings by name, and, where there are
            several modalities, "drop_probability", with which a sample loses this one while training}; `answers`: name ->
            what `perceivers.configuration_answers.read_answer` takes; and the sizes of latents and layers.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__(config)
        if not config.answers:
            raise ConfigurationError(
                f"`answers` must describe at least one answer for {type(self).__name__}, received {config.answers!r}"
            )
        require_names("answers", config.answers)
        self.answers = read_answers(config.answers)
        self.answer_names = tuple(self.answers)
        heads = {
            name: AnswerHead(config.d_latents, answer)
            for name, answer in self.answers.items()
            if not answer.selects
        }
        readers = [name for name, answer in self.answers.items() if answer.token_rate]
        num_tasks = sum(answer.num_queries for answer in self.answers.values())
        keeps_tokens = bool(readers) or len(heads) < len(self.answers)
        decoder: PerceiverAbstractDecoder
        if config.mean_of_latents:
            decoder = PerceiverMeanDecoder(num_tasks, keeps_tokens=keeps_tokens)
        else:
            decoder = PerceiverMultitaskDecoder(
                config, num_tasks=num_tasks, num_channels=config.d_latents, keeps_tokens=keeps_tokens
            )
        own = copy.copy(config)
        # A sample without any input must not be answered from what stands in the place of its inputs.
        own.zero_fully_masked_rows = True
        preprocessor = mixture_preprocessor(own)
        self.perceiver = PerceiverModel(own, input_preprocessor=preprocessor, decoder=decoder)
        self.heads = nn.ModuleDict(heads)
        self.pointers = nn.ModuleDict(
            {
                name: PointerHead(name, own, self._channels_of_members(name, answer, preprocessor))
                for name, answer in self.answers.items()
                if answer.selects
            }
        )
        self.token_readers = nn.ModuleDict(
            {name: TokenReading(preprocessor.num_channels, self.answers[name]) for name in readers}
        )
        self.initialize_new_parameters()

    @property
    def plain_heads(self) -> dict[str, str]:
        """See PerceiverTaskModel."""
        return dict.fromkeys(
            (f"pointers.{name}" for name in self.pointers),
            "every member of a set asks the latents with a token of its own, of which nothing is known beforehand",
        )

    def forward(
        self,
        inputs: Any,
        attention_mask: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        labels: Any = None,
        return_dict: bool | None = None,
        pos: Any = None,
        answers: str | Sequence[str | int] | Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        **others: Any,
    ) -> PerceiverPredictionOutput | tuple[Any, ...]:
        """Answers about samples; they are encoded once, and no other query is answered.

        Args:
            inputs: name -> what the modality's preprocessor takes; a modality that the batch lacks is left out. Where there
                is a single modality: what it takes, or a mapping as well.
            attention_mask: name -> mask, nonzero where something counts: an entry for each token or, where several inputs
                make a token (steps, samples, frames), for each input; or [batch], for each sample that has the modality.
                Modalities that are not named count whole. Where there is a single modality: its mask, or a mapping.
            output_attentions: see PerceiverModel.
            output_hidden_states: see PerceiverModel.
            labels: name -> targets of an answer that is asked for, see `perceivers.models.answers.losses.answer_losses`;
                answers without targets lose nothing. Where one answer is asked for: its targets, or a mapping. Where each
                sample has an answer of its own: name -> targets of those samples, in their order; or one number a sample
                [batch].
            return_dict: see PerceiverModel.
            pos: name -> positions of tokens, each sample its own, see the preprocessors; or those of the single modality.
            answers: names of those that are asked of every sample; None: all. Or, for each sample its own, a tensor
                [batch] of numbers of `answer_names`, or a sequence of numbers.
            interpolate_pos_encoding: see PerceiverModel.
            others: what tokenizers and training loops hand on, such as `token_type_ids`, is passed over; anything else is
                refused, see `perceivers.models.other_arguments`.

        Returns:
            `logits`: name -> answers, in the order of `answer_names`: of every sample, or of those, in their order, whose
            answer it is; with labels also `losses`, means over the samples that have a target, and their weighted sum `loss`.
            Where each sample has an answer of its own, `loss` is the mean over all of them that have a target, each times
            the weight of its answer.
        """
        pass_over(others, self.forward)
        with_weights = or_default(output_attentions, self.config.output_attentions)
        encoded = self.encode(
            inputs,
            self._mask_in_training(inputs, attention_mask),
            interpolate_pos_encoding,
            pos=pos,
            output_attentions=with_weights,
            output_hidden_states=or_default(output_hidden_states, self.config.output_hidden_states),
        )
        choice = choose_answers(answers, self.answer_names, encoded.latents.shape[0])
        said, weights = self._ask(encoded, choice, output_attentions=with_weights)
        if self.training and torch.is_grad_enabled():
            said = _with_gradient_to(self._unused_parameters(inputs, said), said)
        output = PerceiverPredictionOutput(
            logits=self._averaged(said),
            query_logits=said,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
            cross_attentions=((encoded.cross_attentions or ()) + (weights or ())) or None,
        )
        if labels is not None:
            output.losses, output.loss = self._losses(said, labels, choice)
        return self._finish(output, return_dict)

    def decode(
        self,
        encoded: Encoded,
        *,
        answers: str | Sequence[str | int] | Tensor | None = None,
        **asked_for: Any,
    ) -> Any:
        """Answers about encoded samples, as `forward` gives them in `logits`.

        Args:
            encoded: what `encode` returned.
            answers: see `forward`.
            asked_for: `chunk_size` and `output_attentions` of PerceiverModel.decode; with the last, an object with `logits`
                and `cross_attentions`.
        """
        said, weights = self._ask(
            encoded, choose_answers(answers, self.answer_names, encoded.latents.shape[0]), **asked_for
        )
        logits = self._averaged(said)
        if asked_for.get("output_attentions"):
            return PerceiverPredictionOutput(logits=logits, query_logits=said, cross_attentions=weights)
        return logits

    def resize_token_embeddings(self, new_num_tokens: int) -> nn.Embedding:
        """Change the number of ids of the single modality, a text, keeping the rows of those that stay; new ones are drawn.

        Returns:
            The new embedding table.
        """
        text = self.perceiver.input_preprocessor
        if not isinstance(text, PerceiverTextPreprocessor):
            raise ConfigurationError(
                f"`resize_token_embeddings` needs a single modality of type 'text', received {self._names}"
            )
        text.resize(new_num_tokens, self.config.initializer_range)
        description = dict(cast("Mapping[str, Any]", self.config.modalities)[self._names[0]])
        for config in (self.config, self.perceiver.config):
            if "vocab_size" in description:
                config.modalities = {self._names[0]: {**description, "vocab_size": new_num_tokens}}
            else:
                config.vocab_size = new_num_tokens
        return text.embeddings

    def _ask(
        self, encoded: Encoded, choice: AnswerChoice, **asked_for: Any
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...] | None]:
        """Name -> what each query of the answer says, for the answers that have samples; the attention weights, if wanted."""
        counts = [answer.num_queries for answer in self.answers.values()]
        decoded: Any = self.perceiver.decode(encoded, positions=choice.queries(counts), **asked_for)
        weights: tuple[Tensor, ...] | None = None
        if isinstance(decoded, PerceiverDecoderOutput):
            decoded, weights = decoded.logits, decoded.cross_attentions
        said = {}
        for name, answered in choice.split(decoded, counts).items():
            if name in self.pointers:
                said[name] = self.pointers[name](answered, *self._members(encoded, name, choice))
                continue
            seen = None
            if name in self.token_readers:
                seen = self.token_readers[name](encoded.tokens, encoded.mask)
                if choice.own is not None:
                    seen = seen[choice.own.to(seen.device) == self.answer_names.index(name)]
            said[name] = self.heads[name](answered, seen)
        return said, weights

    def _members(
        self, encoded: Encoded, name: str, choice: AnswerChoice
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Latents of the samples that a pointer is asked of, and tokens and mask of what it may select."""
        of = self.answers[name].of
        tokens, mask = cast("Tensor", encoded.tokens), encoded.mask
        if encoded.modality_sizes is not None:
            if of not in encoded.modality_sizes:
                raise ShapeError(
                    f"`inputs` must have the modality {of!r} for the answer {name!r}, which selects of its entities, "
                    f"received {sorted(encoded.modality_sizes)}"
                )
            tokens = restructure(encoded.modality_sizes, tokens)[of]
            if mask is not None:
                mask = restructure(encoded.modality_sizes, mask[..., None])[of][..., 0]
        latents = encoded.latents
        if choice.own is None:
            return latents, tokens, mask
        own = choice.own.to(latents.device) == self.answer_names.index(name)
        return latents[own], tokens[own], None if mask is None else mask[own]

    def _channels_of_members(
        self, name: str, answer: AnswerDescription, preprocessor: AbstractPreprocessor
    ) -> int:
        """Channels of the tokens of the modality that an answer selects of."""
        described = cast("Mapping[str, Mapping[str, Any]]", self.config.modalities)
        if described.get(answer.of, {}).get("type") != ENTITIES:
            known = [each for each in self._names if described[each].get("type") == ENTITIES]
            raise ConfigurationError(
                f"`answers[{name!r}]['of']` must be a modality of type {ENTITIES!r}, of which there are {known}, "
                f"received {answer.of!r}"
            )
        if self._drop_probabilities.get(answer.of):
            raise ConfigurationError(
                f"`modalities[{answer.of!r}]['drop_probability']` must be 0, because the answer {name!r} selects of its "
                f"entities, received {self._drop_probabilities[answer.of]}"
            )
        if isinstance(preprocessor, PerceiverMultimodalPreprocessor):
            preprocessor = cast("AbstractPreprocessor", preprocessor.modalities[answer.of])
        return preprocessor.num_channels

    def _averaged(self, said: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: average_of_queries(some, self.answers[name]) for name, some in said.items()}

    def _losses(
        self, said: Mapping[str, Tensor], labels: Any, choice: AnswerChoice
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Mean loss of each answer that has targets, and the loss of the batch."""
        targets = targets_by_answer(labels, self.answers, choice, list(said))
        losses = {name: answer_losses(said[name], own, self.answers[name]) for name, own in targets.items()}
        known = {name: has_target(own, self.answers[name]) for name, own in targets.items()}
        means = {name: mean_loss(losses[name], known[name]) for name in losses}
        weights = {name: self.answers[name].weight for name in losses}
        # Zeros with a gradient to the answers that nobody has targets for, which data-parallel training needs.
        nothing = _zeros(said.values())
        if choice.own is None:
            weighted = [weights[name] * mean for name, mean in means.items()]
        else:
            samples = sum((some.sum() for some in known.values()), start=torch.zeros(())).clamp(min=1)
            weighted = [weights[name] * own.sum() / samples for name, own in losses.items()]
        return means, torch.stack([*nothing, *weighted]).sum()

    def _unused_parameters(self, inputs: Any, said: Mapping[str, Tensor]) -> Iterator[nn.Parameter]:
        """Parameters of the modalities that the batch lacks, and of the heads of answers that have no samples."""
        for name in self.answer_names:
            if name not in said:
                head = self.pointers if name in self.pointers else self.heads
                yield from head[name].parameters()
                if name in self.token_readers:
                    yield from self.token_readers[name].parameters()
        preprocessor = self.perceiver.input_preprocessor
        if isinstance(preprocessor, PerceiverMultimodalPreprocessor):
            for name in self._names:
                if name not in inputs:
                    yield from preprocessor.modalities[name].parameters()
                    yield preprocessor.padding[name]


def _with_gradient_to(parameters: Iterator[nn.Parameter], said: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same values, with a gradient of zero to every one of these parameters, which data-parallel training needs."""
    zeros = _zeros(parameters)
    if not zeros:
        return dict(said)
    nothing = torch.stack(zeros).sum()
    return {name: some + nothing.to(some.dtype) for name, some in said.items()}


def _zeros(tensors: Iterable[Tensor]) -> list[Tensor]:
    """A zero from each tensor that is not empty, with a gradient to it."""
    return [0 * each.flatten()[0] for each in tensors if each.numel() > 0]
