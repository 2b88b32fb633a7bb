"""`protocol`: the kinds of binary messages to editors."""


class BinaryEventTypes:
    """Numbers of the kinds."""

    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3
    PREVIEW_IMAGE_WITH_METADATA = 4
