"""How far each field is, from the reports of a run."""

from napari_qdimage.batch_progress import BatchProgress


def texts(progress: BatchProgress) -> list[str]:
    return [each.text for each in progress.fields]


def test_one_process_goes_through_the_fields_in_order() -> None:
    progress = BatchProgress([("a", 2), ("b", 3)], workers=1)
    assert texts(progress) == ["waiting", "waiting"]
    progress.update("a, PL", 1)
    assert texts(progress) == ["1 of 2", "waiting"]
    progress.update("b, EL", 4)
    assert texts(progress) == ["analysed", "2 of 3"]
    progress.update("b, EL 2", 5)
    assert texts(progress) == ["analysed", "analysed"]


def test_several_processes_finish_fields_in_any_order() -> None:
    progress = BatchProgress([("a", 2), ("b", 3), ("a", 4)], workers=2)
    progress.update("b", 3)
    assert texts(progress) == ["waiting", "analysed", "waiting"]
    progress.update("a", 5)
    progress.update("a", 9)
    assert texts(progress) == ["analysed"] * 3


def test_more_workers_than_fields_is_one_process_for_one_field() -> None:
    progress = BatchProgress([("a", 2)], workers=8)
    progress.update("a, PL", 1)
    assert texts(progress) == ["1 of 2"]
