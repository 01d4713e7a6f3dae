"""The base of the simulator's groups of options."""

from pydantic import ConfigDict

from qdimage.domain.options import Options


class Group(Options):
    """Options whose numbers are finite."""

    model_config = ConfigDict(allow_inf_nan=False)


def refuse_disorder(options: Options, lower: str, upper: str) -> None:
    """Refuse a lower limit that lies above its upper one."""
    low, high = getattr(options, lower), getattr(options, upper)
    if low > high:
        raise ValueError(
            f"found {lower} = {low} above {upper} = {high}, expected at most as much; "
            "raise the one or lower the other"
        )
