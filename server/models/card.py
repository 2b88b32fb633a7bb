"""What is known of a model and is not in it: a small JSON file beside it, `NAME.noisewright.json`."""

import logging
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from graph.atomic import atomic_write
from graph.document import NAME
from graph.spec import Frozen

log = logging.getLogger(__name__)

SUFFIX = f".{NAME}.json"
LARGEST = 64 * 1024

DIGEST = re.compile(r"[0-9a-f]{64}")


class Card(Frozen):
    """Facts about a model file. source: as `models get` takes it, or an address without its query. revision: asked
    for; commit: what that was then. licence: as the source names it ("openrail++"), "" unknown. etag: of the file at
    its source. sha256: of the file, in hex. fetched: when, in UTC.
    """

    source: str = ""
    revision: str = ""
    commit: str = ""
    licence: str = ""
    etag: str = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    size: Annotated[int, Field(ge=0, description="bytes")] = 0
    fetched: str = ""


def place_of(model: Path) -> Path:
    """Where the card of a model file lies."""
    return model.with_name(model.name + SUFFIX)


def read_card(model: Path) -> Card | None:
    """The card of a model file, or None where there is none, or none that can be read."""
    place = place_of(model)
    try:
        with place.open("rb") as file:
            return Card.model_validate_json(file.read(LARGEST))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("The card '%s' is passed over: %s", place, " ".join(str(error).split())[:300])
        return None


def write_card(model: Path, card: Card) -> None:
    """Put a card beside a model file. Raises OSError."""
    atomic_write(place_of(model), card.model_dump_json(indent=2).encode() + b"\n")
