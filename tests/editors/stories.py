"""What every editor has to stand with every client. A story is told in a cell, with a document of
its own; `STORIES` are all of them by their names, those of `KEYED` need a server with users.
"""

import asyncio
from collections.abc import Awaitable, Callable

from .people import Cell, Person, equals, until

SOON = 5.0  # seconds until somebody who has left is gone for the others
PASTED = "\n".join(f"{number:03} {'lorem ipsum ' * 17}"[:199] for number in range(100)) + "."

Story = Callable[[Cell], Awaitable[None]]
STORIES: dict[str, Story] = {}
KEYED = ("read-only", "bad token")
FORMATS = "formats"


def story(name: str) -> Callable[[Story], Story]:
    """Names one."""

    def keep(tell: Story) -> Story:
        STORIES[name] = tell
        return tell

    return keep


async def pair(cell: Cell, text: str = "top\nend") -> tuple[Person, Person]:
    """Two people, and what the first one has typed. Ben comes then: two people who begin a document
    at the same moment begin it twice, with most of the bindings."""
    (ada,) = await cell.meet("Ada")
    await ada.go()
    await ada.type(text)
    await cell.all_say(text)
    (ben,) = await cell.meet("Ben")
    await cell.all_say(text)
    return ada, ben


@story("typing at once")
async def typing_at_once(cell: Cell) -> None:
    """Each in a line of their own, at the same time."""
    ada, ben = await pair(cell)
    await ada.press("Control+Home", "End")
    await ben.go("Control+End")
    await asyncio.gather(ada.type(" Ada types up here"), ben.type(" and Ben down there"))
    await cell.all_say("top Ada types up here\nend and Ben down there")


@story("same spot")
async def same_spot(cell: Cell) -> None:
    """Both carets stand between the same two letters."""
    ada, ben = await pair(cell, "<>")
    await ada.press("Control+Home", "ArrowRight")
    await ben.go("Control+Home", "ArrowRight")
    await asyncio.gather(ada.type("0123456789"), ben.type("abcdefghij"))
    await until("all keys are on the page", lambda: shows(ada, 22))
    text = await ada.see("text")
    await cell.all_say(text)
    assert text[0] + text[-1] == "<>", text
    assert "".join(filter(str.isdigit, text)) == "0123456789", text
    assert "".join(filter(str.isalpha, text)) == "abcdefghij", text


async def shows(person: Person, count: int) -> bool:
    """Whether there are so many characters, also those of the other."""
    return len(await person.see("text")) == count


@story(FORMATS)
async def formats(cell: Cell) -> None:
    """Bold by the keyboard, while typing and of what is there; others and late ones see it."""
    ada, ben = await pair(cell, "one")
    await ada.type(" ")
    await ada.press("Control+b")
    await ada.type("two")
    await ada.press("Control+b")
    await ada.type(" three")
    await cell.all_say("one two three")
    await bold(ben, "two")
    await ben.go("Control+Home", *["Shift+ArrowRight"] * 3)
    await asyncio.gather(ben.press("Control+b"), ada.type(", four"))
    await cell.meet("Cleo")
    await cell.all_say("one two three, four")
    for person in cell.people:
        await bold(person, "one", "two")


async def bold(person: Person, *words: str) -> None:
    """Returns when just these are bold."""
    await equals(f"what {person.name} sees bold", list(words), lambda: person.see("bold"))


@story("offline and back")
async def offline_and_back(cell: Cell) -> None:
    """Somebody's cable is cut; both type on; it is mended."""
    ada, ben = await pair(cell)
    ada.link.cut()
    await ada.press("Control+Home", "End")
    await ada.type(" offline")
    await ada.says("top offline\nend")
    await ben.go("Control+End")
    await ben.type(" online")
    await ben.says("top\nend online")
    ada.link.mend()
    await cell.all_say("top offline\nend online")
    await ada.type(" again")
    await ben.type(" too")
    await cell.all_say("top offline again\nend online too")


@story("frozen link")
async def frozen_link(cell: Cell) -> None:
    """Nothing comes through for a while; later once more, and then the connection is lost."""
    ada, ben = await pair(cell)
    await ada.press("Control+Home", "End")
    await ben.go("Control+End")
    ada.link.freeze()
    await asyncio.gather(ada.type(" ice"), ben.type(" sun"))
    await ben.says("top\nend sun")
    ada.link.thaw()
    await cell.all_say("top ice\nend sun")
    ada.link.freeze()
    await asyncio.gather(ada.type(" cold"), ben.type(" warm"))
    await ben.says("top ice\nend sun warm")
    ada.link.cut()
    ada.link.mend()
    await cell.all_say("top ice cold\nend sun warm")


@story("late joiner")
async def late_joiner(cell: Cell) -> None:
    """Has everything at once, and types along."""
    ada, _ = await pair(cell)
    (cleo,) = await cell.meet("Cleo")
    await cell.all_say("top\nend")
    await cleo.go("Control+Home", "End")
    await asyncio.gather(cleo.type(" late"), ada.type(" early"))
    await cell.all_say("top late\nend early")


@story("three at once")
async def three_at_once(cell: Cell) -> None:
    """Three lines, three people."""
    ada, ben = await pair(cell, "one\ntwo\nthree")
    (cleo,) = await cell.meet("Cleo")
    await ada.press("Control+Home", "End")
    await ben.go("Control+Home", "ArrowDown", "End")
    await cleo.go("Control+End")
    await asyncio.gather(ada.type(" Ada" * 5), ben.type(" Ben" * 5), cleo.type(" Cleo" * 5))
    await cell.all_say("\n".join(["one" + " Ada" * 5, "two" + " Ben" * 5, "three" + " Cleo" * 5]))


@story("paste")
async def paste(cell: Cell) -> None:
    """20,000 characters, a hundred lines, while the other types."""
    ada, ben = await pair(cell, "top")
    await ada.press("Enter")
    await ben.go("Control+Home", "End")
    async with cell.clipboard:
        await asyncio.gather(ada.paste(PASTED), ben.type(" of it"))
    await cell.all_say(f"top of it\n{PASTED}")


@story("leave")
async def leave(cell: Cell) -> None:
    """Each sees the other, by name and caret; who closes the page is gone soon."""
    ada, ben = await pair(cell)
    await equals("who is with Ben", ["Ada"], lambda: ben.see("others"))
    await ben.go("Control+End")
    await ben.type(".")
    await equals("who is with Ada", ["Ben"], lambda: ada.see("others"))
    if await ada.see("carets") is not None:
        await equals("carets that Ada sees", 1, lambda: ada.see("carets"))
    cell.people.remove(ben)
    cell.idle.append(await ben.leave())
    await equals("who is with Ada", [], lambda: ada.see("others"), SOON)
    if await ada.see("carets") is not None:
        await equals("carets that Ada sees", 0, lambda: ada.see("carets"), SOON)
    await cell.all_say("top\nend.")


@story("isolation")
async def isolation(cell: Cell) -> None:
    """Another document hears nothing of this one, neither text nor presence."""
    ada, ben = await pair(cell)
    other = f"{cell.name}-other"
    (cleo,) = await cell.meet("Cleo", document=other)
    await cleo.go()
    await asyncio.gather(ada.type(" here"), cleo.type("there"))
    await cleo.says("there")
    (dan,) = await cell.meet("Dan", document=other)
    await dan.says("there")
    for person in (ada, ben):
        await person.says("top\nend here")
    await equals("who is with Ada", ["Ben"], lambda: ada.see("others"))
    await equals("who is with Cleo", ["Dan"], lambda: cleo.see("others"))
    await equals("what the server has", "there", lambda: cell.content(other))
    await equals("what the server has", "top\nend here", cell.content)


@story("read-only")
async def read_only(cell: Cell) -> None:
    """Who may only read sees what others write; what they type stays with them."""
    ada, ben = await pair(cell, "to read")
    (rex,) = await cell.meet("Rex", level="read")
    await cell.all_say("to read")
    await ada.type(", more")
    await cell.all_say("to read, more")
    await rex.go("Control+Home")
    await rex.type("mine ")
    await until("Rex is told", lambda: told(rex))
    await ben.go("Control+End")
    await ben.type(", last")
    cell.people.remove(rex)
    await cell.all_say("to read, more, last")
    cell.idle.append(await rex.leave())


async def told(person: Person) -> bool:
    """Whether they can know that what they type is not taken: y-websocket says so in the console,
    Hocuspocus and y-sweet have changes that stay unsynced."""
    denied = any("Permission denied" in line for line in person.warnings)
    return denied or bool(await person.see("unsaved"))


@story("bad token")
async def bad_token(cell: Cell) -> None:
    """Sees nothing, is told so, and is not seen; what they type stays with them."""
    ada, ben = await pair(cell, "secret")
    eve = await cell.arrive("Eve", token="x" + cell.token("Eve", "write"))
    await until("Eve is told", lambda: refused(eve))
    if await eve.see("shown"):  # some show themselves only once they are synced
        await eve.go()
        await eve.type("evil")
        await eve.says("evil")
    await ben.go("Control+End")
    await ben.type("!")
    cell.people.remove(eve)
    await cell.all_say("secret!")
    await equals("who is with Ada", ["Ben"], lambda: ada.see("others"))
    cell.idle.append(await eve.leave())


async def refused(person: Person) -> bool:
    """Whether they can know that they are not let in: by a close code, or by a reason."""
    return any(heard == 4401 or isinstance(heard, str) for heard in await person.see("heard"))


@story("server killed")
async def server_killed(cell: Cell) -> None:
    """With -9, while people type; they type on, and it is started again."""
    ada, ben = await pair(cell)
    await ada.press("Control+Home", "End")
    await ben.go("Control+End")
    await asyncio.gather(ada.type(" before"), ben.type(" and"), asyncio.to_thread(cell.server.kill))
    await asyncio.gather(ada.type(" during"), ben.type(" meanwhile"))
    await asyncio.to_thread(cell.server.start)
    await cell.all_say("top before during\nend and meanwhile")
    await asyncio.gather(ada.type(" after"), ben.type(" then"))
    await cell.all_say("top before during after\nend and meanwhile then")
