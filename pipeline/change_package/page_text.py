"""The words of a built page as a reader sees them, one block a line: what is compared of two built pages, whose markup holds much that nobody reads.

Source: traceability reference 7 (what changed for the reader of a file).
"""

from __future__ import annotations

from html.parser import HTMLParser

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "dd",
        "desc",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    }
)
_UNREAD = frozenset({"head", "nav", "script", "style", "template", "footer"})


class _Reader(HTMLParser):
    """Gathers the words of the article of a page, of its body where it has none, and of its first heading."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.article: list[str] = []
        self.heading = ""
        self._unread = 0
        self._articles = 0
        self._first = 0
        self._heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line with a block; a picture is read by its words."""
        if tag in _UNREAD:
            self._unread += 1
        if tag == "article":
            self._articles += 1
            self.lines.append("")
            self._first = len(self.lines) - 1
        if tag == "h1" and not self.heading:
            self._heading = True
        if tag in _BLOCKS:
            self.lines.append("")
        if tag == "img" and not self._unread:
            self.handle_data(f" [picture: {dict(attrs).get('alt') or 'no words'}] ")

    def handle_endtag(self, tag: str) -> None:
        """End a line with a block."""
        if tag in _UNREAD:
            self._unread = max(self._unread - 1, 0)
        if tag == "h1":
            self._heading = False
        if tag in _BLOCKS:
            self.lines.append("")
        if tag == "article" and self._articles == 1:
            self.article = self.lines[self._first :]
        if tag == "article":
            self._articles -= 1

    def handle_data(self, data: str) -> None:
        """Take the words of what is read."""
        if not self._unread:
            self.lines[-1] += data
            if self._heading:
                self.heading += data


def words_of(page: str) -> str:
    r"""Return the words of a page, one block a line.

    >>> words_of("<body><nav>Menu</nav><h1>Use</h1><p>For <b>adults</b>\n only.</p></body>")
    'Use\nFor adults only.\n'
    """
    reader = _read(page)
    lines = (" ".join(line.replace("\N{PILCROW SIGN}", "").split()) for line in reader.article or reader.lines)
    return "".join(f"{line}\n" for line in lines if line)


def heading_of(page: str) -> str:
    """Return the first heading of a page.

    >>> heading_of("<h1>Intended use</h1><h1>Other</h1>")
    'Intended use'
    """
    return " ".join(_read(page).heading.replace("\N{PILCROW SIGN}", "").replace("#", "").split())


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader
