"""`web`: serve the page, live, to a browser on this computer.

`hipsync.report.web` is the site and guards it; `hipsync.cli.site` says what it shows, and what its buttons do.
"""

from __future__ import annotations

import time
from contextlib import closing

import click

from hipsync.cli.app import App
from hipsync.cli.exercise_page import OPENED_S, TYPED_S
from hipsync.cli.listening import listening_at
from hipsync.errors import ConfigError


@click.command("web")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Another one each time if you name none; safer so."
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def web_command(app: App, port: int, opened: bool) -> None:
    """Open the page: day, week, month, exercises, and a new band.

    It is served on this computer alone, until Ctrl-C.

    \b
    hipsync web
    hipsync web --open
    """
    try:
        import uvicorn

        from hipsync.cli.site import Site
        from hipsync.host.peer import is_strangers
        from hipsync.report.door import Door
        from hipsync.report.web import application
    except ImportError as error:
        from hipsync.host.installed import with_extra

        raise ConfigError(f"the page needs an extra ({error.name}): `{with_extra('web')}`") from error
    if (store := app.read_store()) is not None:
        store.close()
    app.config()
    with listening_at(port) as listening, closing(Site(app)) as shown:
        server = listening.getsockname()
        door = Door(time.monotonic)
        address = f"http://127.0.0.1:{server[1]}/?ticket="
        click.echo(
            f"Open {address}{door.ticket(TYPED_S)}\n"
            "It opens the page once, within 10 minutes, and is for you alone. Ctrl-C ends the page."
        )
        if opened:
            click.launch(f"{address}{door.ticket(OPENED_S)}")
        site = application(shown, server[1], door, lambda client: is_strangers(client, server), clears=port != 0)
        config = uvicorn.Config(
            site,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # else a stranger would say himself where he comes from
            timeout_graceful_shutdown=2,
            lifespan="off",
        )
        uvicorn.Server(config).run(sockets=[listening])
