"""SynthScope's server: `streamlit run app.py`. What people see begins in pages/navigation.py."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.middleware import Middleware
from streamlit import config
from streamlit.starlette import App

from pages.data import uploads
from pages.rate import entering
from pages.shared import guard, warm

address = config.get_option("server.address") or ""
if not guard.is_loopback(address) and not os.environ.get(guard.PASSWORD):
    print(guard.open_to_all(address), file=sys.stderr, flush=True)
    raise SystemExit(2)
# named here, or Streamlit asks a site outside for the address of this machine to compare an origin with
config.set_option("server.corsAllowedOrigins", [f"https://{name}" for name in guard.named_hosts()])
os.umask(0o077)  # what the server and its workers write is for the user alone


@asynccontextmanager
async def ready(_: App) -> AsyncIterator[None]:
    """Pay for heavy imports once, before the first visitor."""
    warm.up()
    yield


# the script is inside pages/, because Streamlit takes a folder pages/ beside a script for a list of pages of its own
# and tells the first visitor of a deep link, a rater for example, that the page was not found
app = App(
    "pages/navigation.py",
    lifespan=ready,
    routes=[*uploads.ROUTES, *entering.ROUTES],
    middleware=[Middleware(guard.Guard)],
)
