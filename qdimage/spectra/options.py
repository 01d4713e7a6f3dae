"""Options of spectra."""

from typing import Literal, Self

from pydantic import model_validator

from qdimage.domain.options import Options, option


class SpectrumOptions(Options):
    """Where light is looked for, and how the detector scatters."""

    dot_low_nm: float = option(600.0, "dot band: from here", "nm", gt=100, le=20000)
    dot_high_nm: float = option(660.0, "dot band: to here", "nm", gt=100, le=20000)
    background_low_nm: float = option(400.0, "background band: from here", "nm", gt=100, le=20000)
    background_high_nm: float = option(500.0, "background band: to here", "nm", gt=100, le=20000)
    model: Literal["auto", "gaussian", "lorentzian", "voigt", "asymmetric"] = option(
        "auto", "line that is fitted; `auto` chooses by BIC"
    )
    window_fwhms: float = option(
        3.0, "a line is fitted this many of its widths to each side", "", ge=1, le=20
    )
    baseline_order: int = option(
        2,
        "below the line: 0 flat, 1 straight, 2 straight or bent where evidence is strong",
        ge=0,
        le=2,
    )
    floor: Literal["measured", "zero"] = option(
        "measured", "taken off both bands: level of the darkest stretches, or nothing"
    )
    most_background: float = option(
        0.05, "an area is background-free if surely below this share of the dots' light", "", gt=0
    )
    least_dots: float = option(
        0.05, "an area's dots vanished if surely below this share of the background's light", gt=0
    )
    electrons_per_count: float | None = option(
        None,
        "sensitivity over gain; without it found from the scatter of neighbours",
        "electrons",
        gt=0,
    )
    excess_noise_squared: float = option(
        1.0, "2 for a multiplying register, else 1; counts with electrons_per_count", "", ge=1, le=4
    )
    read_noise_e: float = option(0.0, "of a pixel of a frame; counts likewise", "electrons", ge=0)
    bias_counts: float = option(0.0, "counts of a frame without light; counts likewise", "", ge=0)
    cosmic_sigma: float = option(
        6.0, "spikes above so many standard deviations are cosmic rays", "", ge=3, le=100
    )
    least_significance: float = option(
        5.0, "a line stands out by so many standard deviations, or there is none", "", ge=2, le=100
    )

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        for name in ("dot", "background"):
            low, high = (getattr(self, f"{name}_{end}_nm") for end in ("low", "high"))
            if low >= high:
                raise ValueError(f"the {name} band runs from {low:g} to {high:g} nm; let it rise")
        return self
