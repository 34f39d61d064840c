"""The options of a stack. `Stack` takes these options, and the command `up` is generated from them.

A field with a description is also an option on the command line. If the field's default is True,
the option is ``--no-NAME``. A field whose name or alias is a setting can also be set by the
setting's environment variable, and every process of the stack receives this setting.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from demo_app.settings import (
    BackendName,
    Safeguard,
    Settings,
    Token,
    Transport,
    known,
    known_backends,
    split,
    variable,
)

_Port = Annotated[int, Field(ge=0, le=65535, description="0 takes a free port")]


class Options(BaseModel):
    """The options of a stack. Raises pydantic's ValidationError if an option is invalid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dir: Path | None = Field(None, description="the folder for all data [default: a temporary one]")
    workers: int = Field(1, ge=0, description="worker processes")
    concurrency: int = Field(4, ge=1, description="threads in each")
    backend: Annotated[str, AfterValidator(known)] = Field(
        BackendName.CELERY,
        title="NAME",
        description=f"who runs the jobs: {', '.join(known_backends())}, or package.module:callable",
    )
    transport: Transport = Field(
        Transport.CLAIMS, description="take jobs with claims, or as stock Celery does"
    )
    redis_url: str | None = Field(
        None, title="URL", description="an external server instead of the bundled one"
    )
    appendfsync: Literal["always", "everysec", "no"] = Field(
        "everysec", description="when Redis writes its log to the disk"
    )
    persistence: bool = Field(True, description="Redis keeps nothing on disk")
    web_port: _Port = 0
    inbox_port: _Port = 0
    smtp_port: _Port = 0
    restart: bool = Field(True, description="a worker that dies stays dead")
    tasks: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        (), title="MODULE", description="a module with @task [repeatable]"
    )
    without: Annotated[frozenset[Safeguard], BeforeValidator(split)] = Field(
        frozenset(),
        title="SAFEGUARD",
        description=f"for experiments: leave out {', '.join(Safeguard)} [repeatable]",
    )
    lease: float | None = Field(
        None,
        gt=0.5,  # the pause between two renewals
        le=86_400,  # a day
        title="SECONDS",
        serialization_alias="lease_seconds",
        description="length of a worker's lease in seconds [default: 3]",
    )
    controls: bool = Field(False, description="pages show keys that kill processes")
    report_deaths: bool = Field(
        False,
        description="rescue the jobs of a worker at once when this command sees that it has died",
    )
    twin: bool = Field(False, description="also run stock Celery, for a comparison on the stage")
    #: The start-up token; "" for the folder's token. Not a command-line option:
    #: other users can read the command lines of processes.
    token: Token = ""
    #: If False, the stack does not start its processes itself: call `Stack.start` for each role.
    autostart: bool = True
    #: For experiments: further settings for every process.
    environment: dict[str, str] = {}

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        claims = self.transport is Transport.CLAIMS
        if self.twin and (self.redis_url is not None or not claims):
            raise ValueError(
                "The twin (stock Celery, for comparison) needs the transport claims and the "
                "stack's own Redis: set no other transport and no Redis URL"
            )
        watched = (self.redis_url or "").startswith("sentinel://")
        if watched and (self.backend == BackendName.RQ or not claims):
            raise ValueError("Only the backend celery with the claims broker can use Sentinel")
        return self

    def as_settings(self) -> dict[str, str]:
        given = {name: getattr(self, option) for option, name in SETTINGS.items()}
        return {
            variable(name): ",".join(value)
            if isinstance(value, tuple | frozenset)
            else str(int(value) if isinstance(value, bool) else value)
            for name, value in given.items()
            if value is not None
        }


#: The name of the setting, for each option that is also a setting.
SETTINGS = {
    option: name
    for option, field in Options.model_fields.items()
    if (name := field.serialization_alias or option) in Settings.model_fields
}
