"""The page at /: people try the model in a browser.

It is one file, page.html, the same for every model: its script builds the form from `GET /model`,
and sends its requests to the service that the page came from, under any prefix. A browser lets it
run that script and style alone, and send to nowhere else (W3C, "Content Security Policy Level 3").
"""

import hashlib
from base64 import b64encode
from pathlib import Path

FILE = Path(__file__).with_name("page.html")


def read_page() -> tuple[str, dict[str, str]]:
    """The page, and the headers of its answer."""
    page = FILE.read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash_part(page, 'script')}; "
        f"style-src {_hash_part(page, 'style')}; img-src data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}


def _hash_part(page: str, name: str) -> str:
    """The policy's source for the page's one element of a name: the hash of its content."""
    _, _, rest = page.partition(f"<{name}>")
    part, _, _ = rest.partition(f"</{name}>")
    return f"'sha256-{b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
