"""What holds for every simulation, whatever its options."""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from qdimage.errors import ConfigurationError
from qdimage.io.documents import format_toml
from qdimage.simulation.blinking import on_fractions
from qdimage.simulation.camera import expose
from qdimage.simulation.defects import draw_cosmic_hits
from qdimage.simulation.geometry import draw_drift, draw_transform, margin, refuse_folding
from qdimage.simulation.options import (
    BlinkingOptions,
    CameraOptions,
    DefectOptions,
    ElOptions,
    ExperimentOptions,
    GeometryOptions,
    PsfOptions,
    SceneOptions,
    SimulateOptions,
)
from qdimage.simulation.psf import make_psf
from qdimage.simulation.recipe import Recipe, read_recipe, write_recipe
from qdimage.simulation.render import render_spots
from qdimage.simulation.scene import draw_scene, el_photons_s

PSFS = {kind: make_psf(PsfOptions(kind=kind), 0.107) for kind in ("gaussian", "airy", "defocused")}
SHAPE = (50, 70)

seeds = st.integers(0, 2**63)
kinds = st.sampled_from(sorted(PSFS))
offsets = st.floats(-0.5, 0.5)
voltages = st.floats(0.5, 5.0)
spots = st.lists(
    st.tuples(st.floats(-90, 160), st.floats(-90, 140), st.floats(0, 1e5)), max_size=6
).map(lambda rows: np.array(rows, dtype=float).reshape(-1, 3))
cameras = st.builds(
    CameraOptions,
    quantum_efficiency=st.floats(0.05, 1),
    clock_induced_charge_e=st.floats(0, 1),
    em_gain=st.one_of(st.just(1.0), st.floats(2, 1000)),
    read_noise_e=st.floats(0, 200),
    electrons_per_adu=st.floats(0.5, 50),
    bias_adu=st.floats(0, 1000),
    saturation_adu=st.integers(1000, 65535),
)
geometries = st.builds(
    GeometryOptions,
    shift_min_px=st.floats(0, 3),
    shift_max_px=st.floats(3, 40),
    rotation_max_deg=st.floats(0, 10),
    scale_max=st.floats(0, 0.1),
    radial_max_px=st.floats(0, 3),
    voltage_shift_max_px=st.floats(0, 2),
    drift_px=st.floats(0, 5),
)
frames = st.builds(
    ExperimentOptions,
    width_px=st.integers(32, 600),
    height_px=st.integers(32, 600),
    device=st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), min_size=1),
    voltages_v=st.lists(voltages, max_size=4, unique=True).map(tuple),
)


@given(kinds, offsets, offsets)
def test_an_image_has_unit_flux_and_moves_as_its_point(kind, dx, dy):
    psf = PSFS[kind]
    image = psf.patches(np.array([dx]), np.array([dy]))[0]
    pixels = np.arange(-psf.radius_px, psf.radius_px + 1)
    assert image.min() >= 0
    assert math.isclose(image.sum(), 1, abs_tol=1e-12)
    assert math.isclose((image.sum(axis=0) * pixels).sum(), dx, abs_tol=3e-5)
    assert math.isclose((image.sum(axis=1) * pixels).sum(), dy, abs_tol=3e-5)


@given(kinds, spots, st.integers(-9, 9), st.integers(-9, 9))
def test_a_whole_pixel_shift_of_the_points_shifts_the_picture(kind, rows, across, down):
    psf = PSFS[kind]
    places, photons = rows[:, :2], rows[:, 2]
    # Ties between two nearest pixels go to the even one, which a shift changes.
    assume(np.all(np.abs(places % 1 - 0.5) > 1e-6))
    still = render_spots(places, photons, shape=SHAPE, psf=psf)
    moved = render_spots(places + np.array([across, down]), photons, shape=SHAPE, psf=psf)
    inner = np.s_[max(0, -down) : SHAPE[0] - max(0, down)]
    columns = np.s_[max(0, -across) : SHAPE[1] - max(0, across)]
    there = np.roll(moved, (-down, -across), axis=(0, 1))
    assert np.allclose(there[inner, columns], still[inner, columns], rtol=1e-6, atol=1e-5)


@given(kinds, spots, st.floats(0, 100))
def test_the_picture_is_linear_in_the_light_and_never_brighter_than_it(kind, rows, factor):
    psf = PSFS[kind]
    image = render_spots(rows[:, :2], rows[:, 2], shape=SHAPE, psf=psf)
    scaled = render_spots(rows[:, :2], factor * rows[:, 2], shape=SHAPE, psf=psf)
    assert image.min(initial=0) >= 0
    assert image.sum() <= rows[:, 2].sum() * (1 + 1e-12)
    assert np.allclose(scaled, factor * image, rtol=1e-9, atol=1e-9)


@given(cameras, st.floats(0, 1e7), seeds)
def test_every_value_is_one_that_the_converter_can_give(camera, photons, seed):
    shape = (6, 7)
    adu = expose(np.full(shape, photons), camera=camera, rng=np.random.default_rng(seed))
    again = expose(np.full(shape, photons), camera=camera, rng=np.random.default_rng(seed))
    assert adu.dtype == np.uint16
    assert adu.shape == shape
    assert adu.max() <= camera.saturation_adu
    assert np.array_equal(adu, again)


@given(
    st.integers(0, 5),
    st.integers(1, 30),
    st.floats(0.01, 1, exclude_max=True),
    st.floats(0.01, 100),
    seeds,
)
def test_an_emitter_is_on_for_a_share_of_each_frame(n, n_frames, on_fraction, off_time_s, seed):
    options = BlinkingOptions(on_fraction=on_fraction, off_time_s=off_time_s)
    rng = np.random.default_rng(seed)
    on = on_fractions(n, n_frames=n_frames, exposure_s=0.1, options=options, rng=rng)
    assert on.shape == (n, n_frames)
    assert np.all((on >= 0) & (on <= 1))


@given(st.integers(2, 200), st.floats(0, 20), seeds)
def test_the_drift_ends_as_far_away_as_asked(n_frames, drift_px, seed):
    drift = draw_drift(n_frames, drift_px, np.random.default_rng(seed))
    assert np.allclose(drift[0], 0, atol=1e-12)
    assert math.isclose(math.hypot(*drift[-1]), drift_px, abs_tol=1e-9)


@given(frames, geometries, seeds)
def test_a_transform_that_is_accepted_has_an_inverse_wherever_emitters_are(size, geometry, seed):
    reach_px = margin(size, geometry, 8)
    try:
        refuse_folding(size, geometry, reach_px)
    except ConfigurationError:
        assume(False)
    rng = np.random.default_rng(seed)
    transform = draw_transform(size, geometry, rng)
    low = np.full(2, -reach_px)
    high = np.array([size.width_px, size.height_px]) - 1 + reach_px
    places = rng.uniform(low, high, (50, 2))
    there = transform.inverse(places)
    assert np.allclose(transform.apply(there), places, atol=1e-3)
    near = np.all((places >= 0) & (places <= high - reach_px), axis=1)
    back = transform.apply(transform.inverse(places[near]))
    assert np.allclose(back, places[near], atol=1e-6)


@given(
    st.floats(0, 3), st.floats(0, 30), st.integers(8, 100), st.integers(8, 100), st.integers(0, 99)
)
def test_cosmic_rays_stay_in_the_frame_and_bring_no_more_than_their_charge(
    rate, track_px, width, height, seed
):
    options = DefectOptions(cosmic_rays_per_frame=rate, cosmic_track_px=track_px)
    hits = draw_cosmic_hits(5, (height, width), options, np.random.default_rng(seed))
    for hit in hits:
        assert 0 <= hit.frame < 5
        assert np.all((hit.pixels >= 0) & (hit.pixels < [width, height]))
        total = hit.electrons.sum()
        assert 0 < total <= options.cosmic_electrons_max * (1 + 1e-12)


@given(voltages, voltages, st.floats(0, 1), seeds)
def test_a_dot_that_is_lit_stays_lit_and_grows_brighter_with_voltage(low, high, spread_v, seed):
    options = SimulateOptions(
        el=ElOptions(turn_on_spread_v=spread_v), scene=SceneOptions(density_per_um2=0.5)
    )
    scene = draw_scene(options, 0.0, np.random.default_rng(seed))
    low, high = sorted((low, high))
    dim, bright = (el_photons_s(scene, each, options.el) for each in (low, high))
    assert np.all(bright >= dim)
    assert np.all((dim > 0) == (scene.turn_on_voltage_v <= low))


@given(frames, geometries, cameras, st.none() | seeds)
def test_a_recipe_reads_back_as_it_was_written(tmp_path_factory, size, geometry, camera, seed):
    recipe = Recipe(SimulateOptions(experiment=size, geometry=geometry, camera=camera), seed)
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    write_recipe(path, recipe)
    assert read_recipe(path) == recipe
    text = format_toml({"seed": seed, **recipe.options.model_dump(mode="json")})
    assert path.read_text(encoding="utf-8") == text
