"""The napari plugin of qdimage."""
