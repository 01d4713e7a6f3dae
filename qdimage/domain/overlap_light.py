"""All light of an EL channel within the field, and what of it lies between the dots."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OverlapLight:
    """Signal per second, over the camera's zero as far as its keys give it.

    Attributes
    ----------
    n_pixels, n_free : int
        Pixels of the channel that show the field; of these, those far from every source.
    total_s, total_err_s : float
        Of all these pixels, unusable ones taken as the others' mean; NaN where the camera's zero is
        not known.
    background_px_s, background_px_err_s : float
        Of a pixel far from every source; NaN where there are too few.
    counted_s : float
        Of the sources' Gaussian spots, as far as these lie in the area.
    per_adu_s : float
        Change of the total where the bias is 1 ADU lower.
    zero : str
        What was taken for no light.
    message : str
        What is missing.
    """

    n_pixels: int
    n_free: int
    total_s: float
    total_err_s: float
    background_px_s: float
    background_px_err_s: float
    counted_s: float
    per_adu_s: float
    zero: str
    message: str = ""
