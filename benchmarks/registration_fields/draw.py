"""Devices and cameras at random: dim and bright, sparse and crowded."""

import numpy as np

from qdimage.simulation.options import (
    BlinkingOptions,
    DefectOptions,
    ElOptions,
    ExperimentOptions,
    GeometryOptions,
    PlOptions,
    PsfOptions,
    SceneOptions,
    SimulateOptions,
)

Rng = np.random.Generator

SIDE = 208


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number whose logarithm is spread evenly."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_options(rng: Rng, *, unlit: bool = False) -> SimulateOptions:
    """A device and a camera at random: dim and bright, sparse and crowded."""
    low = rng.uniform(2.05, 2.45)
    return SimulateOptions(
        experiment=ExperimentOptions(
            voltages_v=(round(low, 3), round(rng.uniform(low + 0.05, 2.7), 3)),
            n_frames=int(rng.integers(8, 17)),
            width_px=SIDE,
            height_px=SIDE,
        ),
        scene=SceneOptions(
            density_per_um2=log_uniform(rng, 0.03, 0.5),
            pl_dark_fraction=rng.uniform(0.0, 0.15),
            defect_density_per_um2=log_uniform(rng, 0.001, 0.02),
        ),
        pl=PlOptions(
            median_photons_s=log_uniform(rng, 3e3, 2e4),
            spread=rng.uniform(0.3, 0.6),
            background_photons_px_s=log_uniform(rng, 30, 300),
            illumination_sigma_um=rng.uniform(10, 30),
        ),
        el=ElOptions(
            turn_on_spread_v=rng.uniform(0.1, 0.2),
            onset_photons_s=log_uniform(rng, 400, 5e3),
            spread=rng.uniform(0.3, 0.7),
            minimum_photons_s=100.0,
            background_photons_px_s=rng.choice([0.0, log_uniform(rng, 5, 150)]),
            unlit=unlit,
        ),
        blinking=BlinkingOptions(on_fraction=rng.uniform(0.5, 1.0)),
        geometry=GeometryOptions(
            shift_min_px=0.0,
            shift_max_px=29.0,
            rotation_max_deg=3.0,
            scale_max=0.01,
            radial_max_px=0.4,
            voltage_shift_max_px=0.7,
            drift_px=rng.uniform(0.0, 0.7),
        ),
        psf=PsfOptions(
            kind=rng.choice(["gaussian", "airy", "defocused"]), width_factor=rng.uniform(1.0, 1.4)
        ),
        defects=DefectOptions(
            hot_pixel_fraction=log_uniform(rng, 1e-5, 1e-3),
            hot_pixel_electrons_s=log_uniform(rng, 50, 1000),
        ),
    )
