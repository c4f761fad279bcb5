"""Language models for a command, or a clear refusal."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wellspring.cli.errors import ModelsMissing
from wellspring.kernel.settings import Settings

if TYPE_CHECKING:
    from wellspring.language.model import Models


def opened(folder: Path | None) -> "Models | None":
    """Return the models of a folder, or those that ship (None where they do not). Raises ModelsMissing."""
    # What only starts other processes does without the models and numpy, unless an operator named a folder.
    from wellspring.language.model import installed  # noqa: PLC0415

    try:
        models = installed(folder)
        if folder is not None and models is not None:
            models.check()
    except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
        raise ModelsMissing(f"{folder}: {error}") from error
    return models


def refuse_broken(settings: Settings) -> None:
    """Raise ModelsMissing when the operator named models that cannot be used."""
    models = None if settings.models is None else opened(settings.models)
    if models is not None and models.has_encoder and not models.settings.files:  # of before: no checksum tells
        refuse_no_encoder(models)


def refuse_no_encoder(models: "Models") -> None:
    """Raise ModelsMissing where the encoder does not load."""
    try:
        models.open()
    except Exception as error:  # onnxruntime's errors have no common class
        raise ModelsMissing(f"{models.folder}: the encoder does not load: {error}") from error
