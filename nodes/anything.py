"""The type of inputs and outputs that take and give whatever they are joined to."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any as Anything
else:

    class Anything:
        """Any value at all: on the wire `*`, for a type checker `Any`. For outputs that need a name of their own."""

        wire = "*"


__all__ = ["Anything"]
