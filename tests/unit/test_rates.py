"""Rate models: limits that can be written down, and what a declaration must not be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import null_space

from qdimage.errors import ConfigurationError
from qdimage.rates.coulomb import coulomb_law, exponential, none
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import decay, el_model, largest_charge, line_name
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve, steady_state
from qdimage.rates.weak_limit import weak_limit_constant, weak_limit_scale

DOT = DotParameters()
X41 = 0.46284401059920
rates = st.floats(1e-3, 1e3)


def two_level(pump: float, decay_rate: float) -> RateModel:
    return RateModel(
        ("g", "e"), (Transition("g", "e", pump), Transition("e", "g", decay_rate, 1.0))
    )


@given(pump=rates, decay_rate=rates)
def test_a_two_level_emitter_is_perfectly_antibunched(pump: float, decay_rate: float) -> None:
    light = solve(two_level(pump, decay_rate))
    assert light.intensity_per_us == pytest.approx(pump * decay_rate / (pump + decay_rate))
    lags = np.array([0.0, 1.0, 10.0, 100.0, 1e7])
    expected = 1 - np.exp(-(pump + decay_rate) * lags * 1e-3)
    np.testing.assert_allclose(light.g2(lags), expected, atol=1e-12)


@given(rate=rates)
def test_poisson_light_has_a_g2_of_one(rate: float) -> None:
    light = solve(RateModel(("on",), (Transition("on", "on", rate, 0.5),)))
    assert light.intensity_per_us == pytest.approx(rate / 2)
    np.testing.assert_allclose(light.g2(np.array([0.0, 3.0, 900.0])), 1.0)


@given(pump=st.floats(1e-3, 1e3))
def test_pl_agrees_with_its_closed_form(pump: float) -> None:
    kx, kbx = DOT.rate_per_us("exciton"), DOT.rate_per_us("biexciton")
    eta_x, eta_bx = DOT.exciton_qy, DOT.biexciton_qy
    d = 1 + pump / kx + pump**2 / (kx * kbx)
    light = solve(pl_model(DOT, pump_per_us=pump))
    assert light.intensity_per_us == pytest.approx(pump / d * (eta_x + eta_bx * pump / kx))
    expected = eta_x * eta_bx * d / (eta_x + eta_bx * pump / kx) ** 2
    assert light.g2_0 == pytest.approx(expected)


def test_the_limit_of_pl_is_the_ratio_of_yields() -> None:
    assert solve(pl_model(DOT, pump_per_us=1e-6)).g2_0 == pytest.approx(0.07, rel=1e-5)


@given(electron=rates, hole=rates, carriers=st.sampled_from([2, 4, 6]), cap=st.booleans())
def test_columns_of_the_generator_sum_to_zero(
    electron: float, hole: float, carriers: int, cap: bool
) -> None:
    model = el_model(
        DOT,
        electron_per_us=electron,
        hole_per_us=hole,
        coulomb=exponential(X41),
        carriers=carriers,
        overflow="cap" if cap else "recombine",
    )
    generator = model.generator()
    np.testing.assert_allclose(generator.sum(axis=0), 0.0, atol=1e-9 * np.abs(generator).max())
    light = solve(model)
    assert np.all(light.populations > 0)
    assert light.populations.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        generator @ light.populations, 0.0, atol=1e-12 * np.abs(generator).max()
    )


@given(electron=rates, hole=rates)
def test_exchanging_electrons_and_holes_changes_nothing(electron: float, hole: float) -> None:
    mirrored = DotParameters(
        negative_trion_lifetime_ns=DOT.positive_trion_lifetime_ns,
        negative_trion_qy=DOT.positive_trion_qy,
        positive_trion_lifetime_ns=DOT.negative_trion_lifetime_ns,
        positive_trion_qy=DOT.negative_trion_qy,
    )
    a = solve(el_model(DOT, electron_per_us=electron, hole_per_us=hole, coulomb=exponential(X41)))
    b = solve(
        el_model(mirrored, electron_per_us=hole, hole_per_us=electron, coulomb=exponential(X41))
    )
    assert a.intensity_per_us == pytest.approx(b.intensity_per_us)
    assert a.g2_0 == pytest.approx(b.g2_0)


def test_g2_reaches_one_and_is_even() -> None:
    light = solve(el_model(DOT, electron_per_us=25.0, hole_per_us=25.0, coulomb=exponential(X41)))
    assert light.g2(np.array([1e6]))[0] == pytest.approx(1.0)
    lags = np.array([-3.0, 7.0, 3.0, -7.0])
    values = light.g2(lags)
    assert values[0] == values[2]
    assert values[1] == values[3]


def test_published_parameters_give_the_published_orders() -> None:
    expected = {16.8: 0.0268, 25.0: 0.0396, 83.3: 0.117}
    for rate, g2_0 in expected.items():
        model = el_model(
            DOT, electron_per_us=rate, hole_per_us=rate, coulomb=exponential(X41), carriers=4
        )
        assert solve(model).g2_0 == pytest.approx(g2_0, rel=5e-3)


def test_trion_photons_can_be_left_out() -> None:
    model = el_model(
        DOT,
        electron_per_us=83.3,
        hole_per_us=83.3,
        coulomb=exponential(X41),
        carriers=4,
        count_trions=False,
    )
    assert solve(model).g2_0 == pytest.approx(0.302, rel=2e-3)


def test_the_model_reaches_its_weak_limit() -> None:
    law = exponential(X41)
    model = el_model(
        DOT, electron_per_us=1e-6, hole_per_us=1e-6, coulomb=law, carriers=6, count_trions=False
    )
    constant = weak_limit_constant(law, DOT, largest_charge=6, count_trions=False)
    assert solve(model).g2_0 / weak_limit_scale(DOT) == pytest.approx(constant, rel=1e-6)


@pytest.mark.parametrize("carriers", [4, 5, 6])
def test_a_dot_that_is_capped_has_one_charge_less(carriers: int) -> None:
    law = exponential(0.3)
    model = el_model(
        DOT,
        electron_per_us=1e-6,
        hole_per_us=1e-6,
        coulomb=law,
        carriers=carriers,
        overflow="cap",
        count_trions=False,
    )
    charge = largest_charge(carriers, "cap")
    constant = weak_limit_constant(law, DOT, largest_charge=charge, count_trions=False)
    assert solve(model).g2_0 / weak_limit_scale(DOT) == pytest.approx(constant, rel=1e-6)
    assert max(j - i for i, j in model.states) == charge


def test_higher_states_decay_by_counting() -> None:
    r, a = DOT.radiative_per_us("negative_trion"), DOT.nonradiative_per_us("negative_trion")
    assert sum(decay((3, 1), DOT)) == pytest.approx(1.5 * r + 3 * a)
    r, a = DOT.radiative_per_us("positive_trion"), DOT.nonradiative_per_us("positive_trion")
    assert sum(decay((1, 3), DOT)) == pytest.approx(1.5 * r + 3 * a)
    assert decay((2, 2), DOT)[0] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("state", "name"),
    [((1, 1), "X"), ((2, 1), "X-"), ((1, 2), "X+"), ((2, 2), "XX"), ((3, 1), "X--")],
)
def test_lines_have_their_usual_names(state: tuple[int, int], name: str) -> None:
    assert line_name(state) == name


def test_intensities_of_the_lines_add_up() -> None:
    model = el_model(DOT, electron_per_us=40.0, hole_per_us=20.0, coulomb=exponential(X41))
    parts = [solve(model, lines=[line]).intensity_per_us for line in model.lines]
    assert sum(parts) == pytest.approx(solve(model).intensity_per_us)


def test_an_absorbing_state_is_refused() -> None:
    model = RateModel(("a", "b"), (Transition("a", "b", 1.0, 1.0),))
    with pytest.raises(ConfigurationError, match="never left"):
        solve(model)


def test_a_dark_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no photons"):
        solve(RateModel(("a", "b"), (Transition("a", "b", 1.0), Transition("b", "a", 1.0))))


@pytest.mark.parametrize(
    "transition",
    [
        Transition("a", "c", 1.0),
        Transition("a", "b", -1.0),
        Transition("a", "b", float("nan")),
        Transition("a", "b", 1.0, 1.5),
    ],
)
def test_a_wrong_declaration_is_refused(transition: Transition) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        RateModel(("a", "b"), (transition,))


@given(st.lists(st.floats(1e-6, 1e6), min_size=12, max_size=12))
def test_state_reduction_agrees_with_the_null_space(values: list[float]) -> None:
    matrix = np.zeros((4, 4))
    matrix[~np.eye(4, dtype=bool)] = values
    np.fill_diagonal(matrix, -matrix.sum(axis=0))
    populations = steady_state(matrix)
    vector = null_space(matrix / np.abs(matrix).max(), rcond=1e-14)
    if vector.shape[1] == 1:
        np.testing.assert_allclose(populations, vector[:, 0] / vector.sum(), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(matrix @ populations, 0.0, atol=1e-12 * np.abs(matrix).max())


def test_laws_need_their_parameters() -> None:
    for name in ("exp", "suppression", "enhancement", "linear", "sign", "table", "unknown"):
        with pytest.raises(ConfigurationError):
            coulomb_law(name)


def test_laws_do_what_their_names_say() -> None:
    assert coulomb_law("exp", x=0.5)(2) == pytest.approx(np.e)
    assert coulomb_law("suppression", x=0.5)(2) == 1.0
    assert coulomb_law("enhancement", x=0.5)(-2) == 1.0
    assert coulomb_law("linear", x=0.4)(-3) == 0.0
    assert [coulomb_law("sign", attraction=2.0, repulsion=0.5)(s) for s in (-1, 0, 1)] == [
        0.5,
        1,
        2,
    ]
    table = coulomb_law("table", table={1: 2.0, -1: 0.25})
    assert [table(s) for s in (-1, 0, 1)] == [0.25, 1.0, 2.0]
    with pytest.raises(ConfigurationError, match="s = 2"):
        table(2)
    assert none()(7) == 1.0
    for factors in ({0: 2.0}, {1: -1.0}, {1: float("nan")}):
        with pytest.raises(ConfigurationError, match="table of injection factors"):
            coulomb_law("table", table=factors)


def test_injections_that_are_merely_dropped_are_refused() -> None:
    # Without what a carrier too many does, nothing leaves four electrons or four holes.
    whole = el_model(
        DOT, electron_per_us=9.0, hole_per_us=9.0, coulomb=exponential(X41), carriers=4
    )
    kept = [each for each in whole.transitions if sum(each.source) < 4 or sum(each.target) == 2]
    with pytest.raises(ConfigurationError, match=r"\(0, 4\) and state \(4, 0\) are never left"):
        solve(RateModel(whole.states, tuple(kept)))
