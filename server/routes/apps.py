"""Published workflows: `/v1/apps/…`."""

from server.api import Routes

routes = Routes("apps")
