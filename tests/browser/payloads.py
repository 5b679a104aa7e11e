"""Strings by which somebody tries to run a script in other people's browsers, and who writes them.

Each calls `pwn()`, which `watch` defines in every page; so does whatever asks with alert().
"""

import socket
from typing import Any

from playwright.sync_api import BrowserContext, Page
from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText

from collab import wire
from collab.reader import var_uints
from collab.wire import AwarenessUpdate, Message, Receipt, SyncStep1, SyncStep2, SyncUpdate
from tests.hostile import frame
from tests.live import PATIENCE, messages, var_bytes
from tests.stalled import HANDSHAKE

from .harness import Server

RLO, ZWSP, LS = "\u202e", "\u200b", "\u2028"

PAYLOADS = [
    "<script>pwn()</script>",
    "<ScRiPt>pwn()</sCrIpT>",
    "<script src=data:text/javascript,pwn()></script>",
    "<script type=module>pwn()</script>",
    "</title><script>pwn()</script>",
    "</textarea><script>pwn()</script>",
    "</style><script>pwn()</script>",
    "--><script>pwn()</script><!--",
    "]]><script>pwn()</script>",
    "<<script>pwn()//<</script>",
    "<script\x0c>pwn()</script>",
    "\"><script>pwn()</script>",
    "'-pwn()-'",
    '";pwn();//',
    "\\\";pwn();//",
    "`${pwn()}`",
    "${pwn()}",
    "{{constructor.constructor('pwn()')()}}",
    "{{$on.constructor('pwn()')()}}",
    "#{pwn()}",
    "<%= pwn() %>",
    "<img src=x onerror=pwn()>",
    "<img src=x onerror=&#112;wn()>",
    "<img/src=`x`onerror=pwn()>",
    "<image src=x onerror=pwn()>",
    "<img src=x:x onerror=alert(1)>",
    '"onmouseover="pwn()" x="',
    "' autofocus onfocus=pwn() x='",
    "<input autofocus onfocus=pwn()>",
    "<select autofocus onfocus=pwn()>",
    "<body onload=pwn()>",
    "<details open ontoggle=pwn()>",
    "<video><source onerror=pwn()></video>",
    "<audio src=x onerror=pwn()>",
    "<marquee onstart=pwn()>",
    "<div popover id=x onbeforetoggle=pwn()></div>",
    "<p style=animation-name:spin onanimationstart=pwn()>",
    "<svg onload=pwn()>",
    "<svg><script>pwn()</script></svg>",
    "<svg><animate onbegin=pwn() attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:pwn()><text y=20>x</text></a></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' onload='pwn()'/>#x\"/></svg>",
    "<math><mtext><table><mglyph><style><img src onerror=pwn()></style></mglyph></table></mtext>",
    "<math><maction actiontype=statusline xlink:href=javascript:pwn()>x</maction></math>",
    "<form><math><mtext></form><form><mglyph><svg><mtext><textarea><a title=\"</textarea>"
    "<img src onerror=pwn()>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=pwn()>\">",
    "<svg></p><style><a id=\"</style><img src=1 onerror=pwn()>\">",
    "<template><script>pwn()</script></template>",
    "<iframe src=javascript:pwn()></iframe>",
    "<iframe srcdoc='<script>parent.pwn()</script>'></iframe>",
    "<object data=javascript:pwn()></object>",
    "<embed src=javascript:pwn()>",
    "<a href=javascript:pwn()>x</a>",
    "<form action=javascript:pwn()><button>x</button></form>",
    "<button formaction=javascript:pwn()>x</button>",
    "<base href=javascript:pwn()//>",
    "<meta http-equiv=refresh content='0;url=javascript:pwn()'>",
    "<link rel=stylesheet href='data:text/css,*{background:url(javascript:pwn())}'>",
    "<style>@import 'javascript:pwn()';*{x:expression(pwn())}</style>",
    "<isindex type=image src=x onerror=pwn()>",
    "javascript:pwn()",
    " \x01javascript:pwn()",
    "java\tscript:pwn()",
    "JaVaScRiPt&colon;pwn()",
    "data:text/html,<script>opener.pwn()</script>",
    "data:text/html;base64,PHNjcmlwdD5vcGVuZXIucHduKCk8L3NjcmlwdD4=",
    "vbscript:pwn()",
    "view-source:javascript:pwn()",
    "[x](javascript:pwn())",
    "![x](x\"onerror=\"pwn())",
    "[x]: javascript:pwn()\n[x]",
    "<javascript:pwn()>",
    "```<script>pwn()</script>\n```\n<img src=x onerror=pwn()>",
    "red;background:url(javascript:pwn())",
    "#fff\"onload=\"pwn()",
    "expression(pwn())",
    f"{RLO}<script>pwn()</script>",
    f"<scr{ZWSP}ipt>pwn()</scr{ZWSP}ipt>",
    f"'{LS}pwn()//",
    "\uff1cscript\uff1epwn()\uff1c/script\uff1e",
    "__proto__",
    "constructor",
]  # fmt: skip

WATCH = """
    window.wounds = []
    window.pwn = () => { wounds.push('a script ran: ' + new Error().stack) }
    window.alert = window.confirm = window.prompt = pwn
    document.addEventListener('securitypolicyviolation', (event) =>
        wounds.push(`violation: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))
"""


def watch(context: BrowserContext) -> None:
    """Notices from now on what a payload does in any page of these."""
    context.add_init_script(WATCH)


def unharmed(page: Page) -> None:
    """Nothing has run, nothing had to be stopped by the policy, nothing leads to a script."""
    wounds = page.evaluate("window.wounds")
    assert not wounds, wounds
    dangerous = """[...document.querySelectorAll('*')].flatMap((element) =>
        [...element.attributes].filter(({ name, value }) =>
            /^on/i.test(name) || name === 'srcdoc' || (
                /^(href|src|action|formaction|data|xlink:href|poster|background)$/i.test(name) &&
                /^[\\0-\\x20]*(javascript|vbscript|data):/i.test(value.replace(/[\\t\\n\\r]/g, '')))
        ).map(({ name, value }) => `${element.tagName} ${name}=${value}`))"""
    found = page.evaluate(dangerous)
    assert not found, found
    strange = "script:not([src]), iframe, object, embed, base, form[action], svg script, style"
    found = page.locator(strange).evaluate_all("all => all.map((one) => one.outerHTML)")
    assert not found, found


class Intruder:
    """A client of its own making: it writes into documents what no editor of the page would."""

    def __init__(self, server: Server, name: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self.socket.sendall(HANDSHAKE.format(name=name).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        self.buffer = self.buffer.partition(b"\r\n\r\n")[2]
        self.doc: Doc[Any] = Doc()
        self.say(SyncStep1(b"\x00"))

    def say(self, message: Message) -> None:
        self.socket.sendall(frame(wire.encode(message)))

    def write(self) -> None:
        """What `doc` holds goes to the server; returns when it is on disk."""
        self.say(SyncStep2(self.doc.get_update()))
        self.say(SyncUpdate(self.doc.get_update()))
        self.say(Receipt(1))
        while Receipt(1) not in messages(self._frame()):
            pass

    def appear(self, states: list[str]) -> None:
        """As many people as there are states (JSON), with ids from 1,000 on."""
        update = var_uints(len(states))
        for client, state in enumerate(states, 1_000):
            update += var_uints(client, 1) + var_bytes(state.encode())
        self.say(AwarenessUpdate(update))

    def close(self) -> None:
        self.socket.close()

    def _frame(self) -> bytes:
        _, length = self._take(2)
        if length > 125:
            length = int.from_bytes(self._take(2 if length == 126 else 8))
        return self._take(length)

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            data = self.socket.recv(1 << 16)
            assert data, "an intruder was thrown out"
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken


def plain(doc: Doc[Any]) -> None:
    """Every payload on a line of its own."""
    doc["content"] = Text("\n\n".join(PAYLOADS))


# What the page's editor knows, and what it does not: then it shows a document as data.
KNOWN = ("paragraph", "heading", "codeBlock", "blockquote", "orderedList")
STRANGE = ("script", "iframe", "style", "svg", "object", "image", "embed", "base")
ATTRIBUTES = ("class", "style", "id", "src", "href", "onclick", "textAlign", "language", "level",
              "colwidth", "checked", "title", "type", "start")  # fmt: skip
MARKS = ("link", "bold", "highlight", "code")


def known(doc: Doc[Any]) -> None:
    """Every payload as text, as a link, as any attribute of marks, and of blocks of the page's."""
    doc["default"] = root = XmlFragment()
    for number, payload in enumerate(PAYLOADS):
        kind = KNOWN[number % len(KNOWN)]
        block = root.children.append(XmlElement(kind, dict.fromkeys(ATTRIBUTES, payload)))
        if kind == "orderedList":
            block = block.children.append(XmlElement("listItem", {"style": payload}))
        if kind in ("orderedList", "blockquote"):
            block = block.children.append(XmlElement("paragraph", {"onclick": payload}))
        words = block.children.append(XmlText("words "))
        if kind != "codeBlock":
            words.insert(0, payload, {"link": {"href": payload, "target": "x", "class": payload}})
            mark = MARKS[number % len(MARKS)]
            words.insert(0, "marked", {mark: {"href": payload, "style": payload, "color": payload}})


def strange(doc: Doc[Any]) -> None:
    """Every payload in blocks that only another editor can have."""
    doc["default"] = root = XmlFragment()
    for number, payload in enumerate(PAYLOADS[:40]):
        kind = STRANGE[number % len(STRANGE)]
        block = root.children.append(XmlElement(kind, dict.fromkeys(ATTRIBUTES, payload)))
        block.children.append(XmlText(payload))


WRITERS = {"rich": known, "strange": strange, "markdown": plain, "text": plain, "code": plain}
