"""The command-line options of a stack, generated from the fields of `Options`."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_origin

from pydantic.fields import FieldInfo
from typer import Option

from demo_app.settings import variable
from demo_app.stack.options import SETTINGS, Options

Command = Callable[..., int]


def takes_options(command: Command) -> Command:
    """Add the options of a stack to a command, after its own options.

    The command receives each option as a keyword argument. If an option is missing, its value comes
    from its environment variable or, if that is not set, from the default of its field in
    `Options`. The values of a repeatable option are joined by commas ("" if there are none).
    """
    own = inspect.signature(command, eval_str=True)
    fields = Options.model_fields
    derived = [_parameter(name, field) for name, field in fields.items() if field.description]
    mine = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]

    def run(**given: Any) -> int:
        for name in given.keys() & fields.keys():
            if fields[name].default is True:
                given[name] = not given[name]
            elif isinstance(given[name], list):
                given[name] = ",".join(given[name])
        return command(**given)

    parameters = [*mine, *derived]
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    flag, kind, default = name.replace("_", "-"), field.annotation, field.default
    if get_origin(kind) in (tuple, frozenset):
        kind, default = list[str], []
    option = Option(
        f"--no-{flag}" if default is True else f"--{flag}",
        help=field.description,
        metavar="N" if kind is int else field.title,
        envvar=variable(SETTINGS[name]) if name in SETTINGS else None,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default is not True and default,
        annotation=Annotated[kind, option],
    )
