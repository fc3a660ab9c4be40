"""SynthScope's server: `streamlit run app.py`. What people see begins in pages/navigation.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit.starlette import App

from pages.data import uploads
from pages.shared import warm


@asynccontextmanager
async def ready(_: App) -> AsyncIterator[None]:
    """Pay for heavy imports once, before the first visitor."""
    warm.up()
    yield


# the script is inside pages/, because Streamlit takes a folder pages/ beside a script for a list of pages of its own
# and tells the first visitor of a deep link, a rater for example, that the page was not found
app = App("pages/navigation.py", lifespan=ready, routes=uploads.ROUTES)
