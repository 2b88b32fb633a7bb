"""Every route of the native interface."""

from server.api import Route
from server.routes import (
    access,
    apps,
    catalogue,
    drafts,
    events,
    files,
    models,
    openapi,
    prompt,
    runs,
    settings,
    system,
    workflows,
)

ALL: tuple[Route, ...] = (
    *runs.routes,
    *events.routes,
    *files.routes,
    *workflows.routes,
    *drafts.routes,
    *prompt.routes,
    *apps.routes,
    *models.routes,
    *catalogue.routes,
    *system.routes,
    *settings.routes,
    *access.routes,
    *openapi.routes,
)
"""In the order in which the OpenAPI document has them."""
