"""How much smaller the latents are than what went in."""

from __future__ import annotations


def compression_ratio(num_values: int, num_latents: int, latent_channels: int) -> float:
    """Values of one input divided by the values of its latents.

    The released autoencoder has (16 x 224 x 224 x 3 + 30,720) / (784 x 512) = 6.08.

    Args:
        num_values: numbers that describe the input before anything is done to it: pixels times channels, samples of sound.
        num_latents: vectors that it is gathered into.
        latent_channels: size of each.
    """
    return num_values / (num_latents * latent_channels)


def compression_ratio_of_the_paper(
    num_tokens: int, token_channels: int, num_latents: int, latent_channels: int
) -> float:
    """Values of the video's tokens divided by the values of the latents: what the Perceiver IO paper's 88, 176 and 352 are.

    Its 50,176 tokens have 704 channels, positions and padding included, and its latents are 784, 392 or 196 x 512: it counts
    what the network reads, not what the video says, which is 14 times less.

    Args:
        num_tokens: tokens of the video.
        token_channels: channels of each, with position and padding.
        num_latents: vectors that they are gathered into.
        latent_channels: size of each.
    """
    return num_tokens * token_channels / (num_latents * latent_channels)
