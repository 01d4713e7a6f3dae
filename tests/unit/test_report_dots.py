"""What the report holds of single dots: numbers, pictures, size, words."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_extras import VOLTAGES, add_dot_headlines, add_rate_fits, add_series, add_spectra
from finished_run import N_DOTS, SHIFT, El, Field, Tags, add_time_tags, make_run
from hypothesis import given
from hypothesis import strategies as st

from qdimage.domain.photon_tables import PHOTONS
from qdimage.domain.tables import CHANNELS, DOTS
from qdimage.io.image_file import write_image
from qdimage.io.table_file import read_table, write_table
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.content import Content, read_content, rows_of
from qdimage.reporting.dot_chart import packed
from qdimage.reporting.dot_charts import DOT_CHARTS
from qdimage.reporting.dot_cutouts import HALF_PX, SIDE_PX, field_cutouts
from qdimage.reporting.dot_documents import dot_documents
from qdimage.reporting.dot_subjects import subjects
from qdimage.reporting.dot_table import dot_table, table_json
from qdimage.reporting.html import script_json


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    out = make_run(tmp_path_factory.mktemp("dots") / "out", [Field()])
    add_time_tags(out, [Tags(n_el=3, n_pl=2)])
    add_spectra(out)
    add_rate_fits(out)
    add_series(out)
    add_dot_headlines(out)
    return read_content(out)


def unpacked(values: Any) -> Any:
    if isinstance(values, dict):
        return values["start"] + values["step"] * np.arange(values["n"])
    return np.array([np.nan if value is None else value for value in values], float)


@given(st.lists(st.floats(-1e9, 1e9), max_size=20))
def test_numbers_keep_four_digits(values: list[float]) -> None:
    assert unpacked(json.loads(json.dumps(packed(values)))) == pytest.approx(
        np.array(values), rel=1e-3, abs=1e-300
    )


def test_even_steps_are_three_numbers_and_nothing_else_is() -> None:
    even = np.linspace(400.0, 750.0, 1024)
    short = packed(even)
    assert isinstance(short, dict)
    assert unpacked(short) == pytest.approx(even, rel=1e-6)
    bent = even.copy()
    bent[512] += 0.1
    assert isinstance(packed(bent), list)
    assert packed([1.0, np.nan]) == [1, None]


@pytest.mark.parametrize("text", ["</script><script>alert(1)", "<!--", "a & b", "\u2028"])
def test_no_text_ends_its_script(text: str) -> None:
    written = str(script_json({"name": text}))
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"name": text}


def test_a_dot_shines_in_the_middle_of_its_pictures_wherever_the_channel_has_it(
    tmp_path: Path,
) -> None:
    out = make_run(tmp_path / "out", [Field(el=(El(2.4, 3),))])
    dots = read_table(out, DOTS)
    places = np.array([(5.0 + 18 * (k % 3), 5.0 + 18 * (k // 3)) for k in range(N_DOTS)])
    dots[["x_px", "y_px"]] = places
    write_table(dots, DOTS, out)
    channels = read_table(out, CHANNELS)
    for kind, shift in (("pl", (0.0, 0.0)), ("el", SHIFT)):
        image = np.zeros((48, 48))
        for k, (x, y) in enumerate(places):
            # The run maps a channel to the field by adding its shift.
            image[round(y - shift[1]), round(x - shift[0])] = 100.0 + k
        name = channels.loc[channels["kind"] == kind, "image"].iloc[0]
        write_image(out / name, image)
    content = read_content(out)
    found = field_cutouts(content, content.fields[0])
    assert found is not None
    assert [row["kind"] for row in found.channels] == ["pl", "el"]
    for dot in range(1, N_DOTS + 1):
        for text in found.of(dot):
            pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE_PX, SIDE_PX)
            at = np.unravel_index(pixels.argmax(), pixels.shape)
            # The shift of half a pixel may round either way.
            assert np.abs(np.array(at) - HALF_PX).max() <= 1
            assert pixels[at] == 255
    # The corner of the first dot's surroundings lies outside the image of EL.
    first = np.frombuffer(base64.b64decode(found.of(1)[1]), np.uint8)
    assert (first == 0).any()


def test_a_missing_image_or_registration_leaves_the_other_pictures(tmp_path: Path) -> None:
    fields = [Field(el=(El(2.1, 1), El(2.4, 0, "refused", "chance"), El(2.6, 3)))]
    out = make_run(tmp_path / "out", fields)
    channels = read_table(out, CHANNELS)
    lost = channels.loc[channels["channel"] == "EL 2.6V", "image"].iloc[0]
    (out / lost).unlink()
    content = read_content(out)
    found = field_cutouts(content, content.fields[0])
    assert found is not None
    assert [row["channel"] for row in found.channels] == ["PL", "EL 2.1V"]


def test_every_measurement_of_a_dot_has_its_chart(content: Content) -> None:
    found = subjects(content)
    documents, heads = dot_documents(content, found)
    assert [subject.name for subject in found[:2]] == ["dot 1", "dot 2"]
    assert len(documents) == N_DOTS + 2
    titles = dict(documents[0]["sections"])
    assert list(titles) == [title for title, _ in DOT_CHARTS]
    assert len(titles["Antibunching"]) == len(VOLTAGES) + 1
    assert titles["Spectrum"][0]["answer"] == "peak 629.00 ± 0.11 nm, FWHM 25.9 nm"
    assert len(titles["Rate fit"][0]["rows"]) == len(VOLTAGES)
    assert len(documents[0]["pictures"]) == len(heads["1"]["channels"]) == 3
    # A dot that was never on the counters has its flux alone.
    assert [title for title, _ in documents[8]["sections"]] == ["Intensity against voltage"]


def test_curves_are_those_of_the_files(content: Content) -> None:
    documents, _ = dot_documents(content, subjects(content))
    charts = dict(documents[0]["sections"])
    chart = charts["Decay"][0]
    (points,) = [mark for mark in chart["marks"] if mark["look"] == "points"]
    x, y = unpacked(points["x"]), unpacked(points["y"])
    slope = np.polyfit(x[:200], np.log(y[:200]), 1)[0]
    assert -1 / slope == pytest.approx(20.0, rel=0.05)
    dip = charts["Antibunching"][0]["marks"][0]
    assert unpacked(dip["y"]).min() < 0.3
    assert unpacked(dip["y"])[:20].mean() == pytest.approx(1.0, abs=0.1)


def test_a_full_page_names_the_files_instead(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = subjects(content)
    full, _ = dot_documents(content, found)
    monkeypatch.setattr("qdimage.reporting.dot_documents.MOST_BYTES", 20_000)
    small, _ = dot_documents(content, found)
    assert len(json.dumps(small)) < 0.6 * len(json.dumps(full))
    last = next(k for k in range(N_DOTS) if "pictures" not in small[k])
    assert small[last]["title"] == full[last]["title"]
    left_out = [
        chart
        for document in small
        for _, charts in document["sections"]
        for chart in charts
        if "left out" in " ".join(chart.get("notes", []))
    ]
    assert left_out
    assert all("marks" not in chart for chart in left_out)
    assert all((content.out / chart["source"]).is_file() for chart in left_out)


def test_files_without_a_dot_have_rows_of_their_own(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field(el=(), n_dots=0)])
    add_time_tags(out, [Tags(n_el=2, n_pl=1, located=False, n_refused=0, n_failed=0)])
    content = read_content(out)
    found = subjects(content)
    table = dot_table(content, found)
    files = {row["file"] for row in rows_of(content.tables[PHOTONS.name])}
    at = table.keys.index("dot_id")
    assert {row[at].text for row in table.rows} == files
    g2 = [row[table.keys.index("el_g2_0")].value for row in table.rows]
    assert sum(value is not None for value in g2) == 4


def test_the_table_sorts_by_numbers_and_filters_by_words(content: Content) -> None:
    table = table_json(dot_table(content, subjects(content)))
    keys = [column[0] for column in table["columns"]]
    assert keys[:3] == ["field", "dot_id", "pl_photons_s"]
    flux = [row[keys.index("pl_photons_s")][0] for row in table["rows"][:N_DOTS]]
    assert flux == [1000.0 + 100 * k for k in range(N_DOTS)]
    assert set(table["words"][0].split()) == {
        *("lit", "non_monotone", "flagged", "isolated", "accepted", "measured")
    }
    assert "dark" in table["words"][8].split()
    assert table["rows"][0][keys.index("el_2.4v")] == [50.0, "50.0", "lit"]


def test_a_person_is_heard(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    dots = read_table(out, DOTS)
    dots.loc[0, "accepted"] = False
    dots.loc[1, "note"] = "beside a scratch"
    write_table(as_frame(rows_of(dots), DOTS), DOTS, out)
    content = read_content(out)
    found = subjects(content)
    words = dot_table(content, found).words
    assert "rejected" in words[0]
    assert "noted" in words[1]
    documents, _ = dot_documents(content, found)
    assert documents[1]["note"] == "beside a scratch"
