"""Drafts: unsaved states of documents, each owner's own. They outlive windows, machines and the server."""

from server.api import Answer, Caller, Routes
from server.core import Core
from server.drafts import Draft, DraftDetail, DraftInfo

routes = Routes("drafts")


class KeepDraft(Draft):
    """A draft to be kept. revision: of the draft whose place it takes; none: there is none of that id yet."""

    revision: str | None = None


@routes.get("/v1/drafts")
async def list_drafts(core: Core, who: Caller) -> list[DraftInfo]:
    """List the caller's drafts, the one changed last first."""
    return list(await core.drafts.list(who.owner))


@routes.get("/v1/drafts/{id}", refusals=(400,))
async def load_draft(core: Core, who: Caller, id: str) -> DraftDetail:
    """Load a draft."""
    return await core.drafts.load(who.owner, id)


@routes.put("/v1/drafts/{id}", scope="run", refusals=(400, 409, 507), also=(201,))
async def keep_draft(core: Core, who: Caller, id: str, body: KeepDraft) -> Answer[DraftInfo]:
    """Keep a draft, whole and at once. 201: it is new. Where another was kept meanwhile, nothing is: 409."""
    draft = Draft.model_validate(body.model_dump(exclude={"revision"}))
    info = await core.drafts.save(who.owner, id, draft, body.revision)
    return Answer(info, 200 if body.revision else 201)


@routes.delete("/v1/drafts/{id}", scope="run", refusals=(400,))
async def delete_draft(core: Core, who: Caller, id: str) -> None:
    """Let a draft go."""
    await core.drafts.delete(who.owner, id)
