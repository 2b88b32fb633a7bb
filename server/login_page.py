"""The page on which a browser shows its token: one form, no script, nothing loaded."""

import base64
import hashlib
from html import escape

from aiohttp import web

from graph.document import NAME

STYLE = """
:root { color-scheme: light dark; --back: #f6f5f3; --card: #fff; --text: #1c1b1a; --soft: #6d6a66; --line: #dcd9d5;
  --accent: #4f46e5; --on-accent: #fff; --bad: #b42318 }
@media (prefers-color-scheme: dark) { :root { --back: #141416; --card: #1d1d20; --text: #eeedeb; --soft: #a09d98;
  --line: #37363a; --accent: #8f8bff; --on-accent: #141416; --bad: #ff9a8f } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 22rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; letter-spacing: -.01em }
p { margin: 0 0 1.25rem; color: var(--soft); font-size: .9375rem }
p[role=alert] { color: var(--bad) }
label { display: block; margin-bottom: .375rem; font-size: .875rem; font-weight: 600 }
input, button { width: 100%; padding: .625rem .75rem; border-radius: .5rem; font: inherit }
input { border: 1px solid var(--line); background: var(--back); color: inherit }
button { margin-top: 1rem; border: 0; background: var(--accent); color: var(--on-accent); font-weight: 600;
  cursor: pointer }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">{refresh}
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{name}</h1>
{said}
<form method="post" action="{action}">
<input type="hidden" name="next" value="{goal}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
</main>
</body>
</html>
"""

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)


def login_page(
    base_path: str, *, goal: str = "", wrong: str = "", again: bool = False, status: int = 401
) -> web.Response:
    """The page. goal: the address on this server to go to afterwards; "": the first page. wrong: why the last token was
    not taken.

    again: load once more at once. After a link on another site a browser holds its cookie back; a page that loads
    itself anew gets it sent.
    """
    said = (
        f'<p role="alert">{escape(wrong)}</p>' if wrong else "<p>The server's token was shown where it was started.</p>"
    )
    refresh = '\n<meta http-equiv="refresh" content="0">' if again else ""
    text = PAGE.format(
        name=NAME.capitalize(),
        style=STYLE,
        refresh=refresh,
        said=said,
        action=escape(f"{base_path}/v1/login"),
        goal=escape(goal),
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
