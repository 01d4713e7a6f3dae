"""Every table that a run writes, in the order in which the documentation shows them."""

from qdimage.domain.photon_tables import PHOTON_TABLES
from qdimage.domain.tables import IMAGE_TABLES

RUN_TABLES = (*IMAGE_TABLES, *PHOTON_TABLES)
