"""Where a model comes from: an address, a file of the hub, a version on Civitai, as people write them.

https://example.org/models/tree.safetensors
hf:owner/repo/path/to/file.safetensors@revision      huggingface.co, or HF_ENDPOINT
https://huggingface.co/owner/repo/blob/main/file.safetensors
civitai:128713                                       the number of a model's version
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from yarl import URL

from server.models.error import ModelError

HUB = "https://huggingface.co"
CIVITAI = "https://civitai.com"
HOST = re.compile(r"[A-Za-z0-9.:_-]+")
"""What a host is named by, once it is written in ASCII. Some odd letters become what no network knows."""

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")

EXAMPLES = (
    "Write https://…/file.safetensors, hf:owner/repo/file.safetensors@revision, or civitai:NUMBER of a model's version."
)
PAGE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/(?:blob|resolve|raw)/(?P<revision>[^/]+)/(?P<file>.+)")
"""The path of a file's page at the hub, and of the file itself."""

WORD = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Source:
    """A file at a place. text: as it can be written again, without any secret. url: what is asked.

    repo, revision, file: of a file of the hub. has_query: the address has more to it than `text` shows.
    """

    kind: Literal["address", "hub", "civitai"]
    text: str
    url: URL
    name: str = ""
    repo: str = ""
    revision: str = ""
    file: str = ""

    @property
    def host(self) -> str:
        """Who is asked, with the port where it is not the usual one."""
        return host_of(self.url)

    @property
    def has_query(self) -> bool:
        """Whether the address has more to it than `text` shows: a signature or a key, perhaps."""
        return self.kind == "address" and bool(self.url.query_string)

    @property
    def about(self) -> URL | None:
        """Where the hub tells what it knows of the repository, its licence for one."""
        if self.kind != "hub":
            return None
        hub = str(self.url).partition(f"/{self.repo}/resolve/")[0]
        return URL(f"{hub}/api/models/{self.repo}/revision/{quote(self.revision, safe='')}", encoded=True)


def read_source(text: str, environment: Mapping[str, str] = os.environ) -> Source:
    """What somebody wrote as a source. Raises ModelError with a sentence for anything else."""
    text = text.strip()
    if not text or len(text) > 4000 or not text.isprintable():
        raise ModelError("bad_source", "That is no source of a model.", EXAMPLES)
    hub = _checked(environment.get("HF_ENDPOINT", "").rstrip("/") or HUB)
    scheme, colon, rest = text.partition(":")
    match scheme.lower() if colon else "":
        case "hf":
            path, _, revision = rest.removeprefix("//").rpartition("@") if "@" in rest else (rest, "", "")
            owner, _, more = path.removeprefix("//").strip("/").partition("/")
            name, _, file = more.partition("/")
            return _of_hub(hub, f"{owner}/{name}", revision or "main", file, text)
        case "civitai":
            return _of_civitai(rest)
        case "https" | "http" if " " not in text:
            return _of_address(_checked(text), hub)
        case _:
            raise ModelError("bad_source", f"'{_brief(text)}' is no source of a model.", EXAMPLES)


def host_of(url: URL) -> str:
    """Host and, where it is not the usual one, port."""
    host = url.host or ""
    return host if url.is_default_port() else f"{host}:{url.port}"


def is_loopback(url: URL) -> bool:
    """Whether an address is of this very machine, by its name."""
    return LOOPBACK.fullmatch(url.host or "") is not None


def public_text(url: URL) -> str:
    """An address without what may be a secret: user, password, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def _checked(text: str) -> URL:
    try:
        url = URL(text)
        host, user, password = url.host, url.user, url.password
        _ = url.port
    except (ValueError, IndexError):  # yarl raises this, too, as for "https://]"
        raise ModelError("bad_source", "That is no address.", EXAMPLES) from None
    if not host or not HOST.fullmatch(url.raw_host or "") or url.scheme not in ("https", "http"):
        raise ModelError("bad_source", "That is no address.", EXAMPLES)
    if user is not None or password is not None:
        raise ModelError("bad_source", f"The address at '{host}' holds a user or a password.", "Write it without.")
    if url.scheme == "http" and not is_loopback(url):
        raise ModelError("bad_source", f"'{public_text(url)}' is not encrypted.", "Use https.")
    return url


def _of_address(url: URL, hub: URL) -> Source:
    if url.origin() == hub.origin() or url.host in ("huggingface.co", "hf.co"):
        found = PAGE.fullmatch(url.path)
        if found is None:
            raise ModelError(
                "bad_source",
                f"'{public_text(url)}' is not the page of one file.",
                "Open the file there, and copy that.",
            )
        own = hub if url.origin() == hub.origin() else URL(HUB)
        return _of_hub(own, found["repo"], found["revision"], found["file"], public_text(url), kept_text=own != hub)
    if url.host in ("civitai.com", "www.civitai.com") and not url.path.startswith("/api/download/"):
        version = url.query.get("modelVersionId", "")
        if not version:
            hint = "Choose a version there, and copy the address again: it ends in modelVersionId=…"
            raise ModelError("bad_source", f"'{public_text(url)}' does not say which version.", hint)
        return _of_civitai(version)
    url = url.with_fragment(None)
    return Source("address", public_text(url), url, name=url.name)


def _of_hub(hub: URL, repo: str, revision: str, file: str, given: str, *, kept_text: bool = False) -> Source:
    parts = file.split("/")
    if (
        not all(WORD.fullmatch(part) and part.strip(".") for part in repo.split("/"))
        or repo.count("/") != 1
        or not all(part.strip(".") and "\\" not in part for part in parts)
        or not revision.strip(".")
        or ".." in revision
        or "@" in revision
        or not f"{file}{revision}".isprintable()
    ):
        hint = "Write hf:owner/repo/path/to/file.safetensors, with @revision behind it if not 'main'."
        raise ModelError("bad_source", f"'{_brief(given)}' does not name a file of a repository.", hint)
    path = f"/{repo}/resolve/{quote(revision, safe='')}/{quote(file)}"
    url = URL(str(hub).rstrip("/") + path, encoded=True)
    text = given if kept_text else f"hf:{repo}/{file}@{revision}"
    return Source("hub", text, url, name=parts[-1], repo=repo, revision=revision, file=file)


def _of_civitai(version: str) -> Source:
    if not re.fullmatch(r"\d{1,12}", version):
        raise ModelError(
            "bad_source", f"'{_brief(version)}' is not the number of a model's version.", "Write civitai:128713."
        )
    return Source("civitai", f"civitai:{version}", URL(f"{CIVITAI}/api/download/models/{version}"))


def _brief(text: str) -> str:
    shown = text.partition("?")[0]
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
