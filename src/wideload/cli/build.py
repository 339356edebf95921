"""`wideload build`: artifacts and manifest, byte-identical wherever it is run."""

from __future__ import annotations

from pathlib import Path

import click

from wideload.cli import options
from wideload.errors import WideloadError


@click.command()
@options.functions
@options.everything
@options.jobs
@options.destination
@options.strategy
@click.option(
    "--image-archive",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Build it as a container image, and write that into this file as well, which docker, "
    "podman and skopeo load.",
)
@options.upgrade
@options.as_json
@options.session
def build(
    session: options.Session,
    functions: tuple[str, ...],
    everything: bool,
    jobs: int,
    destination: options.Destination,
    strategy: str | None,
    image_archive: Path | None,
    upgrade: bool,
    as_json: bool,
) -> None:
    """Write what is to be shipped, with a manifest that accounts for every byte."""
    if everything or len(functions) > 1:
        from wideload.cli.watching import watching
        from wideload.report.fleet import fleet_build_json, fleet_build_text

        if image_archive:
            raise WideloadError(
                "--image-archive is for one function",
                why="a file holds one image",
                hint="name one function",
            )
        with watching(session.console) as watcher:
            outcomes = options.open_fleet(
                session,
                functions,
                watcher,
                everything=everything,
                destination=destination,
                jobs=jobs,
                strategy=strategy,
                upgrade=upgrade,
            ).build()
        manifests = {
            name: one if isinstance(one, WideloadError) else (one.manifest, str(one.folder))
            for name, one in outcomes.items()
        }
        if as_json:
            session.console.json(fleet_build_json(manifests))
        else:
            session.console.draw(fleet_build_text(manifests))
        options.end_fleet(outcomes)
        return
    from wideload.report.build import build_json, build_text

    pipeline = session.pipeline(destination)
    read = pipeline.source(options.only(functions), session.folder)
    if image_archive:
        strategy = strategy or "image"
    built = pipeline.build(options.with_strategy(read, strategy), upgrade=upgrade)
    if image_archive:
        from wideload.imaging import write_image

        write_image(built, image_archive)
    if as_json:
        session.console.json(build_json(built.manifest, str(built.folder)))
    else:
        session.console.data(build_text(built.manifest, str(built.folder)))
