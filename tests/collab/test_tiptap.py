"""Questions about versions, as TiptapCollabProvider's bytes have them."""

import json

import pytest

from collab.errors import ProtocolError
from collab.tiptap import CONFIG, LIST, CreateVersion, PreviewVersion, Revert, listed, read


def test_what_the_provider_asks():
    """As `createVersion`, `previewVersion` and `revertToVersion` say it."""
    assert read('{"action":"version.create"}') == CreateVersion("")
    assert read('{"action":"version.create","name":"Draft"}') == CreateVersion("Draft")
    assert read('{"action":"version.preview","version":3}') == PreviewVersion(3)
    assert read('{"action":"document.revert","version":3}') == Revert(3, "", "")


def test_what_its_extension_asks():
    """A name for what is there before, and for what is there after; or none."""
    asked = {"action": "document.revert", "version": "3", "fields": ["default"]}
    assert read(json.dumps(asked)) == Revert(3, "", "")
    asked |= {"currentVersionName": "Before", "newVersionName": False}
    assert read(json.dumps(asked)) == Revert(3, "Before", None)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "null", "[]", "7", '{"action"', "[" * 70_000, "{}", '{"action":"version.delete"}',
     '{"action":["version.create"]}', '{"action":"version.create","name":7}',
     '{"action":"version.preview"}', '{"action":"version.preview","version":-1}',
     '{"action":"version.preview","version":true}', '{"action":"version.preview","version":1.5}',
     '{"action":"version.preview","version":"٣"}', '{"action":"document.revert","version":1e999}',
     '{"action":"document.revert","version":9007199254740992}',
     '{"action":"document.revert","version":1,"newVersionName":true}'],
    ids=range(19),
)  # fmt: skip
def test_what_is_none_of_it(text):
    """Malformed, unknown, or a number that no version has."""
    with pytest.raises(ProtocolError):
        read(text)


def test_what_is_listed_without_a_name():
    """By whomever: what is no version is passed over."""
    wrong = [{"version": 1.5, "date": 1}, {"version": 0, "date": 1}, {"version": 3}, "x", None, [],
             {"version": float("nan"), "date": 1}, {"version": 3, "date": float("inf")},
             {"version": 4, "date": 1, "name": "Four"}, {"version": "3", "date": 1}]  # fmt: skip
    roots = {LIST: [*wrong, {"version": 3.0, "date": 5.0}], CONFIG: {"autoVersioning": 1.0}}
    assert listed(roots) == (True, [(3, 5.0)])
    assert listed({LIST: "text", CONFIG: []}) == listed({}) == (False, [])
