"""Bias and coverage of the turn-on fraction on simulated fields.

Each field is drawn, photographed, localized, registered and measured by the stages themselves. Two
truths are printed beside what is found: the fraction among the dots that PL found and that are
counted, which the interval is for, and that among all dots that emit PL in the frame, which also
feels what PL misses and blends.
"""

import argparse
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.camera import Camera
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.refusal import Refusal
from qdimage.domain.stack import Stack
from qdimage.domain.turn_on import TurnOn
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.match.lit import dark_null, null_width_s
from qdimage.match.options import MatchOptions
from qdimage.match.pairing import match
from qdimage.match.photometry import forced_photometry
from qdimage.match.turn_on import counted, turn_on_fraction
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions
from qdimage.simulation.field import Channel, Field, channels_of, draw_field
from qdimage.simulation.options import (
    CameraOptions,
    ExperimentOptions,
    SceneOptions,
    SimulateOptions,
)
from qdimage.simulation.recording import Recording, record
from qdimage.simulation.scene import DOT

MATCH, REGISTER = MatchOptions(), RegisterOptions()
_SAME_DOT_PX = 2.0


@dataclass(frozen=True)
class Result:
    """One voltage of one field; `found` is None where the registration was refused."""

    voltage_v: float
    found: TurnOn | None
    true_of_counted: float
    true_of_all: float


def camera_of(options: CameraOptions) -> Camera:
    """The camera as an experiment file would declare it."""
    return Camera(
        bias_adu=options.bias_adu,
        electrons_per_adu=options.electrons_per_adu,
        em_gain=options.em_gain,
        quantum_efficiency=options.quantum_efficiency,
        read_noise_e=options.read_noise_e,
        clock_induced_charge_e=options.clock_induced_charge_e,
        saturation_adu=options.saturation_adu,
    )


def photographed(recording: Recording) -> PhotonImage:
    """The photon image of a channel."""
    options = recording.field.options
    return photon_image(
        Stack.from_array(np.stack(list(recording.frames())), recording.channel.name),
        camera=camera_of(options.camera),
        exposure_s=options.experiment.exposure_s,
        options=ImageOptions(),
    )


def analysed(field: Field, reference: Channel, others: list[Channel], seed: int) -> list[Result]:
    """Every voltage of one field."""
    image = photographed(record(field, reference))
    dots = localize(image, options=LocalizeOptions())
    shape = (image.mean.shape[0], image.mean.shape[1])
    results = []
    for channel in others:
        recording = record(field, channel)
        el = photographed(recording)
        found = localize(el, options=LocalizeOptions(), psf_sigma_px=dots.psf_sigma_px)
        fit = align(found, dots, moving_shape=shape, fixed_shape=shape, options=REGISTER)
        voltage = channel.voltage_v or 0.0
        if isinstance(fit, Refusal):
            results.append(Result(voltage, None, np.nan, np.nan))
            continue
        matches = match(
            found,
            dots,
            fit.transform,
            gate_probability=MATCH.gate_probability,
            systematic_px=REGISTER.systematic_error_px,
        )
        photometry = forced_photometry(
            el,
            dots,
            fit.transform,
            found,
            matches,
            options=MATCH,
            systematic_px=REGISTER.systematic_error_px,
        )
        width = null_width_s(photometry.blanks, dark_null(photometry.blanks))
        f_min_s = MATCH.f_min_sigma * width
        turn_on = turn_on_fraction(
            dots, matches, photometry, f_min_s=f_min_s, confidence=MATCH.confidence
        )
        bright = recording.photons_s > f_min_s
        results.append(
            Result(
                voltage,
                turn_on,
                share_of_counted(field, dots.positions[counted(dots, photometry)], bright),
                share_of_all(field, bright),
            )
        )
    return results


def share_of_counted(field: Field, places: NDArray[np.float64], bright: NDArray[np.bool_]) -> float:
    """Share of the found dots whose nearest true dot is brighter than F_min."""
    dots = np.flatnonzero(field.scene.kind == DOT)
    distance, nearest = cKDTree(field.scene.positions[dots]).query(places)
    return float(np.mean(bright[dots[nearest]] & (distance < _SAME_DOT_PX)))


def share_of_all(field: Field, bright: NDArray[np.bool_]) -> float:
    """Share of the true dots in the frame that are brighter than F_min."""
    size = field.options.experiment
    last = np.array([size.width_px, size.height_px]) - 0.5
    places = field.scene.positions
    inside = np.all((places > -0.5) & (places < last), axis=1) & (field.scene.kind == DOT)
    return float(np.mean(bright[inside]))


def print_density(density_per_um2: float, n_fields: int, seed: int) -> None:
    """Print one line for each voltage."""
    options = SimulateOptions(
        experiment=ExperimentOptions(voltages_v=(2.2, 2.4, 2.6)),
        scene=SceneOptions(density_per_um2=density_per_um2),
    )
    reference, *others = channels_of(options)
    results: list[Result] = []
    for index in range(n_fields):
        field = draw_field(f"field-{index}", options=options, seed=seed + index)
        results += analysed(field, reference, others, seed + index)
    for channel in others:
        mine = [each for each in results if each.voltage_v == channel.voltage_v]
        known = [(each.found, each) for each in mine if each.found is not None]
        if not known:
            print(f"{density_per_um2:8.2f} {channel.voltage_v:6.1f} {len(mine):7d} {len(mine):8d}")
            continue
        fraction = np.array([found.fraction for found, _ in known])
        counted_truth = np.array([each.true_of_counted for _, each in known])
        all_truth = np.array([each.true_of_all for _, each in known])
        low = np.array([found.low for found, _ in known])
        high = np.array([found.high for found, _ in known])
        print(
            f"{density_per_um2:8.2f} {channel.voltage_v:6.1f} {len(mine):7d} "
            f"{len(mine) - len(known):8d} {np.mean([found.n_pl for found, _ in known]):6.1f} "
            f"{fraction.mean():9.3f} {np.mean(fraction - counted_truth):+13.3f} "
            f"{np.mean(fraction - all_truth):+9.3f} "
            f"{np.mean((low <= counted_truth) & (counted_truth <= high)):9.2f} "
            f"{np.mean((low <= all_truth) & (all_truth <= high)):8.2f}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=10, help="fields at each density")
    parser.add_argument("--densities", type=float, nargs="+", default=[0.05, 0.1, 0.3])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begin = perf_counter()
    print(f"F_min is {MATCH.f_min_sigma:g} sigma of the blank places; coverage of 95 % intervals")
    print(
        f"{'1/um^2':>8} {'V':>6} {'fields':>7} {'refused':>8} {'dots':>6} {'fraction':>9} "
        f"{'bias counted':>13} {'bias all':>9} {'covered':>9} {'(all)':>8}"
    )
    for density in asked.densities:
        print_density(density, asked.fields, asked.seed)
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
