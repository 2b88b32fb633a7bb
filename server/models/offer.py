"""What a source says of a file before its bytes come, and whether that can be true."""

import re
from dataclasses import dataclass

from server.models.error import ModelError
from server.models.online import Reply, refusal
from server.models.source import Source, host_of

WEB_PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class Offer:
    """A file as its source describes it. offset: where the bytes begin that come; -1: that was not understood.

    size: of the whole, None not said. etag: a strong one. sha256 and commit: as the hub tells them. name: not trusted.
    """

    offset: int
    size: int | None
    etag: str
    modified: str
    sha256: str
    commit: str
    name: str


def offer_of(source: Source, reply: Reply, *, has_token: bool) -> Offer:
    """What an answer offers. Raises ModelError where it refuses, or is no file."""
    response = reply.response
    host = host_of(response.url)
    if response.status not in (200, 206):
        raise refusal(source, reply, has_token=has_token)
    if response.content_type in WEB_PAGES:
        hint = "Perhaps it asks for a login, or it is the address of a page about the file."
        raise ModelError("not_a_model", f"{host} gives a web page, not a file.", hint, status=502)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ModelError("bad_answer", f"{host} gives the file packed, which was not asked for.", status=502)
    offset, size = 0, response.content_length
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})", response.headers.get("Content-Range", ""))
        offset, size = (int(found[1]), int(found[2])) if found else (-1, None)
    if reply.linked_size is not None and size is not None and size != reply.linked_size:
        raise wrong_size(host, size, reply.linked_size)
    etag = response.headers.get("ETag", "")
    modified = response.headers.get("Last-Modified", "")
    disposition = response.content_disposition
    return Offer(
        offset=offset,
        size=size if size is not None else reply.linked_size,
        etag=etag if re.fullmatch(r'"[\x21\x23-\x7e]{1,200}"', etag) else "",
        modified=modified if re.fullmatch(r"[\w ,:+-]{1,40}", modified) else "",
        sha256=reply.linked_sha256,
        commit=reply.commit,
        name=(disposition.filename if disposition else None) or response.url.name,
    )


def wrong_size(host: str, given: int, size: int) -> ModelError:
    """The error of a file that is not as long as it is to be, in bytes."""
    return ModelError("wrong_size", f"{host} gives {given} bytes of a file that has {size}.", status=502)
