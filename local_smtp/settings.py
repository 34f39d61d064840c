"""The settings of a mail sink."""

import secrets
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
#: An asterisk must be the whole name or its first part, as `TrustedHostMiddleware` requires.
HostName = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[^*]+)$")]


class Settings(BaseSettings):
    """
    A local mail server for tests. It stores every mail in an inbox, and never sends one to
    another server. On request it simulates faults.
    Each option can also be set in the environment: LOCAL_SMTP_TOKEN for --token, and so on.
    """  # noqa: D205, D212  # the text of --help

    model_config = SettingsConfigDict(
        env_prefix="LOCAL_SMTP_",
        frozen=True,
        hide_input_in_errors=True,  # errors must not show the token
        cli_prog_name="python -m local_smtp",
        cli_kebab_case=True,
        cli_implicit_flags="toggle",
        cli_avoid_json=True,
        cli_hide_none_type=True,
        cli_shortcuts={"ready-line": "json"},
    )

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    smtp_port: Annotated[Port, Field(description="port of SMTP; 0 takes a free port")] = 0
    inbox_port: Annotated[Port, Field(description="port of the inbox; 0 takes a free port")] = 0
    dir: Annotated[
        Path | None,
        Field(description="folder for the mails; by default a temporary one, deleted at the end"),
    ] = None
    ready_line: Annotated[
        bool, Field(description="print one line of JSON once everything answers")
    ] = False
    token: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._~-]{8,200}$",
            description="token of the inbox, 8 to 200 letters or digits; by default a random"
            " one. Set it in the environment: every user of the machine can read a command line",
            # in hexadecimal, so that it never begins with a dash like an option
            default_factory=lambda: secrets.token_hex(16),
        ),
    ]
    allow_host: Annotated[
        list[HostName],
        NoDecode,
        BeforeValidator(lambda names: names.split(",") if isinstance(names, str) else names),
        Field(description="further host name of the inbox; repeatable, or comma separated"),
    ] = []
    app_url: Annotated[
        str, Field(description="URL of the app that sends the mails, for links to their jobs")
    ] = ""
