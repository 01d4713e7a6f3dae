"""How long g2(0) takes: limits that are known, and the width that the fit gives."""

import numpy as np
import pytest

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero
from qdimage.photons.dip import g2_zero
from qdimage.photons.dip_options import DipOptions
from qdimage.steering.hbt_time import g2_0_err, seconds_for_g2_err

DIP = {"g2_0": 0.1, "rise_time_ns": 12.0, "fastest_ns": 1.0, "response_fwhm_ns": 0.5}


def test_the_error_falls_with_the_root_of_the_counts() -> None:
    assert g2_0_err(400.0, **DIP) == pytest.approx(g2_0_err(100.0, **DIP) / 2)


def test_a_shape_that_is_better_known_gives_a_smaller_error() -> None:
    errors = [g2_0_err(100.0, **DIP | {"fastest_ns": bound}) for bound in (0.5, 1.0, 3.0)]
    assert errors == sorted(errors, reverse=True)
    assert g2_0_err(100.0, **DIP | {"fastest_ns": None}) < errors[-1]


def test_five_minutes_of_a_bright_dot_reach_what_was_published() -> None:
    # Nat. Commun. 8, 1132 (2017): 0.045 +- 0.005 from one exponential; 9e4 counts/s for 300 s.
    dip = {"g2_0": 0.045, "fastest_ns": None, "response_fwhm_ns": 0.5}
    found = [g2_0_err(4.5e4**2 * 300e-9, rise_time_ns=ns, **dip) for ns in (10.0, 30.0)]
    assert found[1] < 0.005 < found[0]


def test_a_response_as_slow_as_the_dip_costs_time() -> None:
    assert g2_0_err(100.0, **DIP | {"response_fwhm_ns": 10.0}) > 2 * g2_0_err(100.0, **DIP)


def test_it_exceeds_what_a_known_shape_allows() -> None:
    # With all but g2(0) known, the information is 2 r tau [-ln(g)/(1-g)^2 - 1/(1-g)].
    depth = 1 - DIP["g2_0"]
    known = 2 * DIP["rise_time_ns"] * (-np.log(DIP["g2_0"]) / depth**2 - 1 / depth)
    found = g2_0_err(1.0, **DIP | {"response_fwhm_ns": 0.0})
    assert 1.5 / np.sqrt(known) < found < 10 / np.sqrt(known)


def test_twice_the_counts_take_a_quarter_of_the_time() -> None:
    seconds = seconds_for_g2_err(0.01, counts_s=np.array([4e4, 8e4, 0.0]), unit_err=np.full(3, 0.5))
    assert seconds[0] == pytest.approx(4 * seconds[1])
    # 2e4 on each detector: 0.4 coincidences per ns and s; (0.5 / 0.01)^2 are wanted per ns.
    assert seconds[0] == pytest.approx(2500 / 0.4)
    assert np.isinf(seconds[2])


@pytest.mark.parametrize(("g2_0", "rise_ns", "per_bin"), [(0.05, 10.0, 200.0), (0.2, 20.0, 100.0)])
def test_the_fit_reaches_about_that_error(g2_0: float, rise_ns: float, per_bin: float) -> None:
    edges = np.arange(-250.0, 250.1, 0.5)
    lag = np.abs(edges[:-1] + 0.25)
    rng = np.random.default_rng(11)
    widths = []
    for _ in range(6):
        counts = rng.poisson(per_bin * (1 - (1 - g2_0) * np.exp(-lag / rise_ns)))
        curve = G2Curve(edges, counts, np.full(len(counts), per_bin), 1.0, 1, 1)
        found = g2_zero(curve, options=DipOptions())
        assert isinstance(found, G2Zero)
        widths.append((found.high_95 - found.low_95) / (2 * 1.96))
    expected = g2_0_err(
        per_bin / 0.5, g2_0=g2_0, rise_time_ns=rise_ns, fastest_ns=1.0, response_fwhm_ns=0.0
    )
    # Widths of single curves scatter by a factor of 1.5; their median by less.
    assert 0.5 < np.median(widths) / expected < 1.6
