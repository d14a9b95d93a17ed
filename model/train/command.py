"""`python -m model train`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from model.train.settings import Training


def add_arguments(parser: ArgumentParser) -> None:
    """One option a setting; their values are read as hyperparameters are."""
    for name, field in Training.model_fields.items():
        default = "" if field.is_required() or field.default is None else f" [{field.default}]"
        help_text = f"{field.description or ''}{default}".replace("%", "%%")
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", required=field.is_required(), help=help_text
        )
    parser.set_defaults(command=train_command)


def train_command(arguments: Namespace) -> int:
    """Train one network."""
    import logging

    given = {name: value for name in Training.model_fields if (value := getattr(arguments, name)) is not None}
    settings = Training.model_validate(given)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("model").setLevel(logging.INFO)
    from model.train.loop import train  # torch takes seconds to import

    train(settings)
    return 0
