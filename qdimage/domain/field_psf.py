"""The image of a point in one channel, and how it is known."""

from dataclasses import dataclass
from typing import Literal

PsfSource = Literal["given", "expected", "other channel", "width", "profile"]


@dataclass(frozen=True)
class FieldPsf:
    """A round image of a point: Gaussians and the even derivatives of one of them.

    The density is ``sum_n core[n] (s^2 del^2)^n G_s + sum_k wing_shares[k] G_(wing_sigmas_px[k])``
    with s the core's width and G_s a normal density. Sums of this kind are integrated over pixels,
    moved and blurred without approximation, and reach from a plain Gaussian (one term) to the
    rings and wings of an Airy pattern or a defocused spot.

    Attributes
    ----------
    sigma_px, sigma_err_px : float
        Standard deviation of the Gaussian that fits it best; its error is NaN if not measured.
    core_sigma_px : float
    core : tuple of float
        The first is the light of the core.
    wing_sigmas_px, wing_shares : tuple of float
    source : str
        "given" by an option; "expected" of the optics or assumed; of the "other channel"; "width":
        a Gaussian whose width was measured on the field; "profile": measured on the field.
    n_dots : int
        Dots that it was measured on.
    """

    sigma_px: float
    core_sigma_px: float
    core: tuple[float, ...] = (1.0,)
    wing_sigmas_px: tuple[float, ...] = ()
    wing_shares: tuple[float, ...] = ()
    source: PsfSource = "expected"
    sigma_err_px: float = float("nan")
    n_dots: int = 0

    @property
    def is_gaussian(self) -> bool:
        """Whether it is one Gaussian."""
        return len(self.core) == 1 and not self.wing_shares

    def scaled(self, factor: float) -> "FieldPsf":
        """Return it in pixels that are smaller by a factor, as another binning gives."""
        return FieldPsf(
            factor * self.sigma_px,
            factor * self.core_sigma_px,
            self.core,
            tuple(factor * each for each in self.wing_sigmas_px),
            self.wing_shares,
            self.source,
            factor * self.sigma_err_px,
            self.n_dots,
        )


def gaussian_psf(
    sigma_px: float,
    source: PsfSource = "expected",
    *,
    sigma_err_px: float = float("nan"),
    n_dots: int = 0,
) -> FieldPsf:
    """Return a Gaussian image of a point."""
    return FieldPsf(sigma_px, sigma_px, source=source, sigma_err_px=sigma_err_px, n_dots=n_dots)
