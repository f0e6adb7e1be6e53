"""Images that a frozen model could stumble over."""

import random
from collections.abc import Callable, Iterator, Sequence

from serving.app.inputs.image import Image

LEVELS = 256


def generate_images(images: Sequence[Image], count: int, seed: int) -> Iterator[Image]:
    """Images made of others: blank, full, noise, mixed, spoilt, turned into their contrary.

    Args:
        images: Of one size; at least one.
        count: How many.
        seed: Of what is random.
    """
    rng = random.Random(seed)  # noqa: S311 - images, not secrets
    size = len(images[0].pixels)
    kinds: tuple[Callable[[random.Random, Sequence[Image]], bytes], ...] = (
        _spoil,
        _mix,
        _invert,
        _make_noise,
        _draw_dots,
    )
    for number in range(count):
        if number < 2:  # noqa: PLR2004 - the two of one colour
            pixels = bytes([number * (LEVELS - 1)]) * size
        else:
            pixels = kinds[number % len(kinds)](rng, images)
        yield Image(pixels, 0, 0)


def _choose(rng: random.Random, images: Sequence[Image]) -> bytes:
    return rng.choice(images).pixels


def _spoil(rng: random.Random, images: Sequence[Image]) -> bytes:
    pixels = bytearray(_choose(rng, images))
    for place in rng.choices(range(len(pixels)), k=rng.randint(1, 20)):
        pixels[place] = rng.randrange(LEVELS)
    return bytes(pixels)


def _mix(rng: random.Random, images: Sequence[Image]) -> bytes:
    share = rng.random()
    pairs = zip(_choose(rng, images), _choose(rng, images), strict=True)
    return bytes(round(share * one + (1 - share) * other) for one, other in pairs)


def _invert(rng: random.Random, images: Sequence[Image]) -> bytes:
    return bytes(LEVELS - 1 - pixel for pixel in _choose(rng, images))


def _make_noise(rng: random.Random, images: Sequence[Image]) -> bytes:
    return rng.randbytes(len(images[0].pixels))


def _draw_dots(rng: random.Random, images: Sequence[Image]) -> bytes:
    pixels = bytearray(len(images[0].pixels))
    for place in rng.choices(range(len(pixels)), k=rng.randint(1, 5)):
        pixels[place] = rng.choice((1, LEVELS - 1))
    return bytes(pixels)
