"""The shapes of what y-sweet's SDK sends and is answered, as `collab.web.schemas` has ours."""

from collab.web.schemas import choice, number, text, thing

LONGEST = 3650 * 24 * 3600  # seconds that a client token may count

ID = text("As y-sweet has them: letters, digits, - and _.", 255)
AUTHORIZATION = choice("What the token allows.", "full", "read-only") | {"default": "full"}
NOTHING = thing()
NEW = thing("docId", docId=ID)
AUTH = thing(
    *("authorization", "userId", "validForSeconds"),
    authorization=AUTHORIZATION,
    userId=text("Whose it is: printable characters.", 200, default=""),
    validForSeconds=number("How long it counts.", 1, LONGEST, default=3600),
)

CREATED = thing(docId=ID)
CLIENT_TOKEN = thing(
    "token",
    url=text("Where its socket connects, and the id once more."),
    baseUrl=text("Where `as-update` and `update` are."),
    docId=ID,
    token=text("What it shows there; none where nobody is asked for one."),
    authorization=AUTHORIZATION,
)
FINE = thing(
    "error",
    ok={"type": "boolean", "description": "Whether all is well."},
    error=text("What is not."),
)
