"""How a server is asked to run: one frozen object, from flags, the environment, a TOML file, and defaults, in that
order.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError

from graph.document import NAME
from graph.errors import GraphError
from graph.spec import Frozen
from graph.text import nearest
from server.wording import sentence

MIB = 2**20

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that no other machine reaches."""


class Settings(Frozen):
    """Everything that can be set. A field's name is its flag (`--base-path`), its key in the TOML file (`base_path`),
    and, in capitals behind the program's name, its environment variable (`NOISEWRIGHT_BASE_PATH`).
    """

    host: str = Field("127.0.0.1", description="the address to listen on; any but loopback needs a token")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8188, description="the port to listen on; 0: a free one")
    base_path: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="what stands before every path, as /art")
    tls_certificate: Path | None = Field(None, description="a certificate chain in PEM: the server speaks TLS")
    tls_key: Path | None = Field(None, description="the certificate's private key in PEM")
    trusted_proxies: tuple[str, ...] = Field((), description="addresses whose X-Forwarded-For and -Proto are believed")
    allowed_hosts: tuple[str, ...] = Field((), description="more host names under which the server may be asked")
    allowed_origins: tuple[str, ...] = Field((), description="web pages of other origins that may ask: https://a.org")
    token: SecretStr | None = Field(None, description="the token that may do everything; made if one is needed")
    no_token: bool = Field(False, description="never ask for a token, not even on other addresses than loopback")
    open: bool | None = Field(None, description="open the browser; unless told, at the first start alone")
    frontend: Literal["", "comfyui"] = Field("", description="comfyui: serve the installed comfyui-frontend-package")

    workers: Annotated[int, Field(ge=0, le=64)] | None = Field(
        None, description="how many workers; one for each device"
    )
    devices: tuple[str, ...] = Field(("auto",), description="the devices workers compute on: auto, cpu, cuda:0, mps")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="in which precision networks compute"
    )
    memory: str = Field(
        "auto",
        pattern=r"(?i)^(auto|\d+(\.\d+)? ?([KMGT](i?B)?|B)?)$",
        description="what weights and computing may take on each device: auto (what is free, less a tenth), or 6GB",
    )
    idle_unload: Annotated[float, Field(gt=0)] | None = Field(
        None, description="seconds without work after which weights leave memory; without it they stay"
    )
    compile: bool = Field(False, description="compile the denoiser")
    guard: bool = Field(False, description="let a node fail that changes one of its inputs")
    time_limit: Annotated[float, Field(gt=0)] | None = Field(None, description="seconds a node may take")
    models: tuple[Path, ...] = Field((), description="folders of models to search first, or files of model paths")
    output: Path | None = Field(None, description="where files are written, instead of the home's output")
    metadata: Literal["full", "minimal", "none"] = Field("full", description="what pictures tell of how they were made")
    previews: bool = Field(True, description="whether previews are drawn while somebody looks")

    offline: bool = Field(False, description="never fetch anything: no models, no webhooks")
    private_addresses: bool = Field(False, description="let downloads and webhooks reach addresses of private networks")
    max_upload: Annotated[int, Field(gt=0)] = Field(100 * MIB, description="bytes one upload may have")
    max_pixels: Annotated[int, Field(gt=0)] = Field(2**28, description="pixels an uploaded picture may have")
    max_uploads: Annotated[int, Field(gt=0)] = Field(10_000, description="files the input folder may hold by uploads")
    max_json: Annotated[int, Field(gt=0)] = Field(32 * MIB, description="bytes a JSON body may have")
    max_waiting: Annotated[int, Field(gt=0)] = Field(20_000, description="runs that may wait at once")
    keep_days: Annotated[float, Field(gt=0)] = Field(365.0, description="days finished runs stay in the history")
    keep_runs: Annotated[int, Field(ge=0)] = Field(10_000, description="finished runs that stay in the history")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def origin(self, name: str) -> str:
        """Where a field's value was set: "--port", "the environment variable …", a file; "": nowhere."""
        return self._origins.get(name, "")

    @property
    def is_loopback(self) -> bool:
        """Whether no other machine reaches the server."""
        return self.host in LOOPBACK

    @property
    def scheme(self) -> str:
        """`https` with TLS, else `http`."""
        return "https" if self.tls_certificate else "http"


def read_settings(
    flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """The settings of this start. flags: by field; None: not given. file: TOML, which need not exist.

    Lists in environment variables are separated by commas. Raises GraphError with a sentence for what is not a setting
    or has the wrong kind of value, naming where it stands.
    """
    known = Settings.model_fields
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, value in _read(file).items():
        if name not in known:
            close = nearest(name, known)
            hint = f" Did you mean '{close}'?" if close else f" There are: {', '.join(known)}."
            raise GraphError(f"'{file}' sets '{name}', which is no setting.{hint}")
        values[name], origin[name] = value, f"'{file}': {name}"
    for name in known:
        variable = variable_of(name)
        text = environment.get(variable, "")
        if text:
            is_list = "tuple" in str(known[name].annotation)
            values[name] = tuple(part.strip() for part in text.split(",") if part.strip()) if is_list else text
            origin[name] = f"the environment variable {variable}"
    for name, value in flags.items():
        if value is not None:
            values[name], origin[name] = value, flag_of(name)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        given = "" if name == "token" else f" (got {first['input']!r})"
        said = f"It is {known[name].description}" if first["type"] == "string_pattern_mismatch" else sentence(first)
        raise GraphError(f"{origin.get(name, name)}: {said.removesuffix('.')}{given}.") from None
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise GraphError("TLS needs both a certificate and its key: --tls-certificate FILE --tls-key FILE.")
    settings._origins.update(origin)
    return settings


class SettingInfo(Frozen):
    """A setting, for admins. value: JSON; of a secret "***" if it is set, else None. origin: see `Settings.origin`."""

    name: str
    value: Any
    default: Any
    origin: str
    flag: str
    variable: str
    description: str


def described(settings: Settings) -> list[SettingInfo]:
    """All settings, in order, without secrets."""
    values = settings.model_dump(mode="json")
    standard = Settings.model_validate({}).model_dump(mode="json")
    return [
        SettingInfo(
            name=name,
            value="***" if isinstance(getattr(settings, name), SecretStr) else values[name],
            default=standard[name],
            origin=settings.origin(name),
            flag=flag_of(name),
            variable=variable_of(name),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def flag_of(name: str) -> str:
    """The flag of a field."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """The environment variable of a field."""
    return f"{NAME}_{name}".upper()


def _read(file: Path | None) -> dict[str, Any]:
    if file is None or not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GraphError(f"The settings '{file}' cannot be read: {error}.") from error
