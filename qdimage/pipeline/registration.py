"""The EL channels of one field on its PL reference: each on its own, else through a sibling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qdimage.domain.experiment import ChannelTable
from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.pipeline.frames import NominalMap, nominal_map, overlap_fraction
from qdimage.registration.align import align
from qdimage.registration.given import check_transform, transforms_from_pins
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import are_same_localizations
from qdimage.registration.sibling import align_by_sibling


@dataclass(frozen=True)
class Found:
    """Dots of one channel and the (height, width) of its frame."""

    dots: Localizations
    shape: tuple[int, int]


@dataclass(frozen=True)
class Registered:
    """A registration, the channel that helped to it, and how much of the field is shown.

    Attributes
    ----------
    registration : Registration
        Channel px to field px.
    shared_from : str
        Name of the channel whose transform was the start; "" for none.
    overlap_fraction : float
        Share of the field that the channel shows.
    note : str
        What a person should look at; "" for nothing.
    """

    registration: Registration
    shared_from: str
    overlap_fraction: float
    note: str = ""


Answers = dict[str, Registration | Refusal]


def register_channels(
    channels: Mapping[str, tuple[ChannelTable, Found]],
    reference: tuple[ChannelTable, Found],
    *,
    options: RegisterOptions,
) -> dict[str, Registered | Refusal]:
    """Register the channels of one field.

    Parameters
    ----------
    channels : mapping of str to (ChannelTable, Found)
        EL channels whose stacks could be measured, by name.
    reference : (ChannelTable, Found)
        The PL reference.
    options : RegisterOptions

    Returns
    -------
    dict
        Every channel's registration, or the reason why it has none.
    """
    declared, fixed = reference
    maps = {name: nominal_map(channel, declared) for name, (channel, _) in channels.items()}
    moving = {
        name: Found(maps[name].dots(found.dots), maps[name].shape(found.shape))
        for name, (_, found) in channels.items()
    }
    own: Answers = {
        name: _on_its_own(channel, maps[name], moving[name], fixed, options)
        for name, (channel, _) in channels.items()
    }
    result: dict[str, Registered | Refusal] = {}
    for name, (channel, found) in channels.items():
        answer, sibling = own[name], ""
        if isinstance(answer, Refusal) and not _is_given(channel):
            answer, sibling = _through_sibling(name, channels, own, moving, fixed, options)
        if isinstance(answer, Registration):
            transform = maps[name].then(answer.transform)
            share = overlap_fraction(transform, found.shape, fixed.shape)
            note = _note(name, channels, fixed)
            result[name] = Registered(replace(answer, transform=transform), sibling, share, note)
        else:
            result[name] = Refusal(answer.reason + _hint(channel, found, reference))
    return result


def _note(name: str, channels: Mapping[str, tuple[ChannelTable, Found]], fixed: Found) -> str:
    """Say whether another stack of the field shows the very same dots, noise included."""
    dots = channels[name][1].dots
    others = {"the reference": fixed.dots} | {
        key: found.dots for key, (_, found) in channels.items() if key != name
    }
    same = [key for key, other in others.items() if are_same_localizations(dots, other)]
    if not same:
        return ""
    return (
        f"the dots here are those of {' and '.join(same)} to a part of their own errors, as in one "
        "stack that was given twice; check the files"
    )


def _hint(channel: ChannelTable, found: Found, reference: tuple[ChannelTable, Found]) -> str:
    """Point to binning that the sizes of the frames suggest and nobody declared."""
    declared, fixed = reference
    if channel.binning != declared.binning:
        return ""
    ratios = {round(a / b, 2) for a, b in zip(fixed.shape, found.shape, strict=True) if b > 0}
    for binning in (2, 3, 4):
        if ratios == {float(binning)}:
            return (
                f"; the frame has 1/{binning} of the reference's width and height: if it is "
                f"binned, say binning = {binning} for the channel"
            )
    return ""


def _is_given(channel: ChannelTable) -> bool:
    return channel.transform is not None or bool(channel.pins)


def _on_its_own(
    channel: ChannelTable,
    nominal: NominalMap,
    moving: Found,
    fixed: Found,
    options: RegisterOptions,
) -> Registration | Refusal:
    shapes = {"moving_shape": moving.shape, "fixed_shape": fixed.shape}
    if not _is_given(channel):
        return align(moving.dots, fixed.dots, **shapes, options=options)
    if channel.transform is not None:
        given = [nominal.before(Transform.from_matrix(np.array(channel.transform)))]
    else:
        pins = np.array(channel.pins)
        pins[:, :2] = nominal.points(pins[:, :2])
        given = transforms_from_pins(pins, moving_shape=moving.shape, options=options)
    tested = [
        check_transform(moving.dots, fixed.dots, each, **shapes, options=options) for each in given
    ]
    return next((each for each in tested if isinstance(each, Registration)), tested[0])


def _through_sibling(
    name: str,
    channels: Mapping[str, tuple[ChannelTable, Found]],
    own: Answers,
    moving: Mapping[str, Found],
    fixed: Found,
    options: RegisterOptions,
) -> tuple[Registration | Refusal, str]:
    """Register one channel through that sibling which passed and is closest in voltage."""
    passed = {key: each for key, each in own.items() if isinstance(each, Registration)}
    if not passed:
        return own[name], ""
    voltage = {key: channel.voltage_v or 0.0 for key, (channel, _) in channels.items()}
    sibling = min(passed, key=lambda key: (abs(voltage[key] - voltage[name]), key))
    known = [each.transform.apply(moving[key].dots.positions) for key, each in passed.items()]
    answer = align_by_sibling(
        moving[name].dots,
        fixed.dots,
        passed[sibling],
        known=np.vstack(known),
        moving_shape=moving[name].shape,
        fixed_shape=fixed.shape,
        options=options,
    )
    return answer, sibling
