"""Pairs of places that a person sets, put to the test that every registration has to pass."""

from collections.abc import Sequence

from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.pipeline.field import RegisteredField
from qdimage.pipeline.registration import Found, Registered, register_channels
from qdimage.registration.options import RegisterOptions

LEAST_PINS = 3

Pin = tuple[float, float, float, float]


def register_by_pins(
    field: RegisteredField, channel: str, pins: Sequence[Pin], *, options: RegisterOptions
) -> Registered | Refusal:
    """Register one EL channel as if it declared these pins.

    Parameters
    ----------
    field : RegisteredField
    channel : str
    pins : sequence of (x_channel, y_channel, x_field, y_field)
    options : RegisterOptions

    Raises
    ------
    ConfigurationError
        If the pins are fewer than `LEAST_PINS`, or the channel or the reference has no dots.
    """
    if len(pins) < LEAST_PINS:
        raise ConfigurationError(
            f"found {len(pins)} pairs of landmarks, expected at least {LEAST_PINS}; set more"
        )
    declared = field.experiment.declared
    moving, fixed = field.found.get(channel), field.found.get(declared.reference.name)
    if not isinstance(moving, Found) or not isinstance(fixed, Found):
        raise ConfigurationError(
            f"the channel {channel!r} or its reference could not be measured; correct that first"
        )
    own = next(each for each in declared.channels if each.name == channel)
    pinned = own.model_copy(update={"pins": tuple(pins), "transform": None})
    answers = register_channels(
        {channel: (pinned, moving)}, (declared.reference, fixed), options=options
    )
    return answers[channel]
