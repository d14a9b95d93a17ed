"""Everything an operator can set, from the environment. A bad value stops the start and names itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from container.near_names import nearly_named
from model.engines.registry import ENGINES, engines_of, types
from model.tryon.request import Side
from serve.clients.names import CLIENT_NAMES
from serve.rate_limit import parsed
from serve.tokens import DEFAULT
from serve.webhook_signature import ENCODED, key_of

_SIZE = TypeAdapter(Side)
_NEXT_JOBS = 2  # so that a worker never waits for the front
_PLATFORM_INLINE_BYTES = 5_500_000  # SageMaker cuts an answer at 6 MB, headers and all
_LAST_PORT = 2**16 - 1  # of TCP

_NAMED_TOKENS = r"\s*[\w.-]+=[^,\s]+(\s*,\s*[\w.-]+=[^,\s]+)*\s*,?\s*"
_ORIGIN = r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?"

SECRETS = frozenset({"api_token", "api_tokens", "webhook_secret"})
Words = Annotated[tuple[str, ...], NoDecode]  # comma-separated


def _known(name: str) -> None:
    if name not in ENGINES and name not in types():
        raise ValueError(f"there is no engine and no type {name!r}, only {', '.join([*ENGINES, *types()])}")


class Settings(BaseSettings):
    """One attribute per environment variable, in capitals there."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=False)

    # What is served
    model_dir: str = Field("/opt/ml/model", description="Folder of checkpoints, or `demo`.")
    engines: Words = Field((), description="Engines or types to load; empty: all whose trained weights are there.")
    default_engines: Words = Field((), description="Who answers where a request names no engine: `tryon=catvton`.")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d{1,3})?)$", description="`auto`, `cpu`, `cuda`, `cuda:1` ..."
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    memory_profile: Literal["resident", "low"] = Field(
        "resident", description="`low`: one network on the device at a time and one live job, for small cards."
    )
    rasteriser: Literal["auto", "torch", "pytorch3d", "nvdiffrast"] = Field(
        "auto", description="What draws triangles; `auto`: pytorch3d on a GPU if it is there, else ours."
    )
    workers: NonNegativeInt = Field(0, description="Worker processes; 0: one per GPU, or one.")
    allow_torchscript: bool = Field(False, description="Run any `densepose.torchscript`, not only known ones.")

    # Where it listens
    host: str = Field("127.0.0.1", description="The image sets 0.0.0.0.")
    port: PositiveInt = Field(8080, le=_LAST_PORT, validation_alias=AliasChoices("SAGEMAKER_BIND_TO_PORT", "port"))
    head_s: PositiveFloat = Field(20, description="How long the head of a request may take; then the line is closed.")
    cors_origins: Words = Field((), description="Origins of pages that may call this service, or `*`; empty: none.")
    api_token: SecretStr | None = Field(None, min_length=1, description="Asked for on every route but /ping and pages.")

    api_tokens: SecretStr | None = Field(None, description="Further tokens, each with a name: `shop=...,app=...`.")
    rate_limit: str | None = Field(
        None, description="What a token, or an address without tokens, may ask for: `60/minute`."
    )
    studio: bool | None = Field(None, description="The page at `/`; unset: shown everywhere but on SageMaker.")

    webhook_secret: SecretStr | None = Field(None, min_length=1, description="Signs webhooks; unset: none are sent.")
    # Who is served beside our own clients, and with which garments
    clients: Words = Field(("omoib",), description="Clients of earlier services, whose routes are here too.")
    vesaki_limits: Words = Field(
        ("60/minute", "10/minute", "300/minute"),
        description="Of each token or address of Vesaki's clients: try-ons, batches, and looking.",
    )
    up2you_data_dir: str | None = Field(None, description="Where a digital twin's `data_dir` that is no whole path is.")
    up2you_output_dir: str | None = Field(None, description="Its `output_dir`, where a job names none.")
    omoib_answers: bool = Field(False, description="Requests with a `userId` are answered in Omoib's one sentence.")
    catalogue: str | None = Field(None, description="Folder or prefix of garments; unset: the demo's with its weights.")
    saved_people: str | None = Field(None, description="Folder or prefix of photos of people; unset: nobody is kept.")
    catalogue_s: PositiveFloat = Field(30, description="How long the list of them is believed.")

    # Inputs and outputs
    output_prefix: str | None = Field(None, description="Where results are stored; unset: inline answers only.")
    output_allow: Words = Field((), description="Further prefixes a request may name.")
    omoib_queue_url: str | None = Field(None, description="SQS queue told of results of requests with a `userId`.")
    input_allow: Words = Field((), description="Prefixes `s3://` and `file://` inputs may come from; empty: any.")
    allowed_hosts: Words = Field((), description="Hosts of https inputs; empty: any public one.")
    allow_file_uris: bool = False
    fetch_s: PositiveFloat = Field(30, description="How long the download of one https input may take.")
    fetch_silence_s: PositiveFloat = Field(10, description="How long its server may say nothing.")
    aws_region: str | None = None
    s3_endpoint_url: str | None = None
    s3_silence_s: PositiveFloat = Field(30, description="How long S3 may say nothing; it is asked three times.")

    # Jobs
    spool_dir: Path = Path("/tmp/atelier")  # noqa: S108 - the one writable place on SageMaker; made with mode 0700
    spool_min_free_bytes: NonNegativeInt = Field(256 * 2**20, description="Below this, new work gets 503.")
    job_ttl_s: PositiveFloat = Field(3600, description="How long an answer can be asked for again.")
    max_queued_jobs: PositiveInt = Field(256, description="Jobs accepted and not ended; more get 429.")
    max_live_jobs: PositiveInt = Field(8, description="Jobs of one engine on the device at once, per worker.")
    max_batch_rows: NonNegativeInt = Field(8, description="Most rows of a shared forward; 0: nothing is shared.")
    batching: Literal["steps", "requests", "off"] = Field(
        "steps", description="Jobs join others between steps, only as they start, or run one after the other."
    )
    memory_bytes: PositiveInt | None = Field(
        None, description="Device memory for jobs and forwards beside the weights; unset: what is free at start."
    )
    warm_sizes: Words = Field((), description="Sizes made ready for before /ping answers 200: `768x1024,384x512`.")
    compile: bool = Field(False, description="Compile networks for WARM_SIZES; needs a C++ compiler.")
    compile_cache: Path | None = Field(None, description="Where what is compiled is kept; default: beside SPOOL_DIR.")
    latent_cache_bytes: NonNegativeInt = Field(
        64 * 2**20, description="Device memory for encoded pictures, kept at most JOB_TTL_S; 0: none are kept."
    )
    garment_cache_bytes: NonNegativeInt | None = Field(
        None,
        description="The same for garments as OOTDiffusion's network has seen them; unset: 320 MiB beside published "
        "weights, none with MEMORY_PROFILE=low.",
    )
    engine_shares: Words = Field((), description="Claims on device time, such as `tryon=3,avatar=1`.")
    overload: Literal["refuse", "wait"] = Field(
        "refuse", description="What happens to work that would end too late: 429, or it waits all the same."
    )
    deadline_s: PositiveFloat = Field(55, description="A plain answer's; SageMaker cuts at 60.")
    stream_deadline_s: PositiveFloat = Field(470, description="A streamed answer's; SageMaker cuts at 480.")
    job_deadline_s: PositiveFloat = Field(3500, le=3600, description="Of the jobs API and of batches.")
    drain_s: PositiveFloat = Field(25, description="From SIGTERM to the end; SageMaker kills after 30.")
    restart_grace_s: PositiveFloat = Field(180, description="How long /ping bears with no worker ready.")
    stall_s: PositiveFloat = Field(120, description="A worker without a finished forward is killed after this.")

    # Limits
    max_body_bytes: PositiveInt = 32 * 10**6
    max_input_bytes: PositiveInt = Field(20 * 10**6, description="Of one picture.")
    max_pixels: PositiveInt = Field(50 * 10**6, description="Of one picture.")
    max_output_pixels: PositiveInt = 25 * 10**6
    max_inline_bytes: NonNegativeInt | None = Field(
        None, description="Of an answer that carries data; 0: no limit; unset: 5.5e6 on SageMaker, elsewhere none."
    )

    export_rig: bool = Field(True, description="Whether avatars carry skeleton and weights of the body model.")

    log_format: Literal["auto", "json", "text"] = Field("auto", description="`auto`: text on a terminal, else json.")

    @field_validator(
        *("engines", "default_engines", "output_allow", "input_allow", "allowed_hosts", "engine_shares", "warm_sizes"),
        *("cors_origins", "clients", "vesaki_limits"),
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("engine_shares")
    @classmethod
    def _readable_shares(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            name, _, share = word.partition("=")
            if not name or not share.replace(".", "", 1).isdigit() or not float(share) > 0:
                raise ValueError(f"expected name=positive number, got {word!r}")
            _known(name)
        return words

    @field_validator("engines")
    @classmethod
    def _there_are_such_engines(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            _known(word)
        return words

    @field_validator("default_engines")
    @classmethod
    def _engines_of_their_types(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            type, _, engine = word.partition("=")
            if engine not in engines_of(type):
                raise ValueError(f"expected type=engine such as tryon={engines_of('tryon')[0]}, got {word!r}")
        return words

    @field_validator("warm_sizes")
    @classmethod
    def _requests_can_have_them(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            try:
                width, _, height = word.partition("x")
                _SIZE.validate_strings(width)
                _SIZE.validate_strings(height)
            except ValidationError as error:
                raise ValueError(
                    f"expected width x height such as 768x1024, multiples of 8 in 64..2048, got {word!r}"
                ) from error
        return words

    @field_validator("api_tokens")
    @classmethod
    def _have_names(cls, tokens: SecretStr | None) -> SecretStr | None:
        named = re.fullmatch(_NAMED_TOKENS, tokens.get_secret_value()) if tokens else True
        if not named:  # the value is a secret: it is not shown
            raise ValueError("expected NAME=TOKEN,NAME=TOKEN with names of letters, digits, '.', '_' and '-'")
        return tokens

    @field_validator("rate_limit")
    @classmethod
    def _is_a_limit(cls, limit: str | None) -> str | None:
        try:
            if limit is not None:
                parsed(limit)
        except ValueError as error:
            raise ValueError(
                f"expected a number and a time such as 60/minute or 5 per second, got {limit!r}"
            ) from error
        return limit

    @field_validator("vesaki_limits")
    @classmethod
    def _are_three_limits(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            cls._is_a_limit(word)
        if len(words) != 3:
            raise ValueError(f"expected three limits, of try-ons, batches and looking, got {len(words)}")
        return words

    @field_validator("clients")
    @classmethod
    def _there_are_such_clients(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if word not in CLIENT_NAMES:
                raise ValueError(f"there are no clients {word!r}, only {', '.join(CLIENT_NAMES)}")
        return tuple(dict.fromkeys(words))

    @field_validator("output_prefix", "output_allow", "input_allow", "catalogue", "saved_people")
    @classmethod
    def _folders(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        prefixes = (value,) if isinstance(value, str) else value or ()
        for prefix in prefixes:
            if not prefix.startswith(("s3://", "file:///")) or not prefix.endswith("/"):
                raise ValueError(f"expected s3://bucket/key/ or file:///folder/ ending in '/', got {prefix!r}")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if word != "*" and not re.fullmatch(_ORIGIN, word):
                raise ValueError(f"expected https://host, https://host:port or *, without a path, got {word!r}")
        return words

    @field_validator("webhook_secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr | None) -> SecretStr | None:
        try:
            if secret is not None:
                key_of(secret.get_secret_value())
        except ValueError:
            raise ValueError(f"expected base64 behind {ENCODED}") from None
        return secret

    @field_validator("omoib_queue_url")
    @classmethod
    def _queue_has_somewhere_to_point_to(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and not url.startswith(("https://", "http://")):
            raise ValueError("expected the address of an SQS queue")
        if url is not None and not info.data.get("output_prefix"):
            raise ValueError("it needs OUTPUT_PREFIX, where the results are that it tells of")
        return url

    @classmethod
    def nearly_named(cls, variables: Iterable[str]) -> dict[str, str]:
        """Variables that look like settings but are none -> the setting that may be meant."""
        known = {name.upper() for name in cls.model_fields} | {"SAGEMAKER_BIND_TO_PORT"}
        return nearly_named(variables, known)

    @classmethod
    def names_for_workers(cls) -> list[str]:
        """The environment variables a worker may know: all but credentials and where to use them."""
        hidden = SECRETS | {name for name in cls.model_fields if name.startswith("aws_")}
        return [name.upper() for name in cls.model_fields if name not in hidden]

    def inline_limit(self) -> int:
        """`max_inline_bytes`, or what the platform lets through where its variables are set; 0: no limit."""
        if self.max_inline_bytes is not None:
            return self.max_inline_bytes
        return _PLATFORM_INLINE_BYTES if on_the_platform() else 0

    def tokens(self) -> dict[str, str]:
        """`api_tokens` by name, and `api_token` as the one named `default`."""
        more = self.api_tokens.get_secret_value().split(",") if self.api_tokens else []
        named = dict(word.strip().split("=", 1) for word in more if word.strip())
        return {DEFAULT: self.api_token.get_secret_value(), **named} if self.api_token else named

    def shows_studio(self) -> bool:
        """`studio`, or whether this is not SageMaker, where nobody could open a page."""
        return not on_the_platform() if self.studio is None else self.studio

    def jobs_per_worker(self) -> int:
        """Jobs of one engine that a worker is told of: those on the device, and those it goes on with unasked."""
        match self.batching:
            case "steps":
                return self.max_live_jobs + _NEXT_JOBS
            case "requests":  # it must know all that could start together
                return 2 * self.max_live_jobs
            case "off":
                return 1 + _NEXT_JOBS

    def sizes(self) -> list[tuple[int, int]]:
        """`warm_sizes` as numbers: width, height."""
        return [(int(width), int(height)) for width, _, height in (word.partition("x") for word in self.warm_sizes)]

    def compile_folder(self) -> Path:
        """Where what is compiled is kept."""
        return self.compile_cache or self.spool_dir.with_name(f"{self.spool_dir.name}.compiled")

    def defaults(self) -> dict[str, str]:
        """`default_engines` by type."""
        return dict(word.split("=") for word in self.default_engines)

    def shares(self) -> dict[str, float]:
        """`engine_shares` as numbers, by engine: what a type is given, each of its engines has."""
        given = {name: float(share) for name, _, share in (word.partition("=") for word in self.engine_shares)}
        return {name: given.get(name, given.get(entry.type, 1.0)) for name, entry in ENGINES.items()}


def on_the_platform() -> bool:
    """Whether SageMaker started this: its variables are set."""
    return any(name.startswith("SAGEMAKER_") for name in os.environ)
