"""How the command writes its log. Libraries only log; nothing but `quire` calls this.

To stderr, a line a record: for a human on a terminal, else JSON for whoever collects it. What
follows a question mark in a URL may be a token, and Tornado puts whole URLs into its messages, so
it is cut out of every record of Tornado's here, once for all.
"""

import json
import logging
import re
import sys
import time

from tornado.web import RequestHandler

from collab.web.connections import visit_of
from collab.web.proxies import client_address

# A token, also where it has no business to be: whoever puts one into a path has it in our log.
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_QUERY = re.compile(r"\?[^\s'\")]*")

logger = logging.getLogger("web")


def set_up(form: str) -> None:
    """Write the log in the given form: "human", "json", or "auto": by what stderr is."""
    human = form == "human" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(Human() if human else JSONLines())
    handler.addFilter(_without_query)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("collab", "storage", "web"):
        logging.getLogger(name).setLevel(logging.INFO)


def log_request(handler: RequestHandler) -> None:
    """Tornado's `log_function`: a line for what went wrong, without the query string.

    The errors of ours (500) have been logged with their cause when this is called, and so has the
    limit of connections when one was too many.
    """
    status = handler.get_status()
    visit = visit_of(handler.request)
    if status >= 400 and not (visit and visit.over):
        request = handler.request
        level = logging.WARNING if status >= 500 else logging.INFO
        address = client_address(request)
        logger.log(level, "%d %s %s %s", status, address, request.method, request.path)


def _without_query(record: logging.LogRecord) -> bool:
    if record.name.startswith("tornado"):
        if str(record.msg).startswith("SSL Error on"):  # whoever speaks no TLS, as scanners do
            record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = _QUERY.sub("?...", record.getMessage()), None
    return True


class Human(logging.Formatter):
    """12:34:56 WARNING web: what happened."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return _TOKEN.sub("...", super().format(record))


class JSONLines(logging.Formatter):
    """One JSON object: time (UTC), level, logger, message, and error for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _TOKEN.sub("...", json.dumps(line, ensure_ascii=False))
