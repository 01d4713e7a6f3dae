"""The tables of the hand-off to the confocal arm: columns, units, meaning."""

from qdimage.domain.table import (
    MESSAGE,
    PLACE,
    STATUS,
    VOLTAGE,
    Table,
    boolean,
    integer,
    number,
    text,
)

_TARGET = text("target", "its name, as in the list of POIs and in the names of files")
_DOT = integer("dot_id", "the PL dot, as in dots")

TARGETS = Table(
    "targets",
    "a dot to steer to",
    (
        *PLACE,
        integer("order", "place in the travelling order, from 1; it runs through all fields"),
        _TARGET,
        _DOT,
        number("x_px", "column, field frame"),
        number("y_px", "row, field frame"),
        number("x_err_px", "standard deviation of x_px"),
        number("y_err_px", "standard deviation of y_px"),
        number("stage_x_um", "stage coordinate"),
        number("stage_y_um", "stage coordinate"),
        number("stage_z_um", "of [optics], or as given"),
        number(
            "stage_x_err_um",
            "standard error: localization, map and drift together; empty for a place by hand",
        ),
        number("stage_y_err_um", "the same for y"),
        number("step_um", "way from the target before, or from the start"),
        text("kind", "`pl` or `el`"),
        text("channel", "channel whose fluxes these are"),
        VOLTAGE,
        number("photons_s", "flux at the camera"),
        number("photons_err_s", "standard deviation of photons_s"),
        boolean("lit", "as in dot_channels; empty for PL"),
        boolean("isolated", "no other PL dot inside the isolation distance"),
        number("nearest_um", "distance of the nearest PL dot"),
        number("neighbour_share", "share of neighbours in the light behind the pinhole"),
        number("background_share", "share of background and dark counts there"),
        number("g2_floor", "g2(0) of an ideal single dot with that light"),
        number("g2_0_expected", "the same for a dot whose own g2(0) is as given"),
        number("counts_s", "expected of both detectors together, all light included"),
        number("g2_0_err", "wanted standard error of g2(0)"),
        number("minutes", "of HBT until that is reached, whatever the shape of the dip"),
        number("minutes_known_shape", "the same where the dip is known to be one exponential"),
        text("stage_source", "where the map to the stage is from"),
        text("flags", "reasons to look twice, joined by `;`"),
        text("signal_unit", "what fluxes count, as in dots"),
        MESSAGE,
    ),
    ("order",),
)

TARGET_CHECK = Table(
    "target_check",
    "a target whose place was measured again; the file serves as clicked pairs",
    (
        *PLACE,
        _TARGET,
        _DOT,
        number("x_px", "column, field frame"),
        number("y_px", "row, field frame"),
        number("stage_x_um", "measured stage coordinate"),
        number("stage_y_um", "measured stage coordinate"),
        number("predicted_x_um", "stage coordinate in targets"),
        number("predicted_y_um", "stage coordinate in targets"),
        number("residual_x_um", "measured less predicted"),
        number("residual_y_um", "measured less predicted"),
        number("residual_um", "length of that"),
        number("left_x_um", "residual less what offset, rotation and scale explain"),
        number("left_y_um", "residual less what offset, rotation and scale explain"),
        boolean("off", "it disagrees with the others; left out of the fit"),
    ),
    ("dot_id",),
)

STAGE_SHIFTS = Table(
    "stage_shifts",
    "a check of the stage: by places measured again, or by a new image",
    (
        *PLACE,
        text("check", "`places` or `image`"),
        text("file", "what it was made from"),
        integer("n_places", "targets, or pairs of dots, that agree"),
        integer("n_off", "targets that disagree with the others"),
        number("offset_x_um", "of the middle of the places; measured less predicted"),
        number("offset_y_um", "of the middle of the places; measured less predicted"),
        number("offset_err_um", "standard error of each"),
        number("rotation_deg", "of measured against predicted places, from x to y"),
        number("rotation_err_deg", "standard error of rotation_deg"),
        number("scale", "distances measured over distances predicted"),
        number("scale_err", "standard error of scale"),
        number("rms_um", "root mean square distance before the fit"),
        number("left_um", "the same after the fit"),
        STATUS,
        MESSAGE,
    ),
    ("check",),
)

TARGET_TABLES = (TARGETS, TARGET_CHECK, STAGE_SHIFTS)
