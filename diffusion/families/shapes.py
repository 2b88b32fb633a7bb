"""Numbers read from the names and shapes of tensors. Loads no torch."""

import re
from collections.abc import Iterable

from diffusion.header import Header, WeightFileError

NORM_GROUPS = 32
"""Groups of the norms of Stable Diffusion's U-Nets and autoencoders."""


def count(names: Iterable[str], pattern: str) -> int:
    """One more than the largest number that stands in a name where the pattern's group is; 0 where there is none."""
    matcher = re.compile(pattern)
    return 1 + max((int(match[1]) for name in names if (match := matcher.match(name))), default=-1)


def norm_groups_fit(header: Header, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The widths, if all are multiples of the number of norm groups. Raises WeightFileError where one is not."""
    if any(width % NORM_GROUPS for width in widths):
        raise WeightFileError(
            f"'{header.path.name}': widths {widths} are not multiples of {NORM_GROUPS}, "
            "the number of norm groups of its family."
        )
    return widths
