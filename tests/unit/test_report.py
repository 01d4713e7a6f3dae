"""Figures and report of a finished run."""

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from finished_run import N_DOTS, SHIFT, El, Field, make_run
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree

from qdimage.config import AnalysisOptions
from qdimage.domain.tables import CHANNELS, DOTS, IMAGE_TABLES, LOCALIZATIONS
from qdimage.errors import FormatError
from qdimage.io.table_file import read_table, write_table
from qdimage.pipeline.tables import as_frame
from qdimage.reporting.build import build_report
from qdimage.reporting.content import read_content
from qdimage.reporting.distance_figures import expected_by_chance
from qdimage.reporting.drawn import no_figures
from qdimage.reporting.field_figures import MOST_WITH_PICTURES
from qdimage.reporting.html import render
from qdimage.reporting.micrograph_panels import field_panels, inverse
from qdimage.reporting.pages import make_pages
from qdimage.reporting.states import channel_dots, channel_states, reference_channel
from qdimage.reporting.style import house_style, label, save
from qdimage.reporting.turn_on_figures import draw_turn_on
from qdimage.reporting.words import NOTHING, number, percent, round_down

TWO_FIELDS = (Field(), Field(name="field-02", el=(El(2.1, 1), El(2.4, 5))))
KEYS = {"dot_id", "loc_id", "voltage_v"}
DEVICE_FIGURES = ("turn_on", "el_flux", "pl_flux", "distances")
FIELD_FIGURES = ("micrographs", "registration", "null")


class Page(HTMLParser):
    """The parts of a page that tests ask for."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.data: dict[str, Any] = {}
        self._data_name = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in self.VOID:
            self.open.append(tag)
        if found.get("type") == "application/json":
            self._data_name = str(found["id"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._data_name = ""

    def handle_data(self, data: str) -> None:
        if self._data_name:
            self.data[self._data_name] = json.loads(data)
        if self.open and self.open[-1] in ("style", "script"):
            return
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def dots(self) -> tuple[list[str], list[list[str]]]:
        """Heading and rows of the table of dots."""
        table = self.data["table-data"]
        rows = [[_text(cell) for cell in row] for row in table["rows"]]
        return [column[1] for column in table["columns"]], rows

    @property
    def scripts(self) -> int:
        """How many elements a browser would run."""
        return sum(tag == "script" and "type" not in found for tag, found in self.tags)

    def attributes(self, name: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(name)) is not None]


def _text(cell: Any) -> str:
    if cell is None:
        return NOTHING
    return str(cell[1] if isinstance(cell, list) else cell)


def page_of(report: Path) -> Page:
    return Page(report.read_text(encoding="utf-8"))


def words_of(out: Path) -> Page:
    """The page of a run without its figures, which take most of the time."""
    content = read_content(out)
    return Page(render(content, make_pages(content, no_figures)))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make_run(tmp_path_factory.mktemp("usual") / "out", TWO_FIELDS, ["look at the lamp"])
    build_report(out)
    return out


@pytest.fixture
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out, every glyph of them, but not painted."""

    def lay_out(figure: Figure, folder: Path, stem: str) -> None:
        figure.draw_without_rendering()
        Image.new("RGB", (2, 2)).save(folder / f"{stem}.png")

    monkeypatch.setattr("qdimage.reporting.drawn.save", lay_out)


def test_every_figure_is_there_as_png_svg_and_pdf(usual: Path) -> None:
    stems = [f"device_01_device-A_{kind}" for kind in DEVICE_FIGURES]
    stems += [f"field_{k:03d}_field-{k:02d}_{kind}" for k in (1, 2) for kind in FIELD_FIGURES]
    files = {path.name for path in (usual / "figures").iterdir()}
    assert files == {f"{stem}.{ext}" for stem in stems for ext in ("png", "svg", "pdf")}


def test_figures_are_fit_for_a_slide(usual: Path) -> None:
    for path in (usual / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert min(image.info["dpi"]) >= 150
            assert image.width >= 1000


def test_svg_files_are_well_formed_and_carry_no_date(usual: Path) -> None:
    for path in (usual / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        ET.fromstring(text)  # noqa: S314  our own file
        assert "dc:date" not in text


def test_page_needs_nothing_from_elsewhere(usual: Path) -> None:
    page = page_of(usual / "report.html")
    sources = page.attributes("src")
    assert len(sources) == 1 + len(DEVICE_FIGURES) + 2 * len(FIELD_FIGURES)
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    for link in page.attributes("href"):
        assert link.startswith(("#", "figures/"))
    assert not any(tag == "link" for tag, _ in page.tags)
    html = (usual / "report.html").read_text(encoding="utf-8")
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html


def test_links_lead_somewhere(usual: Path) -> None:
    page = page_of(usual / "report.html")
    links = page.attributes("href")
    pages = {link[1:] for link in links if link.startswith("#")} - {"all"}
    assert pages <= set(page.attributes("id"))
    assert all((usual / link).is_file() for link in links if link.startswith("figures/"))


def test_headline_is_that_of_the_table(usual: Path) -> None:
    text = page_of(usual / "report.html").text
    pooled = read_content(usual).pooled("device-A")
    best = pooled.iloc[-1]
    assert (
        f"At 2.4 V, of {best['n_pl']} PL-visible dots inside the overlap, {best['n_lit']} are "
        f"brighter in EL than F_min = 8.00 photons/s: a turn-on fraction of "
        f"{100 * best['fraction']:.1f} % (95 % interval {100 * best['fraction_low']:.1f} to "
        f"{100 * best['fraction_high']:.1f} %)."
    ) in text
    for row in pooled.to_dict("records"):
        assert f"{row['n_lit']} of {row['n_pl']} dots" in text


def test_every_dot_has_a_row(usual: Path) -> None:
    heading, rows = page_of(usual / "report.html").dots
    assert len(rows) == 2 * N_DOTS
    assert heading.index("field") == 0
    named = {(row[0], row[heading.index("dot")]) for row in rows}
    assert named == {(f"field-{k:02d}", str(n + 1)) for k in (1, 2) for n in range(N_DOTS)}
    assert all(len(row) == len(heading) for row in rows)


def test_dots_say_whether_they_are_lit(usual: Path) -> None:
    heading, rows = page_of(usual / "report.html").dots
    at = heading.index("EL 2.4 V (photons/s)")
    assert rows[0][at] == "50.0"
    assert rows[8][at] == "< 2.00"


def test_run_says_where_everything_is_from(usual: Path) -> None:
    page = page_of(usual / "report.html")
    text = page.text
    for expected in (
        "qdimage 0.1.0",
        "numpy 2.4.6",
        "2026-01-02T03:04:05+00:00",
        "data/1/experiment.toml",
        "em_gain = 300 camera.toml",
        "localize.false_alarms_per_frame",
        "match.f_min_sigma",
    ):
        assert expected in text
    assert "00" + 62 * "a" in page.attributes("title")
    changed = [k for k, (tag, found) in enumerate(page.tags) if found.get("class") == "changed"]
    assert changed


def test_only_options_off_their_default_are_marked(tmp_path: Path) -> None:
    options = AnalysisOptions().model_dump(mode="json")
    page = words_of(make_run(tmp_path / "same", [Field(options=options)]))
    assert "0 of" in page.text
    assert "changed" not in page.attributes("class")
    options["match"]["f_min_sigma"] = 6.0
    page = words_of(make_run(tmp_path / "other", [Field(options=options)]))
    assert page.attributes("class").count("changed") == 1


def test_warnings_come_with_their_words(tmp_path: Path) -> None:
    refusal = "the dots agree no better than chance; check the pair"
    failure = "el_3.tif: the file ends early; copy it again"
    fields = [
        Field(el=(El(2.1, 2), El(2.2, 1, "refused", refusal), El(2.4, 0, "failed", failure))),
        Field(name="field-02", el=(El(2.2, 1, "refused", refusal),)),
    ]
    warnings = ["data/9/experiment.toml: not analysed: unknown key 'exposur'", "a <b> & c"]
    page = words_of(make_run(tmp_path / "out", fields, warnings))
    for expected in (*warnings, refusal, failure, "non_monotone"):
        assert expected in page.text
    states = page.attributes("class")
    assert states.count("status failed") >= 2
    assert states.count("status refused") >= 4
    assert "3 channels without an answer" in page.text


def test_other_units_are_named_and_warned_of(tmp_path: Path) -> None:
    page = words_of(make_run(tmp_path / "out", [Field(unit="ADU")]))
    assert "Fluxes are in ADU/s, not in photons/s" in page.text
    assert "F_min = 8.00 ADU/s" in page.text
    both = [Field(), Field(name="field-02", unit="photoelectrons")]
    page = words_of(make_run(tmp_path / "both", both))
    assert "different units (photons, photoelectrons)" in page.text


@pytest.mark.usefixtures("quick_figures")
def test_names_cannot_become_code(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    el = El(2.4, 3, name="<img src=x onerror=alert(2)>")
    field = Field(name='"><b>$x_{$</b>', device=evil, el=(el,))
    report = build_report(make_run(tmp_path / "out", [field], [evil]))
    html = report.read_text(encoding="utf-8")
    assert evil not in html
    page = Page(html)
    assert page.scripts == 1
    assert not any("onerror" in found for _, found in page.tags)
    assert evil in page.text


def test_same_input_gives_same_bytes(usual: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    shutil.copytree(usual, again)
    shutil.rmtree(again / "figures")
    (again / "report.html").unlink()
    build_report(again)
    written = sorted(path for path in usual.rglob("*") if path.is_file())
    assert len(written) > 20
    for path in written:
        assert path.read_bytes() == (again / path.relative_to(usual)).read_bytes()


def test_user_settings_do_not_reach_the_figures(
    usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 22.0)
    monkeypatch.setitem(matplotlib.rcParams, "savefig.bbox", "tight")
    with house_style():
        figure = draw_turn_on(read_content(usual), "device-A")
        assert figure is not None
        save(figure, tmp_path, "again")
    first = usual / "figures" / "device_01_device-A_turn_on.png"
    assert (tmp_path / "again.png").read_bytes() == first.read_bytes()


DEGENERATE = {
    "no EL": [Field(el=())],
    "no PL dots": [Field(n_dots=0, el=(El(2.4, 2),))],
    "one dot": [Field(n_dots=1, el=(El(2.4, 1),))],
    "nothing lit": [Field(el=(El(2.1), El(2.4)))],
    "all refused": [Field(el=(El(2.1, 2, "refused", "chance"), El(2.4, 4, "refused", "chance")))],
    "all failed": [
        Field(pl_failure="pl.tif: damaged; copy it again", el=(El(2.4, 0, "failed", "no PL"),))
    ],
    "no pixel size, ADU": [Field(pixel_um=None, unit="ADU")],
    "one voltage": [Field(el=(El(2.4, 4),))],
    "two channels at one voltage": [Field(el=(El(2.4, 4, name="up"), El(2.4, 3, name="down")))],
    "NaN images": [Field(image_value=float("nan"))],
    "flat images": [Field(image_value=3.0)],
    "no field": [],
    "no options recorded": [Field(options={})],
    "many voltages": [Field(el=tuple(El(1.5 + 0.05 * k, k % 9) for k in range(14)))],
    "names no font has": [Field(name="\u5668\u4ef6 \U0001f600", device="a\nb" * 60)],
}


@pytest.mark.usefixtures("quick_figures")
@pytest.mark.parametrize("fields", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_odd_runs_give_a_sensible_report(tmp_path: Path, fields: Sequence[Field]) -> None:
    report = build_report(make_run(tmp_path / "out", fields))
    text = page_of(report).text
    assert "nan" not in text.lower().replace("reasonance", "").split()
    assert "None" not in text.split("Each stack was converted")[0]


@pytest.mark.usefixtures("quick_figures")
def test_tables_without_any_number_give_a_report(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", TWO_FIELDS)
    for table in IMAGE_TABLES:
        frame = read_table(out, table)
        for column in table.columns:
            if column.kind in ("number", "integer") and column.name not in KEYS:
                frame[column.name] = None
        write_table(frame, table, out)
    text = page_of(build_report(out)).text
    assert "none of the 4 EL channels gave one" in text


@pytest.mark.usefixtures("quick_figures")
def test_missing_image_leaves_a_place_for_it(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    shutil.rmtree(out / "images")
    build_report(out)
    assert (out / "figures" / "field_001_field-01_micrographs.png").is_file()


def test_many_fields_keep_the_page_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(figure: Figure, folder: Path, stem: str) -> None:
        Image.new("RGB", (2, 2)).save(folder / f"{stem}.png")

    monkeypatch.setattr("qdimage.reporting.drawn.save", quick)
    n = MOST_WITH_PICTURES + 3
    quiet = [Field(name=f"f{k:02d}", el=(El(2.4, 3),)) for k in range(n - 1)]
    last = Field(name="odd", el=(El(2.4, 3), El(2.6, 0, "refused", "chance")))
    page = page_of(build_report(make_run(tmp_path / "out", [*quiet, last])))
    n_pictures = 1 + len(DEVICE_FIGURES) + MOST_WITH_PICTURES * len(FIELD_FIGURES)
    assert len(page.attributes("src")) == n_pictures
    assert f"figures of {MOST_WITH_PICTURES} of {n} fields" in page.text
    assert f"figures/field_{n - 1:03d}_f{n - 2:02d}_micrographs.png" in page.attributes("href")
    files = [path.stem for path in (tmp_path / "out" / "figures").glob("*_micrographs.png")]
    assert len(files) == n
    assert f"figures/field_{n:03d}_odd_micrographs.svg" in page.attributes("href")


def test_long_tables_of_dots_end_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qdimage.reporting.dot_table.MOST_ROWS", 5)
    monkeypatch.setattr("qdimage.reporting.html.MOST_ROWS", 5)
    page = words_of(make_run(tmp_path / "out", [Field()]))
    assert len(page.dots[1]) == 5
    assert sum(name.startswith("dot-data") for name in page.data) == 5
    assert f"The first 5 of {N_DOTS} dots" in page.text
    assert "dots.csv" in page.text


def test_circles_agree_with_the_counts(usual: Path) -> None:
    for field in read_content(usual).fields:
        for row in field.tables["turn_on"].to_dict("records"):
            dots = channel_dots(field, row["channel"])
            assert (len(dots.lit), len(dots.dark)) == (row["n_lit"], row["n_pl_dark"])
            _, lit, counted = channel_states(field, row["channel"])
            assert (lit.sum(), counted.sum()) == (row["n_lit"], row["n_pl"])


def test_dots_that_do_not_count_are_neither_lit_nor_dark(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field(el=(El(2.4, N_DOTS),))])
    path = out / "dot_channels.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = lines[0].split(",").index("flags")
    for k, flag in ((1, "outside"), (2, "crowded;unresolved"), (3, "crowded")):
        cells = lines[k].split(",")
        cells[at] = flag
        lines[k] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    dots = channel_dots(read_content(out).fields[0], "EL 2.4V")
    assert (len(dots.lit), len(dots.dark), len(dots.other)) == (N_DOTS - 2, 0, 2)


def test_dots_are_drawn_where_the_channel_shows_them(usual: Path) -> None:
    affine = np.array([[1.02, 0.03, SHIFT[0]], [-0.02, 0.97, SHIFT[1]]])
    dots = channel_dots(read_content(usual).fields[0], "EL 2.4V")
    back = dots.moved(inverse(affine)).moved(affine)
    np.testing.assert_allclose(back.lit, dots.lit, atol=1e-9)


@pytest.mark.usefixtures("quick_figures")
def test_only_the_reference_shows_the_dots(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    channels = read_table(out, CHANNELS)
    second = channels[channels["kind"] == "pl"].assign(channel="PL before", reference=False)
    write_table(pd.concat([channels, second]), CHANNELS, out)
    found, dots = read_table(out, LOCALIZATIONS), read_table(out, DOTS)
    shared = ["device", "field", "x_px", "y_px"]
    reference = dots[shared].assign(channel="PL", loc_id=dots["dot_id"])
    other = dots[shared][:4].assign(channel="PL before", loc_id=dots["dot_id"][:4])
    rows = [*found.to_dict("records"), *reference.to_dict("records"), *other.to_dict("records")]
    write_table(as_frame(rows, LOCALIZATIONS), LOCALIZATIONS, out)
    content = read_content(out)
    panels = {panel.row["channel"]: panel for panel in field_panels(content, content.fields[0])}
    assert reference_channel(content.fields[0]) == "PL"
    assert len(panels["PL"].dots.lit) == 7
    assert len(panels["PL before"].dots.lit) == 0
    assert len(panels["PL before"].own) == 4
    build_report(out)


def test_chance_level_adds_up_and_is_what_random_places_show() -> None:
    rng = np.random.default_rng(5)
    size, n_dots, n_draws = 100.0, 20, 4000
    edges = np.array([0.0, 3.0, 6.0, 12.0, 24.0, 1e3])
    counts = np.zeros(len(edges) - 1)
    for _ in range(n_draws):
        dots = rng.uniform(0, size, (rng.poisson(n_dots), 2))
        # A frame without border: what leaves on one side comes in on the other.
        distance, _ = cKDTree(dots, boxsize=size).query(rng.uniform(0, size, (5, 2)))
        counts += np.histogram(distance, edges)[0]
    expected = expected_by_chance(edges, np.full(5 * n_draws, n_dots / size**2))
    assert expected.sum() == pytest.approx(5 * n_draws)
    # 540 places in the least filled bin: 20 % are more than four standard deviations.
    np.testing.assert_allclose(counts, expected, rtol=0.2)
    np.testing.assert_allclose(counts[1:4], expected[1:4], rtol=0.06)


def test_runs_of_earlier_versions_can_be_reported(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    for name, later in (("dots", "sub_bandgap_v"), ("turn_on", "n_faint")):
        table = pd.read_csv(out / f"{name}.csv", dtype=str, keep_default_na=False)
        table.drop(columns=later).to_csv(out / f"{name}.csv", index=False)
    assert len(words_of(out).dots[1]) == N_DOTS
    pd.read_csv(out / "dots.csv").drop(columns="dot_id").to_csv(out / "dots.csv", index=False)
    with pytest.raises(FormatError, match="this is not the table dots"):
        read_content(out)


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no run\.json, expected the output of qdimage run"):
        build_report(tmp_path)
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(FormatError, match="cannot be read"):
        build_report(tmp_path)
    for record in ("[]", "{}", '{"qdimage": "1", "warnings": [], "fields": [3]}'):
        (tmp_path / "run.json").write_text(record, encoding="utf-8")
        with pytest.raises(FormatError, match="run the analysis again"):
            build_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_missing_table_is_named(tmp_path: Path) -> None:
    out = make_run(tmp_path / "out", [Field()])
    (out / "dots.csv").unlink()
    with pytest.raises(FormatError, match=r"found no dots\.csv"):
        build_report(out)


def test_failed_build_leaves_the_last_report(tmp_path: Path, usual: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(usual, out)
    before = (out / "report.html").read_bytes()
    (out / "turn_on.csv").write_text("device\n", encoding="utf-8")
    with pytest.raises(FormatError):
        build_report(out)
    assert (out / "report.html").read_bytes() == before


def test_numbers_are_short_and_keep_their_digits() -> None:
    assert [number(x) for x in (9.4976, 11557.0, 0.0123, 0.0, 99.96)] == [
        "9.50",
        "11600",
        "0.0123",
        "0",
        "100",
    ]
    assert number(3.2e-178, 2) == "3 \N{MULTIPLICATION SIGN} 10\u207b\u00b9\u2077\u2078"
    assert number(-0.84) == "\N{MINUS SIGN}0.840"
    assert number(None) == number(float("nan")) == percent(None) == "\N{EN DASH}"


@pytest.mark.parametrize(("value", "below"), [(1.0, 1.0), (0.3, 0.2), (49.9, 20.0), (0.05, 0.05)])
def test_scales_are_round(value: float, below: float) -> None:
    assert round_down(value) == pytest.approx(below)


def test_labels_can_be_drawn() -> None:
    assert label("a$b$\n c") == r"a\$b\$ c"
    assert label("\u5668") == "?"
    assert len(label(100 * "x")) == 40


def test_parquet_gives_the_same_words(usual: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(usual / "run.json", out)
    for table in IMAGE_TABLES:
        write_table(read_table(usual, table), table, out, table_format="parquet")
    assert words_of(out).words == words_of(usual).words


def test_fields_of_two_devices_stay_apart(tmp_path: Path) -> None:
    other = replace(TWO_FIELDS[1], device="device-B")
    page = words_of(make_run(tmp_path / "out", [TWO_FIELDS[0], other]))
    assert "7 of 9 dots" in page.text
    assert "5 of 9 dots" in page.text
    assert page.dots[0][0] == "device"
