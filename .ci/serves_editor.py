"""Starts `serve` as it is found on the Python path, and looks whether a browser would get the editor.

python .ci/serves_editor.py DATA
"""

import re
import subprocess
import sys
import urllib.request


def main(data: str) -> None:
    """Raise where something is missing."""
    command = [sys.executable, "-m", "noisewright", "serve", "--port", "0", "--workers", "0", "--data", data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            page = fetched(f"{address}/start").decode()
            parts = re.findall(r'(?:src|href)="(/[^"]+)"', page)
            assert any(part.endswith(".js") for part in parts), page
            for part in parts:
                assert fetched(address + part)
        finally:
            server.terminate()
    sys.stdout.write(f"The page and its {len(parts)} parts are served.\n")


def fetched(address: str) -> bytes:
    """What a browser gets. Raises HTTPError from 400 on."""
    request = urllib.request.Request(address, headers={"Accept": "text/html,*/*"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


if __name__ == "__main__":
    main(sys.argv[1])
