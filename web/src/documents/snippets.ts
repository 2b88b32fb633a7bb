/** Requests for a run, as programs that can be pasted. */

/** What is to be run: a saved workflow by its name, or the text of a document. */
export type Request = { readonly name: string } | { readonly workflow: string };

/** url: of the route that takes runs. */
export function curl(url: string, request: Request): string {
  return [
    `curl ${url} \\`,
    `  -H 'Content-Type: application/json' -H 'Prefer: wait=60' \\`,
    `  --data-binary @- <<'JSON'`,
    body(request),
    "JSON",
    "",
  ].join("\n");
}

export function python(url: string, request: Request): string {
  return [
    "import json",
    "import urllib.request",
    "",
    `body = r'''${body(request).replaceAll("'''", "'' '")}'''`,
    "",
    `request = urllib.request.Request(${JSON.stringify(url)}, body.encode(), {`,
    `    "Content-Type": "application/json",`,
    `    "Prefer": "wait=60",`,
    "})",
    "with urllib.request.urlopen(request) as answer:",
    "    run = json.load(answer)",
    `for file in run["files"]:`,
    `    print(file["url"])`,
    "",
  ].join("\n");
}

function body(request: Request): string {
  return "name" in request
    ? JSON.stringify({ name: request.name }, null, 2)
    : `{"workflow": ${request.workflow.trim()}}`;
}
