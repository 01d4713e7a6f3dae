"""I-V curves from the files of several programs, and files that are none."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdimage.errors import FormatError
from qdimage.io.experiment_file import read_experiment
from qdimage.io.iv_file import open_iv
from qdimage.simulation.iv import Conduction, draw_readings, sweep_up_and_down, write_kickstart

OVER = "+9.910000E+37"


def _write(folder: Path, text: str, name: str = "iv.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_kickstart_export_has_lines_above_and_below(tmp_path: Path) -> None:
    text = (
        'Test,"I-V"\nCurrent Limit,10 mA\n\n'
        'Index,"SMU-1 Time (s)","SMU-1 Voltage (V)","SMU-1 Current (A)",'
        '"SMU-1 Resistance (\u03a9)"\n'
        f"1,0.0,0.0,1E-12,0\n2,0.5,0.1,2E-9,5e7\n3,1,0.2,{OVER},{OVER}\n4,1.5,0.3,1E-2,30\n"
        "\nNotes,none\nOperator,n. n.\n"
    )
    found = open_iv(_write(tmp_path, text))
    np.testing.assert_array_equal(found.voltage_v, [0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(found.current_a, [1e-12, 2e-9, np.nan, 1e-2])
    assert found.time_s is not None
    np.testing.assert_array_equal(found.time_s, [0, 0.5, 1.0, 1.5])
    assert found.limit_a == pytest.approx(0.01)
    np.testing.assert_array_equal(found.usable, [True, True, False, False])
    assert found.warnings == ("1 readings overflowed and were left out",)


@pytest.mark.parametrize("separator", ["\n", ","])
def test_a_2400_sends_five_numbers_and_a_status_word(tmp_path: Path, separator: str) -> None:
    # Bit 3 of the word is compliance; bit 14 says that it sources a voltage.
    rows = [
        f"+0.000000E+00,-5.033000E-11,{OVER},+3.540547E+03,+{1 << 14:.6E}",
        f"+1.000000E+00,+1.021450E-06,{OVER},+3.541547E+03,+{(1 << 14) | 8:.6E}",
    ]
    found = open_iv(_write(tmp_path, separator.join(rows) + "\n"))
    np.testing.assert_array_equal(found.voltage_v, [0, 1])
    np.testing.assert_array_equal(found.current_a, [-5.033e-11, 1.02145e-6])
    np.testing.assert_array_equal(found.compliance, [False, True])


def test_the_status_byte_of_a_2600_is_another(tmp_path: Path) -> None:
    # Bit 3 is autorange of the source there, and bit 6 compliance.
    text = "Voltage (V),Current (A),Status\n0,0,8\n1,1e-6,8\n2,1e-3,72\n"
    found = open_iv(_write(tmp_path, text))
    np.testing.assert_array_equal(found.compliance, [False, False, True])


def test_a_2450_writes_units_beside_values(tmp_path: Path) -> None:
    text = (
        "Buffer Name,defbuffer1\nIndex,Reading,Unit,Range Digits,Value,Unit,Source Limit,Date\n"
        "1,1.5E-3,Amp DC,3,0.2,Volt DC,F,11/26/2026\n2,2.5E-3,Amp DC,3,0.4,Volt DC,T,11/26/2026\n"
    )
    found = open_iv(_write(tmp_path, text))
    np.testing.assert_array_equal(found.voltage_v, [0.2, 0.4])
    np.testing.assert_array_equal(found.current_a, [1.5e-3, 2.5e-3])
    np.testing.assert_array_equal(found.compliance, [False, True])


@pytest.mark.parametrize(
    ("header", "volts", "amps"),
    [
        ("voltage,current", 1.0, 1.0),
        ("voltage_v,current_a,time_s", 1.0, 1.0),
        ("Time (s),Voltage (mV),Current (\u00b5A)", 1e-3, 1e-6),
        ("V [V],I [nA]", 1.0, 1e-9),
        ("U/V,I/mA", 1.0, 1e-3),
        ("Set Voltage (V),Meas Voltage (V),Current (pA),Current density (mA/cm2)", 1.0, 1e-12),
        ("Current (A),Current Limit (A),Voltage (V)", 1.0, 1.0),
    ],
)
def test_units_are_in_headers(tmp_path: Path, header: str, volts: float, amps: float) -> None:
    names = header.split(",")
    at = {
        "v": next(i for i, n in enumerate(names) if n[0] in "UVv" or n.startswith("Meas")),
        "i": next(i for i, n in enumerate(names) if n[0] in "CIc"),
    }
    if "Set Voltage (V)" in names:
        at["v"] = 1
    rows = []
    for k in (1.0, 2.0, 3.0):
        cells = [f"{100 * k + j}" for j in range(len(names))]
        cells[at["v"]], cells[at["i"]] = f"{k}", f"{2 * k}"
        rows.append(",".join(cells))
    found = open_iv(_write(tmp_path, "\n".join([header, *rows]) + "\n"))
    np.testing.assert_allclose(found.voltage_v, volts * np.array([1, 2, 3]), rtol=1e-12)
    np.testing.assert_allclose(found.current_a, amps * np.array([2, 4, 6]), rtol=1e-12)


def test_units_may_stand_below_the_header(tmp_path: Path) -> None:
    found = open_iv(_write(tmp_path, "Voltage,Current\n(mV),(nA)\n500,2\n1000,4\n"))
    np.testing.assert_allclose(found.voltage_v, [0.5, 1.0])
    np.testing.assert_allclose(found.current_a, [2e-9, 4e-9])


def test_a_column_may_be_known_by_its_unit_alone(tmp_path: Path) -> None:
    found = open_iv(_write(tmp_path, "Source (V),Reading (uA),Power (W)\n0.5,2,1\n1,4,2\n"))
    np.testing.assert_allclose(found.voltage_v, [0.5, 1.0])
    np.testing.assert_allclose(found.current_a, [2e-6, 4e-6])


def test_decimal_commas_and_no_header(tmp_path: Path) -> None:
    found = open_iv(_write(tmp_path, "0,5;1,5e-9\n1,5;2,5e-9\n"))
    np.testing.assert_array_equal(found.voltage_v, [0.5, 1.5])
    np.testing.assert_array_equal(found.current_a, [1.5e-9, 2.5e-9])


def test_columns_are_named_where_two_could_be_meant(tmp_path: Path) -> None:
    text = "smua V (V),smua I (A),smub V (V),smub I (mA)\n0,1,2,3\n4,5,6,7\n"
    path = _write(tmp_path, text)
    with pytest.raises(FormatError, match=r"'smua V \(V\)', 'smub V \(V\)'.*voltage_column"):
        open_iv(path)
    columns = {"voltage": "smub V (V)", "current": "smub I (mA)"}
    found = open_iv(path, columns=columns)
    np.testing.assert_array_equal(found.voltage_v, [2, 6])
    np.testing.assert_allclose(found.current_a, [3e-3, 7e-3])
    with pytest.raises(FormatError, match="no header with 'smuc'"):
        open_iv(path, columns={"voltage": "smuc"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found 0 bytes"),
        ("nothing here\n", "no header that names a voltage and a current"),
        ("voltage,current\n", "found 0 readings"),
        ("voltage,current\n1,2e-3\n", "found 1 readings"),
        ("voltage,current\n0,0\n1,abc\n2,1e-3\n", "line 3: found '1,abc' between readings"),
        ("voltage,current (lumen)\n0,0\n1,1\n", r"'current \(lumen\)', expected a unit of current"),
        (
            "voltage,current density (A/m2)\n0,0\n1,1\n",
            "expected one of voltage and one of current",
        ),
        ("voltage,current\n0,0\n1,2e9\n", "line 3: found 1 V and 2e[+]09 A"),
        ("voltage,current\n\0\0", "binary file"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(FormatError, match=message) as caught:
        open_iv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is no such file"):
        open_iv(tmp_path / "none.csv")
    with pytest.raises(FormatError, match="found a folder"):
        open_iv(tmp_path)


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    found = open_iv(_write(tmp_path, "voltage,current\n0,0\n1,1e-9\n2,1e-"))
    assert len(found) == 2
    assert found.warnings == ("line 4 is cut off and was left out",)


VOLTS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
AMPS = np.array([1.25e-9, 3.5e-8, 2.75e-6, 1.3e-5, 4.62e-4, 1.01e-3])
CUT = {
    "exponents": "voltage,current\n"
    + "".join(f"{v:.3f},{a:.5e}\n" for v, a in zip(VOLTS, AMPS, strict=True)),
    "fixed": "v\ti(mA)\n"
    + "".join(f"{v:.2f}\t{1e3 * a:.7f}\n" for v, a in zip(VOLTS, AMPS, strict=True)),
    "shortest": "voltage,current\r\n"
    + "".join(f"{v},{a}\r\n" for v, a in zip(VOLTS, AMPS, strict=True)),
    "commas": "voltage;current;time\n"
    + "".join(f"{v};{a:.3e};{v:.1f}\n" for v, a in zip(VOLTS, AMPS, strict=True)).replace(".", ","),
    "status": "voltage,current,status\n"
    + "".join(f"{v:.3f},{a:.5e},1234\n" for v, a in zip(VOLTS, AMPS, strict=True)),
}


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
def test_no_number_that_was_cut_off_is_taken_for_whole(tmp_path: Path, text: str) -> None:
    whole = open_iv(_write(tmp_path, text))
    assert whole.warnings == ()
    assert len(whole) == len(VOLTS)
    n_silent, first = 0, text.rindex("\n2") + 1
    for size in range(first, len(text)):
        path = _write(tmp_path, text[:size])
        with suppress(FormatError):
            found = open_iv(path)
            if not found.warnings:
                np.testing.assert_array_equal(found.voltage_v, whole.voltage_v[: len(found)])
                np.testing.assert_array_equal(found.current_a, whole.current_a[: len(found)])
                n_silent += 1
    # Right behind the line above, or before the end of the last line.
    assert n_silent <= 2


def test_a_footer_without_an_end_is_no_reading_that_was_cut_off(tmp_path: Path) -> None:
    for footer in ("Points,6", "ends here", "Stop: 12:00"):
        assert open_iv(_write(tmp_path, CUT["exponents"] + footer)).warnings == ()
    assert open_iv(_write(tmp_path, CUT["exponents"].rstrip("\n"))).warnings == ()
    (said,) = open_iv(_write(tmp_path, CUT["shortest"].rstrip())).warnings
    assert said == "the file ends within line 7, whose last number may be cut off"


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"voltage,current\n0,0\n1,1e-9\n" + data)
    with suppress(FormatError):
        found = open_iv(path)
        assert len(found) >= 2
        assert np.isfinite(found.voltage_v).all()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    device = Conduction(limit_a=1e-5)
    readings = draw_readings(device, sweep_up_and_down(3.0), np.random.default_rng(4))
    readings.current_a[7] = np.nan
    path = tmp_path / "device.csv"
    write_kickstart(path, readings, limit_a=device.limit_a)
    found = open_iv(path)
    np.testing.assert_allclose(found.voltage_v, readings.voltage_v, rtol=1e-6)
    np.testing.assert_allclose(found.current_a, readings.current_a, rtol=1e-6)
    assert found.limit_a == pytest.approx(1e-5)
    assert found.compliance.sum() == np.sum(readings.current_a >= 0.995e-5)


def test_iv_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text('[[iv]]\nfile = "iv.csv"\narea_mm2 = 4.0\n')
    declared = read_experiment(path).declared.iv
    assert [(each.file, each.area_mm2) for each in declared] == [("iv.csv", 4.0)]
    path.write_text('[[iv]]\nfile = "iv.csv"\narea_mm = 4.0\n')
    with pytest.raises(ValueError, match="area_mm2"):
        read_experiment(path)
    path.write_text('[[iv]]\nfile = "../iv.csv"\n')
    with pytest.raises(ValueError, match="leaves the experiment's folder"):
        read_experiment(path)
