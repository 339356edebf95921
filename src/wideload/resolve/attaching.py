"""The attached layers of a function: as they are recorded, else as AWS describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.resolve.attached import client, fetch_layer, kept_layer, read_layer
from wideload.resolve.layer_fit import check_fit
from wideload.resolve.layers_lock import LAYERS_LOCK, Locked, differences, read_lock, write_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.resolve.http import Http
    from wideload.values.attached import AttachedLayer, LayerSource
    from wideload.values.target import Target

_LATEST = ":latest"


def attached_layers(
    asked: Sequence[str],
    target: Target,
    root: Path,
    source: Callable[[], LayerSource],
    cache: Cache,
    *,
    upgrade: bool = False,
    compare: bool = False,
    in_use: Collection[str] = (),
    http: Http | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[AttachedLayer, ...]:
    """What the layers hold that a function names, in its order.

    A layer that is recorded is taken as it is recorded, and nobody is asked.

    :param asked: ARNs of layer versions, ``latest`` for the number leaving it open.
    :param root: folder of the configuration, beside which the record lies.
    :param source: asked for when it is needed.
    :param upgrade: ask for all of them anew.
    :param compare: hold the recorded ones to what AWS has now, where it can be asked.
    :param in_use: what other functions of the project ask for; records of other layers go
        when the file is written.
    :param http: see `client`; counts what is fetched.
    :raises WideloadError: a layer cannot be had, is for another target, or is not what was
        recorded.
    """
    path = root / LAYERS_LOCK
    recorded = read_lock(path)
    http = http or client()
    # What `latest` was found to be may be asked for by its number later.
    by_arn = {one.layer.arn: one for one in recorded.values()}
    asked_anew: dict[str, Locked] = {}
    layers: list[AttachedLayer] = []
    for arn in asked:
        before = recorded.get(arn) or by_arn.get(arn)
        if before is None or upgrade:
            before = asked_anew[arn] = _asked_for(arn, before, source(), http, cache, tell)
        elif compare:
            _compare(before.layer, source, http, cache, tell)
        check_fit(before.layer, target)
        layers.append(before.layer)
    kept = {
        arn: one for arn, one in (recorded | asked_anew).items() if arn in in_use or arn in asked
    }
    if asked_anew and write_lock(path, kept.values()):
        tell(f"what the layers hold is in {path.name}; commit it")
    return tuple(layers)


def layer_zip(
    layer: AttachedLayer,
    source: Callable[[], LayerSource],
    cache: Cache,
    advance: Callable[[int], object] = lambda _: None,
) -> Path:
    """The whole zip of a layer, to run a function with it.

    :raises WideloadError: it was not fetched before and cannot be now, or it changed.
    """
    kept = kept_layer(layer.sha256, cache)
    if kept:
        return kept
    published = source().describe(layer.arn)
    if published.sha256 != layer.sha256:
        raise _changed(layer, read_layer(published, client(), cache))
    return fetch_layer(published, client(), cache, advance)


def _asked_for(
    asked: str,
    before: Locked | None,
    source: LayerSource,
    http: Http,
    cache: Cache,
    tell: Callable[[str], None],
) -> Locked:
    is_latest = asked.endswith(_LATEST)
    arn = source.latest(asked.removesuffix(_LATEST)) if is_latest else asked
    published = source.describe(arn)
    if before and (before.layer.arn, before.layer.sha256) == (arn, published.sha256):
        said = (tuple(sorted(published.runtimes)), tuple(sorted(published.architectures)))
        layer = msgspec.structs.replace(before.layer, runtimes=said[0], architectures=said[1])
        return Locked(asked, layer)
    layer = read_layer(published, http, cache)
    if before:
        moved = f" is now {arn}" if before.layer.arn != arn else " changed"
        tell(f"layer {before.layer.arn}{moved}: {'; '.join(differences(before.layer, layer))}")
    return Locked(asked, layer)


def _compare(
    recorded: AttachedLayer,
    source: Callable[[], LayerSource],
    http: Http,
    cache: Cache,
    tell: Callable[[str], None],
) -> None:
    try:
        published = source().describe(recorded.arn)
    except WideloadError as error:
        tell(
            f"note: {error.what} ({error.why}), so it is taken to be what {LAYERS_LOCK} says it is"
        )
        return
    if published.sha256 != recorded.sha256:
        raise _changed(recorded, read_layer(published, http, cache))


def _changed(recorded: AttachedLayer, now: AttachedLayer) -> WideloadError:
    return WideloadError(
        f"layer {recorded.arn} is not what {LAYERS_LOCK} says",
        why="; ".join(differences(recorded, now)),
        hint="if the change is wanted, take it with --upgrade and commit the file",
    )
