"""What pages of allowed origins may read (CORS), and that nobody else may."""

import pytest
from tornado.web import Application

from collab.web import routes

OURS = "https://app.example.com"
PATHS = (
    "/api/status", "/client/quire-editor.js", "/client/quire-versions.js", "/static/css/tokens.css",
)  # fmt: skip


@pytest.fixture
def app(hub):
    return Application(routes(hub, origins=[OURS]))


@pytest.fixture
def get(http_client, http_server, base_url):
    async def get(path, origin=OURS, method="GET", **headers):
        headers = {"Origin": origin, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await http_client.fetch(
            base_url + path, headers=headers, method=method, raise_error=False
        )

    return get


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.gen_test
async def test_an_allowed_page_reads(get, path):
    """By its exact origin, without credentials, and no cache mixes it with another's."""
    answer = await get(path)
    assert answer.code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in (await get(path, "https://evil.example")).headers


@pytest.mark.gen_test
async def test_errors_can_be_read_too(get):
    """Or nobody could be told what was wrong."""
    answer = await get("/api/documents/none")
    assert answer.code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == OURS


@pytest.mark.gen_test
async def test_a_browser_asks_first(get):
    """With a token in a header it has to; the answer is for allowed pages alone."""
    asked = {"Access_Control_Request_Method": "GET"}
    answer = await get("/api/documents/notes", method="OPTIONS", **asked)
    assert answer.code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    answer = await get("/api/documents/notes", "https://evil.example", "OPTIONS", **asked)
    assert answer.code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert (await get("/api/documents/notes", method="OPTIONS")).code == 405


@pytest.mark.gen_test
async def test_the_page_itself_is_nobody_elses(get):
    """Only files are shared: no page of ours in a frame, none to be read."""
    assert "Access-Control-Allow-Origin" not in (await get("/")).headers
