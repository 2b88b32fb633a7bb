"""The normal numbers that torch draws on CUDA cards, computed on any device with integer tensors.

torch draws them with cuRAND's Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"): each
thread has a counter of its own, each counter gives four 32-bit numbers, and each two of them one pair of normal numbers
(Box & Muller 1958).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
"""What the two halves of the key grow by in each round."""

WORD = 0xFFFFFFFF
THREADS_OF_A_BLOCK = 256
"""Threads that torch starts together."""


def philox4x32(counter: Sequence[Tensor], key: tuple[int, int], rounds: int = ROUNDS) -> tuple[Tensor, ...]:
    """Four 32-bit numbers of each counter: int64 tensors of 0..2^32 − 1, as the four words of the counter are.

    key: two words. Salmon et al. 2011, §3.3.
    """
    x0, x1, x2, x3 = counter
    low, high = key
    for _ in range(rounds):
        a, b = _product(x0, MULTIPLIERS[0]), _product(x2, MULTIPLIERS[1])
        x0, x1, x2, x3 = b[0] ^ x1 ^ low, b[1], a[0] ^ x3 ^ high, a[1]
        low, high = (low + WEYL[0]) & WORD, (high + WEYL[1]) & WORD
    return x0, x1, x2, x3


def _product(words: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The upper and the lower word of words · factor, in halves of 16 bits so that nothing overflows 63 bits."""
    low, high = words * (factor & 0xFFFF), words * (factor >> 16)
    middle = high + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def normal4(words: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Four normal numbers, float32, of four 32-bit ones: cuRAND's `curand_normal4`.

    sqrt(−2 log u) times sine and cosine of v, with u in (0, 1] and v in (0, 2π] rounded to float32 as the card rounds
    them. The functions themselves are computed in float64, so that the last bit may differ from a card's.
    """
    pairs = []
    for first, second in zip(words[::2], words[1::2], strict=True):
        u = (first.float().double() * 2.0**-32 + 2.0**-33).float().double()
        turn = torch.tensor(2.0**-32 * 2 * math.pi).double()  # a float32 constant there
        v = (second.float().double() * turn + torch.tensor(2.0**-33 * 2 * math.pi).double()).float().double()
        radius = (-2 * u.log()).sqrt().float()
        pairs += [radius * v.sin().float(), radius * v.cos().float()]
    return tuple(pairs)


class CudaNormal:
    """What `torch.randn(…, device="cuda")` draws, one call after the other.

    seed: 0..2^64 − 1. threads: the most that the card runs at once in torch's kernel, 256 · its multiprocessors · how
    many blocks each takes (8 on data centre cards, 6 on others of the last generations). A draw of more numbers goes
    around, and then depends on the card, as it does there; None: one without such a limit. That gives what small cards
    give for up to 30,000 numbers (a picture of 512 × 512 has 16,384), and large ones for up to 200,000.
    """

    def __init__(self, seed: int, threads: int | None = None) -> None:
        self._key = seed & WORD, (seed >> 32) & WORD
        self._threads = threads
        self._offset = 0

    def skip(self, shape: Sequence[int], draws: int) -> None:
        """Go on as after `draws` draws of this shape."""
        self._offset += draws * self._rounds_of(math.prod(shape))

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next numbers: float32 of this shape, on the CPU."""
        count = math.prod(shape)
        width = self._width(count)
        thread = torch.arange(width)
        zero = torch.zeros_like(thread)
        drawn: list[Tensor] = []
        for turn in range(self._rounds_of(count)):
            block = torch.full_like(thread, self._offset + turn)
            drawn.extend(normal4(philox4x32((block & WORD, block >> 32, thread, zero), self._key)))
        self.skip(shape, 1)
        return torch.cat(drawn)[:count].reshape(tuple(shape)) if drawn else torch.empty(tuple(shape))

    def _width(self, count: int) -> int:
        """How many threads draw `count` numbers: whole blocks, as many as the card runs."""
        wanted = -(-count // THREADS_OF_A_BLOCK) * THREADS_OF_A_BLOCK
        return wanted if self._threads is None else min(wanted, self._threads)

    def _rounds_of(self, count: int) -> int:
        """How many counters each thread uses up: four numbers of each, whether they are needed or not."""
        return -(-count // (4 * self._width(count))) if count else 0
