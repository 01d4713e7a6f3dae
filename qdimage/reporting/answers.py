"""The results in words: the headline of each device."""

from dataclasses import dataclass

from qdimage.reporting.content import Content, Row, numbers, rows_of, signal_units
from qdimage.reporting.curve_words import device_curve, with_interval
from qdimage.reporting.words import count, flux_unit, number, percent, volts


@dataclass(frozen=True)
class Headline:
    """What a device's fields say together.

    Attributes
    ----------
    device : str
    sentence : str
        The result at the highest voltage that has one.
    facts : tuple of str
        How much it rests on.
    rows : tuple of dict
        Pooled rows of the table `turn_on`, with `n_ok` and `n_channels` added.
    unit : str
        Of fluxes.
    f_min : str
        F_min with its unit.
    """

    device: str
    sentence: str
    facts: tuple[str, ...]
    rows: tuple[Row, ...]
    unit: str
    f_min: str


def headlines(content: Content) -> list[Headline]:
    """Return the headline of every device."""
    return [headline(content, device) for device in content.devices]


def headline(content: Content, device: str) -> Headline:
    """Return the headline of a device."""
    single = content.of_device("turn_on", device)
    unit = flux_unit(signal_units(single) or signal_units(content.of_device("channels", device)))
    rows = rows_of(content.pooled(device))
    for row in rows:
        at = single[single["voltage_v"] == row["voltage_v"]]
        row["n_channels"], row["n_ok"] = len(at), int(at["fraction"].notna().sum())
    limits = [row["f_min_photons_s"] for row in rows if row["f_min_photons_s"] is not None]
    f_min = f"{number(limits[0])} {unit}" if limits else f"unknown (in {unit})"
    # Time tags and spectra alone have nothing to turn on.
    silent = not len(content.of_device("channels", device)) and any(
        len(content.of_device(table, device)) for table in ("photons", "spectra")
    )
    sentence = "" if silent else _sentence(rows, f_min) + _curve_sentence(content, device)
    return Headline(device, sentence, _facts(content, device), tuple(rows), unit, f_min)


def _sentence(rows: list[Row], f_min: str) -> str:
    known = [row for row in rows if row["fraction"] is not None]
    if not rows:
        return "There is no turn-on fraction, since no EL channel was analysed."
    if not known:
        return (
            f"There is no turn-on fraction: none of the "
            f"{count(sum(row['n_channels'] for row in rows), 'EL channel')} gave one. "
            "The reasons are under Warnings."
        )
    best = known[-1]
    return (
        f"At {volts(best['voltage_v'])}, of {best['n_pl']} PL-visible dots inside the overlap, "
        f"{best['n_lit']} are brighter in EL than F_min = {f_min}: a turn-on fraction of "
        f"{percent(best['fraction'])} % ({100 * best['confidence']:g} % interval "
        f"{percent(best['fraction_low'])} to {percent(best['fraction_high'])} %)."
    )


def _curve_sentence(content: Content, device: str) -> str:
    curve = device_curve(content, device)
    if curve is None:
        return ""
    return f" Half of the dots that ever light are lit at {with_interval(curve, 'median', '_v')} V."


def _facts(content: Content, device: str) -> tuple[str, ...]:
    channels = content.of_device("channels", device)
    registration = content.of_device("registration", device)
    dots = content.of_device("dots", device)
    n_fields = sum(field.device == device for field in content.fields)
    statuses = registration["status"]
    facts = [count(n_fields, "field")]
    if not len(channels):
        return tuple(facts)
    facts += [
        count(len(dots), "PL dot"),
        f"{count(len(registration), 'EL channel')}: {int((statuses == 'ok').sum())} registered, "
        f"{int((statuses == 'refused').sum())} refused, {int((statuses == 'failed').sum())} failed",
    ]
    widths = numbers(channels[channels["kind"] == "pl"], "psf_sigma_px")
    if len(widths) and widths[widths > 0].size:
        facts.append(
            f"PL spot width {number(float(widths[widths > 0].mean()))} px (standard deviation)"
        )
    return tuple(facts)
