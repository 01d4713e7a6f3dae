"""Which dots get time tags, and what the dots are; the defaults follow the published fits."""

from pydantic import field_validator

from qdimage.domain.options import option
from qdimage.simulation.group import Group


class TimeTagOptions(Group):
    """Time tags of some dots of each field, drawn from the rate models.

    The dots are alone within `isolation_um`; those brightest in EL, then in PL, come first.
    """

    n_el_dots: int = option(0, "dots of a field with time tags in EL", ge=0, le=1000)
    voltages_v: tuple[float, ...] = option(
        (2.2, 2.6), "voltages at which they are taken, where the dot is lit", "V"
    )
    n_pl_dots: int = option(0, "dots of a field with time tags in PL under cw light", ge=0, le=1000)
    n_pulsed_dots: int = option(
        0, "dots of a field with time tags in PL under pulses", ge=0, le=1000
    )
    n_fields: int = option(1, "fields, from the first on, in which time tags are taken", ge=1)
    counts: int = option(
        200_000, "counts that a file is expected to hold; sets its duration", ge=100, le=50_000_000
    )
    isolation_um: float = option(
        1.0, "distance from a chosen dot to any other emitter, at least", "um", ge=0
    )
    stage_error_um: float = option(
        0.05, "standard deviation of the declared places, along each axis", "um", ge=0
    )
    on_fraction: float = option(
        0.85, "share of the time, in the long run, during which the dot is on", gt=0, le=1
    )
    off_time_s: float = option(0.005, "mean duration of a dark interval", "s", ge=1e-4, le=1e4)
    injection_per_us: float = option(
        83.3, "median injection of electrons, and of holes, into a neutral dot", "1/us", gt=0
    )
    injection_at_v: float = option(2.6, "voltage of this injection rate", "V")
    injection_rise_v: float = option(
        0.32, "increase of the voltage that multiplies the injection rates by e", "V", gt=0
    )
    injection_spread: float = option(
        0.1, "standard deviation of the logarithm of the dots' injection rates", ge=0, le=2
    )
    imbalance_spread: float = option(
        0.2, "standard deviation of the logarithm of electron over hole rate", ge=0, le=4
    )
    injections: tuple[tuple[float, float], ...] = option(
        (),
        "pairs of a voltage and the injection rate there, straight on a log scale between and "
        "beyond; instead of the exponential",
        "V, 1/us",
    )
    el_counts: tuple[tuple[float, float], ...] = option(
        (),
        "pairs of a voltage and the EL counts per second of the median dot on both detectors, dark "
        "times included, straight on a log scale; without them, what the rate model emits",
        "V, counts/s",
    )
    pl_counts_s: float = option(
        0.0,
        "PL counts of the median dot on both detectors, dark times included; 0 for what the rate "
        "model emits",
        "counts/s",
        ge=0,
    )
    counts_spread: float = option(
        0.0, "standard deviation of the logarithm of the dots' counts, where given", ge=0, le=2
    )
    typical_first: bool = option(
        False, "the first dot of the first field is exactly what the batch is on average"
    )
    coulomb_x: float = option(
        0.46284401059920, "x of the law exp(s x) by which charge changes injection", ge=0, le=3
    )
    carriers: int = option(6, "most carriers in a dot", ge=2, le=12)
    pump_per_us: float = option(
        10.0, "median excitations of a dot under cw light", "1/us", gt=0, le=1e5
    )
    pump_spread: float = option(
        0.1, "standard deviation of the logarithm of the dots' excitation", ge=0, le=2
    )
    absorption_cross_section_cm2: float = option(
        1e-14, "of the median dot, at the excitation", "cm^2", gt=0
    )
    excitation_nm: float = option(405.0, "wavelength of the excitation", "nm", gt=0)
    repetition_mhz: float = option(5.0, "pulses in a microsecond", "MHz", ge=0.01, le=100)
    pairs_per_pulse: float = option(0.2, "mean pairs that a pulse brings into a dot", gt=0, le=100)

    @field_validator("voltages_v")
    @classmethod
    def _differ(cls, voltages: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(voltages)) != len(voltages):
            raise ValueError("the same voltage is listed twice; list each voltage once")
        return voltages

    @field_validator("injections", "el_counts")
    @classmethod
    def _points(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        voltages = [voltage for voltage, _ in points]
        if sorted(set(voltages)) != voltages or any(value <= 0 for _, value in points):
            raise ValueError(
                "expected pairs of a voltage and a value above 0, in order of rising voltage"
            )
        if len(points) == 1:
            raise ValueError("found one pair, expected two or more, or none")
        return points


class DotOptions(Group):
    """Lifetimes and quantum yields of the dots, which the images do not depend on."""

    exciton_lifetime_ns: float = option(40.0, "lifetime of X", "ns", gt=0.01, le=1e5)
    exciton_qy: float = option(1.0, "quantum yield of X", gt=0, le=1)
    negative_trion_lifetime_ns: float = option(4.0, "lifetime of X-", "ns", gt=0.01, le=1e5)
    negative_trion_qy: float = option(0.2, "quantum yield of X-", ge=0, le=1)
    positive_trion_lifetime_ns: float = option(0.8, "lifetime of X+", "ns", gt=0.01, le=1e5)
    positive_trion_qy: float = option(0.04, "quantum yield of X+", ge=0, le=1)
    biexciton_lifetime_ns: float = option(0.7, "lifetime of XX", "ns", gt=0.01, le=1e5)
    biexciton_qy: float = option(0.07, "median quantum yield of XX", ge=0, le=1)
    biexciton_qy_spread: float = option(
        0.25, "standard deviation of the logarithm of the dots' quantum yield of XX", ge=0, le=2
    )
    biexciton_qy_excess: float = option(
        0.0, "mean of an exponential number that is added to each dot's quantum yield of XX", ge=0
    )
