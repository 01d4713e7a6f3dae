"""Files that a user did not name are read in their own folder, and written in the output alone."""

from pathlib import Path

import pytest
import stack_files
from finished_run import Field, make_run
from folders import link

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io import open_stack
from qdimage.io.camera_file import read_camera_file
from qdimage.io.experiment_file import find_experiments, read_experiment
from qdimage.io.inside import leads_out
from qdimage.pipeline.check import check_inputs
from qdimage.pipeline.comparison import plan_comparison
from qdimage.pipeline.output import owned
from qdimage.pipeline.run import plan_run
from qdimage.reporting.build import build_report

OTHERS = "not_yours = 1"
CURATION = '{"curation": 1, "entries": [{"x_px": 1.0, "y_px": 2.0, "action": "accepted"}]}'


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder that nobody named."""
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """The folder that is named, with a field in it."""
    field = tmp_path / "named" / "field"
    field.mkdir(parents=True)
    (field / "experiment.toml").write_text("contract = 1\n", encoding="utf-8")
    return field.parent


def planned(folder: Path, *, allow_outside: bool = False) -> str:
    """What could not be read of a folder."""
    plan = plan_run([folder], overrides={}, assignments=(), allow_outside=allow_outside)
    return " ".join(plan.unreadable.values())


def test_an_experiment_that_is_a_link_out_of_the_folder_is_not_read(
    named: Path, mine: Path
) -> None:
    (mine / "other.toml").write_text(OTHERS, encoding="utf-8")
    (named / "b").mkdir()
    link(named / "b" / "experiment.toml", mine / "other.toml")
    said = planned(named)
    assert "link out of its folder" in said
    assert "--allow-outside" in said
    assert "not_yours" not in said
    # The field beside it is analysed all the same.
    plan = plan_run([named], overrides={}, assignments=(), allow_outside=False)
    assert [experiment.name for experiment, _ in plan.fields] == ["field"]
    assert "not_yours" in planned(named, allow_outside=True)
    (finding,) = (
        each for each in check_inputs([named], allow_outside=False).findings if "b/" in each.message
    )
    assert finding.severity == "error"


def test_a_folder_that_is_a_link_is_searched_only_where_it_is_named(
    named: Path, mine: Path
) -> None:
    (mine / "experiment.toml").write_text("contract = 1\n", encoding="utf-8")
    link(named / "a", mine)
    assert find_experiments([named]) == [named / "field" / "experiment.toml"]
    assert find_experiments([named / "a"]) == [named / "a" / "experiment.toml"]
    assert read_experiment(named / "a" / "experiment.toml").name == "a"


def test_decisions_behind_a_link_are_not_read(named: Path, mine: Path) -> None:
    (mine / "c.json").write_text(CURATION, encoding="utf-8")
    path = named / "field" / "experiment.toml"
    link(path.with_name("curation.json"), mine / "c.json")
    with pytest.raises(ConfigurationError, match=r"curation\.json: this is a link out"):
        read_experiment(path)
    assert len(read_experiment(path, allow_outside=True).curation.entries) == 1
    path.with_name("curation.json").unlink()
    (named / "field" / "sub").mkdir()
    (named / "field" / "sub" / "c.json").write_text(CURATION, encoding="utf-8")
    link(path.with_name("curation.json"), Path("sub/c.json"))
    assert len(read_experiment(path).curation.entries) == 1


def test_expectations_behind_a_link_are_not_read(named: Path, mine: Path) -> None:
    (mine / "e.toml").write_text(OTHERS, encoding="utf-8")
    link(named / "expectations.toml", mine / "e.toml")
    with pytest.raises(ConfigurationError, match="link out of its folder"):
        plan_comparison([named])
    with pytest.raises(ConfigurationError, match="not_yours"):
        plan_comparison([named], allow_outside=True)


def test_a_bias_map_behind_a_link_is_not_read(named: Path, mine: Path) -> None:
    (mine / "map.tif").write_bytes(b"")
    camera = named / "camera.toml"
    camera.write_text('bias_map = "bias.tif"\n', encoding="utf-8")
    link(named / "bias.tif", mine / "map.tif")
    with pytest.raises(ConfigurationError, match=r"'bias\.tif' is a link out"):
        read_camera_file(camera)


@pytest.mark.parametrize("name", ["../mine/{}", "..\\mine\\{}", "{mine}/{}", "{}"])
def test_the_other_file_of_a_set_lies_beside_the_first(name: str, named: Path, mine: Path) -> None:
    frames = stack_files.frames_of()
    first, second = stack_files.write_ome_files(named, frames)
    second.replace(mine / "secret.tif")
    stated = name.replace("{mine}", str(mine)).format("secret.tif")
    data = "".join(
        f'<TiffData FirstT="{t}" IFD="{t % 3}" PlaneCount="1">'
        f'<UUID FileName="{"set_1.ome.tif" if t < 3 else stated}">urn:uuid:{t // 3}</UUID>'
        "</TiffData>"
        for t in range(6)
    )
    described = stack_files.ome_xml(data, size_t=6, root='UUID="urn:uuid:0"')
    stack_files.write_pages(first, frames[:3], described)
    with pytest.raises(FormatError, match=r"'secret\.tif' of this set is missing"):
        open_stack(first)
    link(named / "secret.tif", mine / "secret.tif")
    with pytest.raises(FormatError, match=r"'secret\.tif' of this set is a link out"):
        open_stack(first)


def test_what_a_user_names_may_be_a_link(named: Path, mine: Path) -> None:
    stack_files.write_pages(mine / "a.tif", stack_files.frames_of())
    link(named / "b.tif", mine / "a.tif")
    with open_stack(named / "b.tif") as stack:
        assert stack.shape[0] == stack_files.N_FRAMES


def test_the_report_is_not_drawn_through_a_link(tmp_path: Path, mine: Path) -> None:
    out = make_run(tmp_path / "out", (Field(),))
    (mine / "mine.png").write_bytes(b"mine")
    link(out / "figures", mine)
    link(out / "report.html", mine / "mine.png")
    build_report(out)
    assert [path.name for path in mine.iterdir()] == ["mine.png"]
    assert (mine / "mine.png").read_bytes() == b"mine"
    assert list((out / "figures").glob("*.png"))


def test_the_lock_is_not_taken_through_a_link(tmp_path: Path, mine: Path) -> None:
    (mine / "precious").write_text("mine", encoding="utf-8")
    (tmp_path / "out").mkdir()
    link(tmp_path / "out" / "qdimage.lock", mine / "precious")
    with owned(tmp_path / "out"):
        pass
    assert (mine / "precious").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "out"),
    [("a", False), ("a/../b", False), ("a/../../b", True), ("C:a", True), ("\\\\x\\y\\z", True)],
)
def test_names_are_judged_by_where_they_lead(name: str, out: bool, tmp_path: Path) -> None:
    assert leads_out(tmp_path, name) == out
