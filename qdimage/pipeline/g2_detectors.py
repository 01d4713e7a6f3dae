"""What a time-tag file tells beside its dip: long delays, each detector's own pairs, its rate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photon_flags import PhotonFlag
from qdimage.domain.photons import PhotonStream
from qdimage.io.time_tags import open_photons
from qdimage.photons.artefacts import AFTERPULSE_SIGMAS, DetectorFaults, detector_faults
from qdimage.photons.artefacts_drift import counts_in_slices, drifts
from qdimage.photons.correlate import Ticks, correlate_between, log_edges

_SHORTEST_NS, _LONGEST_NS, _BINS_PER_DECADE = 1.0, 1e6, 8
# Of the duration, beyond which pairs are too few to tell anything.
_LONGEST_SHARE = 0.05
# A recorder stops a little after the last photon; its clock and the header agree to less.
_DURATION_TOLERANCE, _LEAST_PHOTONS = 0.02, 1000


@dataclass(frozen=True)
class DetectorLook:
    """Two detectors of a file.

    Attributes
    ----------
    long_curve : G2Curve
        Of both, by the size of the delay from the dip's centre, in growing bins to 1 ms.
    faults : (DetectorFaults, DetectorFaults)
    flags : frozenset of PhotonFlag
    """

    long_curve: G2Curve
    faults: tuple[DetectorFaults, DetectorFaults]
    flags: frozenset[PhotonFlag]


def look_at_detectors(
    path: Path, curve: G2Curve, detectors: tuple[int, int], delay_ns: float
) -> DetectorLook | None:
    """Read a file again for what its dip does not tell; None where it is too short.

    Parameters
    ----------
    path : pathlib.Path
    curve : G2Curve
        Of its dip.
    detectors : (int, int)
    delay_ns : float
        Of the second detector.
    """
    stream = open_photons(path)
    longest_ns = min(_LONGEST_NS, _LONGEST_SHARE * curve.duration_s * 1e9)
    shortest = max(round(_SHORTEST_NS * 1e-9 / stream.tick_s), 1)
    longest = round(longest_ns * 1e-9 / stream.tick_s)
    if longest <= 100 * shortest or min(curve.counts_1, curve.counts_2) == 0:
        return None
    edges = log_edges(shortest, longest, bins_per_decade=_BINS_PER_DECADE)
    both = _both_sides(stream, edges, detectors, round(delay_ns * 1e-9 / stream.tick_s))
    own = [
        correlate_between(stream, edges_ticks=edges, first=each, second=each) for each in detectors
    ]
    faults = detector_faults(own[0], both), detector_faults(own[1], both)
    flags = set()
    if any(each.dead_time_ns > 0 for each in faults):
        flags.add(PhotonFlag.DEAD_TIME)
    if any(each.afterpulse_sigmas > AFTERPULSE_SIGMAS for each in faults):
        flags.add(PhotonFlag.AFTERPULSING)
    if drifts(counts_in_slices(stream, curve.duration_s, detectors)):
        flags.add(PhotonFlag.RATE_DRIFT)
    if _contradicts_header(stream, curve):
        flags.add(PhotonFlag.HEADER_MISMATCH)
    return DetectorLook(both, faults, frozenset(flags))


def _both_sides(
    stream: PhotonStream, edges: Ticks, detectors: tuple[int, int], delay_ticks: int
) -> G2Curve:
    """Sum the two signs of the delay from the dip's centre."""
    around = delay_ticks + np.concatenate([-edges[::-1], edges])
    curve = correlate_between(stream, edges_ticks=around, first=detectors[0], second=detectors[1])
    n = len(edges) - 1
    return G2Curve(
        np.asarray(edges * (stream.tick_s * 1e9), np.float64),
        curve.counts[:n][::-1] + curve.counts[n + 1 :],
        curve.accidentals[:n][::-1] + curve.accidentals[n + 1 :],
        curve.duration_s,
        curve.counts_1,
        curve.counts_2,
    )


def _contradicts_header(stream: PhotonStream, curve: G2Curve) -> bool:
    said = stream.header.get("duration_s")
    if not isinstance(said, float) or curve.counts_1 + curve.counts_2 < _LEAST_PHOTONS:
        return False
    return abs(curve.duration_s - said) > _DURATION_TOLERANCE * said
