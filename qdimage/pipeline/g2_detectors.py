"""What a time-tag file tells beside its dip: long delays, each detector's own pairs, its rate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photon_flags import PhotonFlag
from qdimage.domain.photons import PhotonStream
from qdimage.io.time_tags import open_photons
from qdimage.photons.arrivals import arrivals
from qdimage.photons.artefacts import AFTERPULSE_SIGMAS, DetectorFaults, detector_faults
from qdimage.photons.artefacts_drift import counts_in_slices, drifts
from qdimage.photons.correlate import Ticks, correlate, correlate_sampled, log_edges

_SHORTEST_NS, _LONGEST_NS, _BINS_PER_DECADE = 100.0, 1e6, 5
# Photons that look for pairs at long delays: more would make no plateau better than its error.
_MOST_LOOKING = 1_000_000
# Equal bins in which a detector's own pairs are compared with those of both.
_FINE_NS, _FINE_REACH_NS = 1.0, 2000.0
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
        Of both, by the size of the delay from the dip's centre, in growing bins up to 1 ms; of a
        long file its pairs are those of a share of the photons.
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
    both = _both_sides(
        stream,
        edges,
        detectors,
        round(delay_ns * 1e-9 / stream.tick_s),
        every=max((curve.counts_1 + curve.counts_2) // _MOST_LOOKING, 1),
    )
    faults = faults_of(stream, detectors, delay_ns)
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


def faults_of(
    stream: PhotonStream, detectors: tuple[int, int], delay_ns: float
) -> tuple[DetectorFaults, DetectorFaults]:
    """Return what the two detectors of a stream show beyond its light."""
    width = max(round(_FINE_NS * 1e-9 / stream.tick_s), 1)
    n_bins = round(_FINE_REACH_NS * 1e-9 / stream.tick_s / width)
    pairs = (detectors, (detectors[0],) * 2, (detectors[1],) * 2)
    both, *own = (
        correlate(stream, bin_ticks=width, n_bins=n_bins, first=first, second=second)
        for first, second in pairs
    )
    centre = n_bins + round(delay_ns * 1e-9 / stream.tick_s / width)
    reach = min(centre, 2 * n_bins - centre)
    if reach <= n_bins / 2:
        unknown = DetectorFaults(float("nan"), 0.0, 0.0)
        return unknown, unknown
    around = _folded(both, centre, reach)
    first, second = (detector_faults(_folded(each, n_bins, reach), around) for each in own)
    return first, second


def _folded(curve: G2Curve, centre: int, reach: int) -> G2Curve:
    """Sum the bins at equal distances on both sides of an edge."""
    both = slice(centre, centre + reach), slice(centre - reach, centre)
    return G2Curve(
        curve.edges_ns[centre : centre + reach + 1] - curve.edges_ns[centre],
        curve.counts[both[0]] + curve.counts[both[1]][::-1],
        curve.accidentals[both[0]] + curve.accidentals[both[1]][::-1],
        curve.duration_s,
        curve.counts_1,
        curve.counts_2,
    )


def _both_sides(
    stream: PhotonStream,
    edges: Ticks,
    detectors: tuple[int, int],
    delay_ticks: int,
    *,
    every: int,
) -> G2Curve:
    """Sum the two signs of the delay from the dip's centre."""
    around = delay_ticks + np.concatenate([-edges[::-1], edges])
    first, second = detectors
    curve = correlate_sampled(stream, edges_ticks=around, every=every, first=first, second=second)
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
    # An emitter may be off at first: its measurement began at the time zero.
    began_s = int(next(arrivals(stream, gap=1)).time[0]) * stream.tick_s
    off_s = min(abs(began + curve.duration_s - said) for began in (0.0, began_s))
    return off_s > _DURATION_TOLERANCE * said
