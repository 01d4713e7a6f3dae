"""What each key of a declared table is for; its kind and bounds are the schema's own.

By the class of `qdimage.domain.experiment` that declares the key: name to meaning.
"""

EXPERIMENT = {
    "name": "name of the field; the folder's where not given",
    "device": "fractions are pooled by it; the parent folder's name where not given",
    "batch": "batch of the device, for the variance between batches",
    "sample": "`device`, `quartz` or any word; populations are compared by it",
    "pixel_size_um": "size of a camera pixel in the sample plane, um, without binning",
}

DEVICE = {"pmma_nm": "thickness of the PMMA layer, nm; carried into the tables"}

CAMERA = {
    "file": "a camera file with these keys instead",
    "bias_adu": "output without light, ADU",
    "electrons_per_adu": "sensitivity: electrons at the output for one ADU",
    "em_gain": "gain of the multiplication register; 1 without",
    "quantum_efficiency": "photoelectrons for each photon",
    "read_noise_e": "read noise at the output, electrons, before division by the gain",
    "clock_induced_charge_e": "clock-induced electrons of a pixel in a frame",
    "saturation_adu": "value from which a pixel counts as saturated, ADU",
    "bias_map": "TIFF of the bias of each pixel, ADU; of a camera file, beside it",
    "bias_map_binning": "camera pixels on each side of a pixel of the map",
    "bias_map_offset_px": "corner of the map on the sensor, x and y, in camera pixels",
}

OPTICS = {
    "numerical_aperture": "of the objective; with `emission_nm`, the width that a dot should have",
    "emission_nm": "wavelength of the emission, nm; the photon energy where no spectrum is",
    "collection_efficiency": "counts on the photon counters for each photon emitted",
    "camera_collection_efficiency": "photons at the camera for each photon emitted",
    "pinhole_um": "radius that the photon counters see, in the sample plane, um",
    "stage_from_px": "2 x 3 matrix, field px to stage um",
    "stage_z_um": "height of the stage at which the field is in focus, um",
}

CHANNEL = {
    "name": "name of the channel in all tables",
    "kind": "under light or under current",
    "stack": "image file, relative to this file and inside its folder",
    "exposure_s": "exposure of one frame, s; from the file where it states it",
    "voltage_v": "voltage applied, V; needed for `el`",
    "reference": "true for the PL channel that is the field's frame; needed of several",
    "excitation_power_uw": "power of the excitation, uW",
    "frames": "first frame that is used, and the first that is not, from 0",
    "frames_excluded": "single frames that are left out",
    "channel_index": "which channel, from 0, of a file with several",
    "binning": "camera pixels on each side of a pixel of this stack",
    "roi_offset_px": "corner of the frame on the sensor, x and y, in camera pixels without binning",
    "acquired_at": "when it was recorded",
    "order": "place in the order of recording",
    "transform": "2 x 3 matrix, channel px to field px; tested like one that is found",
    "pins": "pairs of one dot in both: `[x_channel, y_channel, x_field, y_field]`",
}

PLACE = {
    "x_px": "column of the place where it was taken, field px",
    "y_px": "row of that place",
    "x_um": "the same on the stage, um; needs `stage_from_px`",
    "y_um": "the same on the stage, um",
}

PHOTONS = {
    "file": "time tags, or a histogram, relative to this file and inside its folder",
    "kind": "under light or under current",
    "voltage_v": "voltage applied, V, of `el`",
    **PLACE,
    "excitation": "`cw` or `pulsed`; from the file where not given",
    "detectors": "the two detectors, from 0 in the order of the device's inputs",
    "duration_s": "time measured, s, of a histogram that does not state it",
    "rate_counts_s": "counts/s of both detectors, of a histogram that does not state them",
    "response_fwhm_ns": "full width of the response of the pair of detectors, ns",
    "response_file": "a measured response instead",
    "dark_counts_s": "dark counts/s of both detectors",
    "background_file": "time tags without the dot, whose rates are the dark counts",
    "absorption_cross_section_cm2": "of the dot; with the next two, the pump rate of PL",
    "excitation_power_density_w_cm2": "at the dot",
    "excitation_nm": "wavelength of the excitation, nm",
}

SPECTRUM = {
    "file": "spectrum, relative to this file and inside its folder",
    "scope": "`dot`, or `area` of the sample",
    "area_mm2": "size of that area, mm2",
    "kind": "under light or under current",
    "voltage_v": "voltage applied, V, of `el`",
    "exposure_s": "exposure of all frames together, s; from the file where not given",
    "dark_file": "spectrum without light, which is subtracted, scaled by exposure",
    "rows": "first row of an image that is summed, from 0, and the one after the last",
    **PLACE,
}


def _of_states() -> dict[str, str]:
    found = {}
    for state, name in (
        ("exciton", "exciton"),
        ("negative_trion", "negative trion"),
        ("positive_trion", "positive trion"),
        ("biexciton", "biexciton"),
    ):
        found |= {
            f"{state}_lifetime_ns": f"lifetime of the {name}, ns",
            f"{state}_lifetime_err_ns": "its standard error: if given it is fitted, else held",
            f"{state}_qy": f"quantum yield of the {name}",
            f"{state}_qy_err": "its standard error: if given it is fitted, else held",
        }
    return found


IV = {
    "file": "current against voltage, relative to this file and inside its folder",
    "area_mm2": "area of the device, mm2",
    "voltage_column": "name of the column of voltages, where it is not found by itself",
    "current_column": "name of the column of currents, where it is not found by itself",
    "time_column": "name of the column of times, where it is not found by itself",
    "limit_a": "compliance of the source, A: where it limits, the voltage is not the device's",
}

# By the name of the table in `experiment.toml`.
TABLES = {
    "experiment": EXPERIMENT,
    "device": DEVICE,
    "camera": CAMERA,
    "optics": OPTICS,
    "channels": CHANNEL,
    "photons": PHOTONS,
    "spectra": SPECTRUM,
    "iv": IV,
    "dot_parameters": _of_states(),
}

CURATION = {
    "device": "device of the field; left out beside the `experiment.toml` of the field",
    "field": "name of the field; left out there too",
    "x_px": "column at which the dot was found, or is added, field px",
    "y_px": "row of that place",
    "action": "what was decided",
    "to_x_px": "column of the new place; needed for `moved`",
    "to_y_px": "row of the new place",
    "flag": "one word without spaces and semicolons; needed for `flagged`",
    "note": "a person's words",
}
