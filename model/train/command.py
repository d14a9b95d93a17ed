"""`python -m model train`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pydantic.fields import FieldInfo

from model.command import choices_of, existing_file
from model.train.config_file import read_config
from model.train.kinds import DEFAULT, SETTINGS, read_settings
from model.train.settings import LoopSettings

_SEVERAL = "differs by engine"


def add_arguments(parser: ArgumentParser) -> None:
    """One option a setting, of whichever engine; their values are read as hyperparameters are."""
    parser.add_argument("--engine", metavar="NAME", help=f"whose network: {', '.join(SETTINGS)} (default: {DEFAULT})")
    parser.add_argument(
        "--config",
        type=existing_file,
        metavar="FILE",
        help="options by their names, as YAML; what is given beside it wins",
    )
    names = dict.fromkeys(name for kind in SETTINGS.values() for name in kind.model_fields)
    for name in names:
        fields = {engine: kind.model_fields[name] for engine, kind in SETTINGS.items() if name in kind.model_fields}
        help_text = _help(fields).replace("%", "%%")
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=help_text)


def _help(fields: dict[str, FieldInfo]) -> str:
    whose = "" if len(fields) == len(SETTINGS) else f" Of {', '.join(fields)}."
    first = next(iter(fields.values()))
    defaults = {
        str(field.default) for field in fields.values() if not field.is_required() and field.default is not None
    }
    default = f" (default: {defaults.pop() if len(defaults) == 1 else _SEVERAL})" if defaults else ""
    return f"{first.description}{choices_of(first)}{whose}{default}"


def trained(arguments: Namespace) -> tuple[LoopSettings, bool]:
    """What was asked for, and whether it came to its end, which a signal keeps it from."""
    import logging

    names = {"engine"}.union(*(kind.model_fields for kind in SETTINGS.values()))
    filed = read_config(arguments.config, names) if arguments.config else {}
    told = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    settings = read_settings(filed | told)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("model").setLevel(logging.INFO)
    from model.train.loop import train  # torch takes seconds to import

    return settings, train(settings)
