"""``spectrum``: the line and the bands of spectra."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from qdimage.cli.parameters import Assignments, Config, Json, OutFile, Quiet
from qdimage.cli.terminal import say


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("spectrum", epilog="Example:  qdimage spectrum d07_el.asc --against d07_pl.asc")(
        spectrum
    )


def spectrum(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Spectra: .asc, .sif, .spe, .txt or .csv."),
    ],
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PL spectrum of the same dot, to compare with."),
    ] = None,
    dark: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Spectrum without light, to subtract; scaled by exposure."
        ),
    ] = None,
    against_dark: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same of --against.")
    ] = None,
    rows: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="FIRST STOP", help="Rows of an image to sum, from 0."),
    ] = None,
    exposure_s: Annotated[
        float | None, typer.Option(help="Of all frames; else from the file.")
    ] = None,
    turn_on_v: Annotated[
        float | None, typer.Option(help="Voltage at which the dot begins to emit.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw into a .png, .svg or .pdf.")
    ] = None,
    curve_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the first spectrum and its fit.")
    ] = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find peak, width and background of spectra, with errors, or refuse with the reason."""
    from qdimage import api
    from qdimage.cli.frames import hand_over
    from qdimage.config import read_options_file
    from qdimage.domain.spectrum_tables import SPECTRA
    from qdimage.pipeline.spectrum_output import spectrum_curve, spectrum_row

    found = [
        api.spectrum(
            file,
            against=against,
            dark=dark,
            against_dark=against_dark,
            rows=rows,
            exposure_s=exposure_s,
            turn_on_v=turn_on_v,
            options=read_options_file(config) if config else {},
            assignments=assignments,
        )
        for file in files
    ]
    for each in found:
        for warning in each.spectrum.warnings:
            say(f"qdimage: {each.file.name}: {warning}", quiet=quiet)
    if figure is not None:
        api.draw_spectra(found, figure)
    if curve_out is not None:
        from qdimage.io.curve_file import write_curve

        write_curve(spectrum_curve(found[0]), curve_out)
    answers = [spectrum_row(each) for each in found]
    hand_over(answers, SPECTRA, _text, output=output, quiet=quiet, as_json=as_json)


def _text(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return "\n".join([f"{row['file']}: {row['status']}: {row['message']}", *_bands(row)])
    lines = [
        f"{row['file']}: {row['model']} line, goodness of fit p = {row['p_value']:.2g}",
        f"peak {_with_error(row['peak_nm'], row['peak_err_nm'])} nm, "
        f"{_with_error(row['peak_ev'], row['peak_err_ev'])} eV",
        f"FWHM {_with_error(row['fwhm_nm'], row['fwhm_err_nm'])} nm, "
        f"{_with_error(row['fwhm_ev'], row['fwhm_err_ev'])} eV",
    ]
    if row["background_ratio"] is not None:
        ends = f"{row['background_ratio_low']:.3g} ... {row['background_ratio_high']:.3g}"
        word = "no background seen" if row["background_free"] else "background"
        lines.append(
            f"{word}: {row['background_ratio']:.3g} of the dot's light  (95%: {ends}; "
            f"upper limit {row['background_ratio_upper']:.3g})"
        )
    if row["sub_bandgap_v"] is not None:
        lines.append(f"photon energy less turn-on voltage: {row['sub_bandgap_v']:.4f} V")
    if row["shift_nm"] is not None:
        contour = row["contour_p_value"]
        same = "" if contour is None else f", contours differ by chance with p = {contour:.2g}"
        if row["contour_similarity"] is not None:
            same += f" (similarity {row['contour_similarity']:.4f})"
        lines.append(
            f"against {row['compared_with']}: "
            f"shift {_with_error(row['shift_nm'], row['shift_err_nm'])} nm, "
            f"width ratio {_with_error(row['width_ratio'], row['width_ratio_err'])}{same}"
        )
    lines += [each for each in (row["flags"], row["message"]) if each]
    return "\n".join(lines)


def _bands(row: dict[str, Any]) -> list[str]:
    """What is in the bands where there is no line."""
    if row["dot_band_counts"] is None:
        return []
    parts = (
        f"{name} band {row[f'{name}_band_counts']:.0f} +- {row[f'{name}_band_counts_err']:.0f} "
        f"counts (95% limit {row[f'{name}_band_counts_upper']:.0f})"
        for name in ("dot", "background")
    )
    return [", ".join(parts)]


def _with_error(value: float, err: float) -> str:
    """Both with the digits that two of the error's leave."""
    decimals = max(1 - math.floor(math.log10(err)), 0) if 0 < err < math.inf else 3
    return f"{value:.{decimals}f} +- {err:.{decimals}f}"
