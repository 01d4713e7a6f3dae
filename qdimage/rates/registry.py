"""The rate models that have a name."""

from collections.abc import Callable

from qdimage.rates.declared import DeclaredModel
from qdimage.rates.el import declare_el
from qdimage.rates.pl import declare_pl
from qdimage.rates.pl_charged import declare_pl_charged

MODELS: dict[str, Callable[[], DeclaredModel]] = {
    "pl": declare_pl,
    "pl-charged": declare_pl_charged,
    "el": declare_el,
}
