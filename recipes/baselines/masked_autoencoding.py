"""What the masked autoencoding recipe reaches with positions that are not learned: the same run, but for that.

One JSON line: the test figures of the model whose positions stay as they are drawn.

    python recipes/baselines/masked_autoencoding.py [--recipe recipes/masked_autoencoding.yaml] [--steps 1500]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.tasks.masked_autoencoding.options import MaskedAutoencodingArguments
from perceivers.tasks.masked_autoencoding.task import MaskedAutoencoding
from perceivers.training.run import train

SHOWN = ("video_psnr", "audio_snr", "neighbours_found", "loss")


def main() -> None:
    """Train and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path(__file__).parents[1] / "masked_autoencoding.yaml")
    parser.add_argument("--steps", type=int, help="those of the recipe if not given")
    options = parser.parse_args()
    recipe = read_recipe(options.recipe)
    chosen = from_mapping(MaskedAutoencodingArguments, recipe["model"])
    with tempfile.TemporaryDirectory() as folder:
        run = run_from_recipe(recipe, output=f"{folder}/run", quiet=True, pictures=False)
        if options.steps is not None:
            run = replace(run, training=replace(run.training, steps=options.steps))
        results = train(MaskedAutoencoding(replace(chosen, learn_positions=False)), run)
    figures = {name: results["test"][name] for name in SHOWN}
    print(json.dumps({"positions that are not learned": figures}))


if __name__ == "__main__":
    main()
