"""The ground truth, measured again in the stacks by plain arithmetic.

A comparison allows five standard errors, and fails by chance once in 1.7 million.
"""

import json

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from qdimage.domain.transform import Transform
from qdimage.simulation.experiment import simulate_experiment
from qdimage.simulation.options import SimulateOptions

SIGMAS = 5.0
HALF_PX = 7  # of the square in which a spot is measured
APART_PX = 2 * HALF_PX + 2

BRIGHT = {
    "experiment": {
        "width_px": 420,
        "height_px": 300,
        "n_frames": 10,
        "voltages_v": (2.4, 2.6),
    },
    "scene": {"density_per_um2": 0.02},
    "pl": {"median_photons_s": 2e5, "background_photons_px_s": 50.0},
    "el": {"onset_photons_s": 1e5, "minimum_photons_s": 3e4, "rise_v": 1.0},
    "geometry": {"drift_px": 2.0, "rotation_max_deg": 1.0, "radial_max_px": 1.0},
    "camera": {"em_gain": 20.0},
    "defects": {"hot_pixel_fraction": 0.0, "cosmic_rays_per_frame": 0.0},
}
DARK = {
    "experiment": {"n_frames": 20, "width_px": 200, "height_px": 120, "voltages_v": (2.4,)},
    "scene": {"density_per_um2": 0.0, "defect_density_per_um2": 0.0},
    "pl": {"background_photons_px_s": 0.0},
    "camera": {"em_gain": 10.0, "read_noise_e": 10.0},
}
CHANNELS = ["PL", "EL 2.4V", "EL 2.6V"]


def simulate(out, groups, seed):
    options = SimulateOptions.model_validate(groups)
    simulate_experiment(out, options=options, seed=seed)
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))["fields"]["field-01"]
    electrons = {
        name: electrons_of(out / "field-01" / channel["stack"], options.camera)
        for name, channel in truth["channels"].items()
    }
    return truth, electrons, options


def electrons_of(path, camera):
    """Electrons in each pixel before the register, with the camera's own noise."""
    adu = tifffile.imread(path).astype(float)
    return (adu - camera.bias_adu) * camera.electrons_per_adu / camera.em_gain


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("bright") / "out", BRIGHT, seed=3)


@pytest.fixture(scope="module")
def defective(tmp_path_factory):
    groups = {
        **DARK,
        "defects": {
            "hot_pixel_fraction": 1e-3,
            "hot_pixel_electrons_s": 500.0,
            "hot_pixel_spread": 0.5,
            "cosmic_rays_per_frame": 1.0,
            "cosmic_electrons_min": 5e3,
            "cosmic_electrons_max": 2e4,
        },
    }
    return simulate(tmp_path_factory.mktemp("defective") / "out", groups, seed=4)


def isolated(channel, truth):
    """The lit sources that are far from every other one and from the border."""
    sources = [source for source in channel["sources"] if source["photons_s"] > 0]
    places = np.array([[source["x_px"], source["y_px"]] for source in sources])
    gaps = np.hypot(*(places[:, np.newaxis] - places).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    edge = np.array([truth["width_px"], truth["height_px"]]) - 1 - APART_PX
    inside = np.all((places > APART_PX) & (places < edge), axis=1)
    chosen = np.nonzero(inside & (gaps.min(axis=1) > APART_PX))[0]
    return [sources[index] for index in chosen]


def measure(image, x_px, y_px, background_e):
    """Centroid and charge in a square about a place."""
    column, row = round(x_px), round(y_px)
    square = np.s_[row - HALF_PX : row + HALF_PX + 1, column - HALF_PX : column + HALF_PX + 1]
    signal = image[square] - background_e
    rows, columns = np.indices(signal.shape) - HALF_PX
    charge = signal.sum()
    return (
        np.array(
            [column + (signal * columns).sum() / charge, row + (signal * rows).sum() / charge]
        ),
        charge,
    )


def residuals(channel, truth, electrons, options, frames=slice(None)):
    """Measured minus true place, in standard errors, shape (n, 2), and in px; likewise flux."""
    drift = np.array(channel["drift_px"])[frames]
    image = electrons[frames].mean(axis=0)
    clock_e = options.camera.clock_induced_charge_e
    place_z, place_px, flux_z = [], [], []
    for source in isolated(channel, truth):
        first = np.array([source["x_px"], source["y_px"]])
        background = clock_e + background_of(channel, first, options)
        # A blinking dot lies, on average, where it was while it shone.
        charges = [measure(each, *first, background)[1] for each in electrons[frames]]
        expected = first + np.average(drift, axis=0, weights=charges)
        found, charge = measure(image, *expected, background)
        error_px, error_e = standard_errors(charge, background, len(drift), truth, options)
        place_px.append(found - expected)
        place_z.append(place_px[-1] / error_px)
        photons_s = charge / options.camera.quantum_efficiency / truth["exposure_s"]
        allowed = error_e / options.camera.quantum_efficiency / truth["exposure_s"]
        flux_z.append((photons_s - source["photons_s"]) / allowed)
    return np.array(place_z), np.array(place_px), np.array(flux_z)


def background_of(channel, place, options):
    """Electrons of the layer in a pixel and frame, from the excitation profile's own formula."""
    if channel["kind"] == "el":
        return 0.0
    size, pl = options.experiment, options.pl
    x_um, y_um = place * size.pixel_size_um
    dx_um = x_um - (size.width_px - 1) / 2 * size.pixel_size_um - pl.illumination_offset_um
    dy_um = y_um - (size.height_px - 1) / 2 * size.pixel_size_um
    profile = np.exp(-(dx_um**2 + dy_um**2) / (2 * pl.illumination_sigma_um**2))
    photons = pl.background_photons_px_s * profile * size.exposure_s
    return photons * options.camera.quantum_efficiency


def standard_errors(charge, background, n_frames, truth, options):
    """Of the centroid in px and of the charge in electrons, in a mean of some frames."""
    camera = options.camera
    side = 2 * HALF_PX + 1
    pixel = 2 * background + (camera.read_noise_e / camera.em_gain) ** 2
    pixel += (camera.electrons_per_adu / camera.em_gain) ** 2 / 12
    spread = truth["sigma_px"] ** 2 + 1 / 12 + (options.geometry.drift_px / 2) ** 2
    lever = side * np.sum((np.arange(side) - HALF_PX) ** 2)
    error_px = np.sqrt((2 * charge * spread + pixel * lever) / n_frames) / charge
    return error_px, np.sqrt((2 * charge + pixel * side**2) / n_frames)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_source_is_at_its_position_plus_the_drift(bright, name):
    truth, electrons, options = bright
    place_z, place_px, _ = residuals(truth["channels"][name], truth, electrons[name], options)
    assert len(place_z) >= 8
    assert np.abs(place_z).max() < SIGMAS
    # All of them together would show an offset of a hundredth of a pixel.
    assert np.all(np.abs(place_px.mean(axis=0)) < 0.01)


@pytest.mark.parametrize("frame", [0, 4, 9])
@pytest.mark.parametrize("name", CHANNELS)
def test_every_frame_is_where_its_drift_says(bright, name, frame):
    truth, electrons, options = bright
    channel = dict(truth["channels"][name])
    # A dot that is dark in this frame has no place in it.
    on = slice(frame, frame + 1)
    image = electrons[name][frame]
    smooth = gaussian_filter(image, truth["sigma_px"])
    drift = np.array(channel["drift_px"])[frame]
    channel["sources"] = [
        source
        for source in channel["sources"]
        if not source["in_frame"] or peak_of(smooth, source, drift) > 20
    ]
    place_z, *_ = residuals(channel, truth, electrons[name], options, frames=on)
    assert len(place_z) >= 5
    assert np.abs(place_z).max() < SIGMAS
    assert np.abs(place_z.mean(axis=0)).max() < SIGMAS / np.sqrt(len(place_z))


def peak_of(image, source, drift):
    column = int(np.clip(round(source["x_px"] + drift[0]), 0, image.shape[1] - 1))
    row = int(np.clip(round(source["y_px"] + drift[1]), 0, image.shape[0] - 1))
    return image[row, column]


@pytest.mark.parametrize("name", CHANNELS)
def test_the_charge_of_a_spot_is_the_true_flux(bright, name):
    truth, electrons, options = bright
    *_, flux_z = residuals(truth["channels"][name], truth, electrons[name], options)
    assert np.abs(flux_z).max() < SIGMAS
    assert abs(flux_z.mean()) < SIGMAS / np.sqrt(len(flux_z))
    assert 0.5 < np.sqrt(np.mean(flux_z**2)) < 1.7


@pytest.mark.parametrize("name", CHANNELS)
def test_the_drift_ends_as_far_away_as_asked(bright, name):
    truth, _, options = bright
    drift = np.array(truth["channels"][name]["drift_px"])
    assert drift.shape == (10, 2)
    assert not drift[0].any()
    assert np.hypot(*drift[-1]) == pytest.approx(options.geometry.drift_px, abs=1e-4)


def transform_of(channel):
    stated = channel["transform"]
    return Transform(
        np.array(stated["matrix"]),
        stated["radial_px"],
        tuple(stated["centre_px"]),
        stated["radius_px"],
        np.zeros((7, 7)),
    )


@pytest.mark.parametrize("name", CHANNELS)
def test_the_stated_transform_maps_the_channels_places_to_the_fields(bright, name):
    truth, *_ = bright
    channel = truth["channels"][name]
    ids = [source["id"] for source in channel["sources"]]
    assert ids == [source["id"] for source in truth["sources"]] == list(range(1, len(ids) + 1))
    here, field = (
        np.array([[source["x_px"], source["y_px"]] for source in each["sources"]])
        for each in (channel, truth)
    )
    # Places are written with five decimals.
    assert np.abs(transform_of(channel).apply(here) - field).max() < 2e-5


def test_el_frames_are_displaced_and_differ_little_from_each_other(bright):
    truth, _, options = bright
    centre = np.array([[209.5, 149.5]])
    moved = {
        name: transform_of(channel).apply(centre) - centre
        for name, channel in truth["channels"].items()
    }
    assert not moved["PL"].any()
    geometry = options.geometry
    distance = np.hypot(*moved["EL 2.4V"][0])
    assert geometry.shift_min_px - 0.3 <= distance <= geometry.shift_max_px + 0.3
    apart = np.hypot(*(moved["EL 2.4V"] - moved["EL 2.6V"])[0])
    assert 0 < apart <= 2 * geometry.voltage_shift_max_px


def test_lit_says_what_the_turn_on_voltage_says(bright):
    truth, *_ = bright
    for name in CHANNELS[1:]:
        channel = truth["channels"][name]
        for source, here in zip(truth["sources"], channel["sources"], strict=True):
            assert here["lit"] == (here["photons_s"] > 0)
            if here["lit"]:
                assert source["turn_on_voltage_v"] <= channel["voltage_v"]


def test_pl_fluxes_are_written_once_and_again_alike(bright):
    truth, *_ = bright
    for source, here in zip(truth["sources"], truth["channels"]["PL"]["sources"], strict=True):
        assert source["pl_photons_s"] == here["photons_s"]
        assert (source["kind"] == "dot") >= here["lit"]
        assert (here["x_px"], here["y_px"]) == pytest.approx((source["x_px"], source["y_px"]))


def test_in_frame_means_inside_the_frame_of_the_channel(bright):
    truth, *_ = bright
    seen = 0
    for channel in truth["channels"].values():
        for source in channel["sources"]:
            inside = -0.5 <= source["x_px"] < 419.5 and -0.5 <= source["y_px"] < 299.5
            assert source["in_frame"] == inside
            seen += not inside
    assert seen > 0


def test_the_layer_is_as_bright_as_stated(bright):
    truth, electrons, options = bright
    stated = [truth["channels"][name]["background_photons_px_s"] for name in CHANNELS]
    assert stated[1:] == [0, 0]
    # The median leaves the spots out; the excitation is symmetric enough for it.
    quiet = np.median(electrons["PL"].mean(axis=0))
    found = (quiet - options.camera.clock_induced_charge_e) / options.camera.quantum_efficiency
    assert found / truth["exposure_s"] == pytest.approx(stated[0], rel=0.1)


def hot_mask(truth):
    mask = np.zeros((truth["height_px"], truth["width_px"]), dtype=bool)
    for pixel in truth["hot_pixels"]:
        mask[pixel["y_px"], pixel["x_px"]] = True
    return mask


def hit_mask(channel, truth):
    mask = np.zeros((truth["n_frames"], truth["height_px"], truth["width_px"]), dtype=bool)
    for hit in channel["cosmic_hits"]:
        mask[hit["frame"], hit["y_px"], hit["x_px"]] = True
    return mask


@pytest.mark.parametrize("name", ["PL", "EL 2.4V"])
def test_hot_pixels_and_cosmic_rays_are_where_the_truth_says_and_nowhere_else(defective, name):
    truth, electrons, _ = defective
    hot, hit = hot_mask(truth), hit_mask(truth["channels"][name], truth)
    assert hot.sum() == len(truth["hot_pixels"]) > 10
    assert hit.any()
    stray = electrons[name][~hit & ~hot]
    # Read noise is one electron, clock-induced charge a rare one times ten or twenty.
    assert stray.max() < 30
    assert abs(stray.mean() - 0.005) < SIGMAS * stray.std() / np.sqrt(stray.size)
    struck = electrons[name][hit]
    assert np.median(struck) > 500


@pytest.mark.parametrize("name", ["PL", "EL 2.4V"])
def test_hot_pixels_leak_the_stated_current(defective, name):
    truth, electrons, _ = defective
    hit = hit_mask(truth["channels"][name], truth)
    for pixel in truth["hot_pixels"]:
        place = np.s_[:, pixel["y_px"], pixel["x_px"]]
        values = electrons[name][place][~hit[place]]
        expected = pixel["electrons_s"] * truth["exposure_s"]
        standard_error = np.sqrt((2 * expected + 2) / len(values))
        assert abs(values.mean() - expected) < SIGMAS * standard_error


@pytest.mark.parametrize("name", ["PL", "EL 2.4V"])
def test_cosmic_rays_leave_the_stated_charge(defective, name):
    truth, electrons, _ = defective
    hot = hot_mask(truth)
    for hit in truth["channels"][name]["cosmic_hits"]:
        if hot[hit["y_px"], hit["x_px"]].any():
            continue
        found = electrons[name][hit["frame"], hit["y_px"], hit["x_px"]].sum()
        expected = sum(hit["electrons"])
        # A register's gamma variate of n electrons has the variance n; two tracks rarely cross.
        assert abs(found - expected) < SIGMAS * np.sqrt(expected + 2 * len(hit["x_px"]))


def test_an_unlit_device_has_a_truth_without_light(tmp_path):
    groups = {"experiment": {"width_px": 64, "height_px": 64}, "el": {"unlit": True}}
    truth, electrons, options = simulate(tmp_path / "out", groups, seed=1)
    for name, channel in truth["channels"].items():
        if channel["kind"] == "el":
            assert not any(source["lit"] for source in channel["sources"])
            assert np.median(electrons[name]) < 3 * options.camera.read_noise_e / 300
    assert all(source["turn_on_voltage_v"] is None for source in truth["sources"])
    assert any(source["lit"] for source in truth["channels"]["PL"]["sources"])


def test_unrelated_stacks_share_no_source(tmp_path):
    groups = {"experiment": {"width_px": 64, "height_px": 64}, "el": {"unrelated": True}}
    truth, *_ = simulate(tmp_path / "out", groups, seed=2)
    kinds = {source["id"]: source["kind"] for source in truth["sources"]}
    lit = {
        name: {kinds[source["id"]] for source in channel["sources"] if source["lit"]}
        for name, channel in truth["channels"].items()
    }
    assert lit.pop("PL") == {"dot"}
    assert set().union(*lit.values()) == {"unrelated"}


@pytest.mark.parametrize("kind", ["airy", "defocused"])
def test_other_point_images_are_where_and_as_bright_as_stated(tmp_path, kind):
    groups = {**BRIGHT, "psf": {"kind": kind}, "blinking": {"on_fraction": 1.0}}
    groups["experiment"] = {**BRIGHT["experiment"], "voltages_v": ()}
    groups["scene"] = {"density_per_um2": 0.01}
    truth, electrons, options = simulate(tmp_path / "out", groups, seed=5)
    _, place_px, _ = residuals(truth["channels"]["PL"], truth, electrons["PL"], options)
    assert len(place_px) >= 4
    # The square cuts the rings off where the drift has moved them: up to some hundredths.
    assert np.abs(np.median(place_px, axis=0)).max() < 0.05
    whole = (electrons["PL"] / options.camera.quantum_efficiency).mean(axis=0).sum()
    layer = truth["channels"]["PL"]["background_photons_px_s"] * whole_area(truth)
    spots = sum(
        source["photons_s"] for source in truth["channels"]["PL"]["sources"] if well_inside(source)
    )
    found = whole / truth["exposure_s"] - layer
    assert found == pytest.approx(spots, rel=0.1)


def whole_area(truth):
    return truth["width_px"] * truth["height_px"]


def well_inside(source):
    return 0 <= source["x_px"] <= 419 and 0 <= source["y_px"] <= 299
