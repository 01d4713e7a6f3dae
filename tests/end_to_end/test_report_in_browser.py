"""The report in a browser: pages, table, dots, and nothing that complains."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser_path, opened_browser
from finished_extras import VOLTAGES, add_dot_headlines, add_rate_fits, add_series, add_spectra
from finished_run import El, Field, Tags, add_time_tags, make_run
from matplotlib.figure import Figure

from qdimage.reporting.build import build_report
from qdimage.reporting.words import NOTHING

pytestmark = pytest.mark.browser

N_MANY = 340
TEXTS = (
    "[...document.querySelectorAll('#dot-table tbody td:nth-child({n})')].map(e => e.textContent)"
)
EVIL = "<img src=x onerror=window.broken=1></script><script>window.broken=2</script>"


def save_coarsely(figure: Figure, folder: Path, stem: str) -> None:
    figure.savefig(folder / f"{stem}.png", dpi=25)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if browser_path() is None:
        pytest.skip("there is no Chromium; install it with ./qd test --system-packages")
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fields = (
        Field(),
        Field(name="many", device="device-B", n_dots=N_MANY, el=(El(2.4, 200),)),
        Field(name=EVIL, device=EVIL, n_dots=2, el=()),
    )
    out = make_run(tmp_path_factory.mktemp("browser") / "out", fields)
    add_time_tags(out, [Tags(n_el=3, n_pl=2)])
    add_spectra(out)
    add_rate_fits(out)
    add_series(out)
    add_dot_headlines(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qdimage.reporting.drawn.save", save_coarsely)
        patch.setattr("qdimage.reporting.pages.FIELD_SECTIONS", ())
        return build_report(out)


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Browser]:
    """The report, opened; a complaint of the browser fails the test."""
    browser.open(report)
    yield browser
    assert browser.complaints == []
    assert browser.evaluate("window.broken") is None


def go(page: Browser, name: str) -> None:
    """Click a tab."""
    page.click(f"nav.tabs a[href='#{name}']")
    page.wait(f"document.getElementById('{name}').offsetHeight")


def column(page: Browser, title: str) -> int:
    """Number of a column, from 1."""
    titles = page.evaluate(
        "[...document.querySelectorAll('#dot-table th')].map(e => e.textContent)"
    )
    return int(titles.index(title)) + 1


def cells(page: Browser, title: str) -> list[str]:
    found: list[str] = page.evaluate(TEXTS.format(n=column(page, title)))
    return found


def shown(page: Browser) -> str:
    return str(page.evaluate("document.getElementById('shown').textContent"))


def test_each_tab_opens_its_page_and_every_picture_is_there(page: Browser) -> None:
    tabs = page.evaluate("[...document.querySelectorAll('nav.tabs a')].map(e => e.hash)")
    assert tabs == [
        *("#overview", "#device-1", "#device-2", "#device-3"),
        *("#dots", "#methods", "#provenance", "#all"),
    ]
    for tab in tabs[:-1]:
        page.click(f"nav.tabs a[href='{tab}']")
        page.wait(f"location.hash === '{tab}'")
        visible = (
            "[...document.querySelectorAll('.page')].filter(e => e.offsetHeight).map(e => e.id)"
        )
        page.wait(f"String({visible}) === '{tab[1:]}'")
    page.click("nav.tabs a[href='#all']")
    page.wait("[...document.querySelectorAll('.page')].every(e => e.offsetHeight)")
    n_pictures = page.evaluate("document.images.length")
    assert n_pictures > 10
    page.wait("[...document.images].every(e => e.complete && e.naturalWidth > 100)")


def test_the_table_sorts_by_clicks_and_by_keys(page: Browser) -> None:
    go(page, "dots")
    title = "PL flux (photons/s)"
    heading = f"#dot-table th:nth-child({column(page, title)})"
    page.click(f"{heading} button")
    rising = [float(text) for text in cells(page, title)]
    assert rising == sorted(rising)
    assert len(rising) == 300
    page.press("Enter")
    falling = cells(page, title)
    assert float(falling[0]) > rising[-1]
    assert page.evaluate(f"document.querySelector('{heading}').ariaSort") == "descending"
    page.click("#more")
    assert len(cells(page, title)) == 9 + N_MANY + 2 + len(unplaced(page))


def unplaced(page: Browser) -> list[str]:
    return [text for text in cells(page, "dot") if not text.isdigit()]


def test_the_table_filters_by_words_texts_and_numbers(page: Browser) -> None:
    go(page, "dots")
    everything = shown(page)
    page.write("#filter", "lit and device-A")
    assert shown(page).startswith("7 of ")
    page.write("#filter", "device-A and not lit and pl_photons_s >= 1700")
    assert sorted(cells(page, "dot"))[:2] == ["8", "9"]
    page.write("#filter", "g2 < 0.1")
    values = cells(page, "EL g2(0)") + cells(page, "PL g2(0)")
    assert any(text != NOTHING for text in values)
    assert 0 < len(cells(page, "dot")) < 6
    page.write("#filter", 'el_peak_nm = 629 or "f <')
    assert "expected a column" in page.evaluate(
        "document.getElementById('filter-trouble').textContent"
    )
    page.write("#filter", "no_such_column > 3")
    assert "no column" in page.evaluate("document.getElementById('filter-trouble').textContent")
    page.write("#filter", "")
    assert shown(page) == everything


def test_a_row_opens_its_dot_with_all_that_was_measured(page: Browser) -> None:
    go(page, "dots")
    page.write("#filter", "measured and device-A")
    page.click("#dot-table tbody tr td:nth-child(4)")
    page.wait("document.getElementById('dot').offsetHeight")
    assert page.evaluate("document.getElementById('dot-title').textContent") == "dot 1"
    assert page.evaluate("[...document.querySelectorAll('.strip image')].length") == 3
    headings = page.evaluate("[...document.querySelectorAll('.chart h2')].map(e => e.textContent)")
    assert headings == [
        "Intensity against voltage",
        "Counts against voltage",
        *(["Antibunching"] * (len(VOLTAGES) + 1)),
        *(["Spectrum"] * 2),
        "Bands against voltage",
        "Intensity trace",
        "Decay",
        "Rate fit",
    ]
    answers = page.evaluate("[...document.querySelectorAll('.answer')].map(e => e.textContent)")
    assert "peak 629.00 ± 0.11 nm, FWHM 25.9 nm" in answers
    assert "lifetime 20.0 ns" in answers
    marks = page.evaluate(
        "[...document.querySelectorAll('.chart svg')]"
        ".map(e => e.querySelectorAll('g path, g circle').length)"
    )
    assert len(marks) == len(headings)
    assert min(marks) >= 1
    assert "NaN" not in page.evaluate("document.getElementById('dot-body').innerHTML")
    assert "undetermined" in page.evaluate("document.querySelector('.chart table').textContent")


def test_pictures_of_a_dot_show_what_the_images_hold(page: Browser) -> None:
    page.evaluate("location.hash = '#dot-1'")
    page.wait("document.querySelector('.strip image')")
    shades = page.evaluate(
        """(async () => {
          const picture = new Image();
          picture.src = document.querySelector('.strip image').getAttribute('href');
          await picture.decode();
          const canvas = document.createElement('canvas');
          canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
          const context = canvas.getContext('2d');
          context.drawImage(picture, 0, 0);
          const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
          const green = Array.from({length: data.length / 4}, (_, k) => data[4 * k + 1]);
          return [canvas.width, new Set(green).size];
        })()"""
    )
    assert shades[0] == 17
    assert shades[1] > 20


def test_keys_lead_from_dot_to_dot_in_the_order_of_the_table(page: Browser) -> None:
    go(page, "dots")
    page.write("#filter", "device-B")
    page.evaluate("document.querySelector('#dot-table tbody tr:nth-child(2) a').focus()")
    page.press("ArrowDown")
    page.press("Enter")
    page.wait("document.getElementById('dot-title').textContent === 'dot 3'")
    page.press("ArrowRight")
    page.wait("document.getElementById('dot-title').textContent === 'dot 4'")
    assert page.evaluate("document.getElementById('dot-rank').textContent") == f"4 of {N_MANY}"
    page.press("ArrowLeft")
    page.wait("document.getElementById('dot-title').textContent === 'dot 3'")


def test_names_stay_names(page: Browser) -> None:
    go(page, "device-3")
    assert EVIL in page.evaluate("document.querySelector('#device-3 h1').textContent")
    go(page, "dots")
    page.write("#filter", "onerror")
    page.click("#dot-table tbody tr td:nth-child(4)")
    page.wait("document.getElementById('dot-place').textContent.includes('onerror')")


@pytest.mark.parametrize("width", [400, 800])
def test_nothing_sticks_out_of_narrow_windows(browser: Browser, report: Path, width: int) -> None:
    for anchor in ("#overview", "#device-1", "#dots", "#dot-1"):
        browser.open(report, anchor, size=(width, 900))
        wide = browser.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{anchor} is {wide} px wide"
    assert browser.complaints == []
