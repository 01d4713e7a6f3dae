"""How far each field is, from the reports of a run."""

from napari_qdimage.batch_progress import BatchProgress


def texts(progress: BatchProgress) -> list[str]:
    return [each.text for each in progress.fields]


def test_reports_count_for_the_field_that_they_name_in_any_order() -> None:
    progress = BatchProgress([("a", 2), ("b", 3)])
    assert texts(progress) == ["waiting", "waiting"]
    progress.update("a, PL")
    progress.update("b, EL")
    assert texts(progress) == ["1 of 2", "1 of 3"]
    progress.update("a, EL")
    progress.update("b")
    progress.update("b")
    assert texts(progress) == ["analysed", "analysed"]


def test_fields_of_one_name_come_one_after_the_other() -> None:
    progress = BatchProgress([("a", 2), ("a", 1)])
    progress.update("a, PL")
    progress.update("a, EL")
    assert texts(progress) == ["analysed", "waiting"]
    progress.update("a, PL")
    progress.update("a, one too many")
    assert texts(progress) == ["analysed"] * 2


def test_the_longer_of_two_names_is_meant() -> None:
    progress = BatchProgress([("a", 1), ("a, b", 1)])
    progress.update("a, b, PL")
    assert texts(progress) == ["waiting", "analysed"]
