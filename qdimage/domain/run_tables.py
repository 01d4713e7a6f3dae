"""Every table that a run writes, in the order in which the documentation shows them."""

from qdimage.domain.comparison_table import COMPARISON
from qdimage.domain.iv_tables import IV_TABLES
from qdimage.domain.light_tables import LIGHT_TABLES
from qdimage.domain.photon_tables import PHOTON_TABLES
from qdimage.domain.tables import IMAGE_TABLES

RUN_TABLES = (*IMAGE_TABLES, *PHOTON_TABLES, *LIGHT_TABLES, *IV_TABLES, COMPARISON)
