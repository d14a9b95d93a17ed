"""What the front can refuse a request for, and the table of all codes that the documents show."""

from __future__ import annotations

from collections.abc import Iterable

from model.codes import Code, Codes, CommonCode
from model.engines.registry import ENGINES, request_class
from model.request import MAX_FOLDER_FILES, Request


class FrontCode(Code):
    BAD_JSON = "bad_json", 400, "the body is not a JSON object"
    BAD_FORM = (
        "bad_form",
        400,
        "the body is no form, or has more than 100 files or 100 other fields, or a file of a kind not taken",
    )
    BAD_GZIP = "bad_gzip", 400, "the body is not the gzip that its `Content-Encoding` says, or ends early"
    UNAUTHORIZED = "unauthorized", 401, "`API_TOKEN` or `API_TOKENS` is set, and the request carries no such token"
    NO_SUCH_ROUTE = "no_such_route", 404, "no such path, or (405) not with this method"
    NO_SUCH_JOB = (
        "no_such_job",
        404,
        "no job of this id runs here or has ended within `JOB_TTL_S`; or it was deleted",
    )
    NO_SUCH_GARMENT = "no_such_garment", 404, "the catalogue has no garment of this name or number"
    ID_IN_USE = "id_in_use", 409, "the id belongs to another request"
    TOO_LARGE = "too_large", 413, "the body or a picture has too many bytes"
    TOO_MANY_PIXELS = "too_many_pixels", 413, "a picture has too many pixels"
    INLINE_TOO_LARGE = "inline_too_large", 413, "the result is too large for an answer: name a prefix or use jpeg"
    UNSUPPORTED_MEDIA = "unsupported_media", 415, "the body's media type, or its `Content-Encoding`"
    UNSUPPORTED_PICTURE = "unsupported_picture", 415, "not a JPEG, PNG, WebP or HEIC"
    BAD_BASE64 = "bad_base64", 422, "a picture is neither a URI we read nor base64"
    BAD_URL = "bad_url", 422, "a picture's URI is of no kind that we read"
    FILE_NOT_ALLOWED = "file_not_allowed", 422, "a `file://` URI, and `ALLOW_FILE_URIS` is not set"
    HOST_NOT_ALLOWED = "host_not_allowed", 422, "a host that is not public, or not in `ALLOWED_HOSTS`"
    INPUT_NOT_ALLOWED = "input_not_allowed", 422, "an input that is not under `INPUT_ALLOW`"
    NO_SAVED_PEOPLE = "no_saved_people", 422, "a `saved:` person, and `SAVED_PEOPLE` is not set"
    OUTPUT_NOT_ALLOWED = (
        "output_not_allowed",
        422,
        "a prefix that is not under `OUTPUT_PREFIX` or `OUTPUT_ALLOW`, or can be no folder",
    )
    TOO_MUCH_WORK = (
        "too_much_work",
        422,
        "it would take longer than its deadline even alone; `detail` says what would fit. Not to be repeated as it is",
    )
    NO_WEBHOOKS = "no_webhooks", 422, "a `webhook`, and `WEBHOOK_SECRET` is not set"
    TOO_MANY_INPUTS = "too_many_inputs", 422, f"more than {MAX_FOLDER_FILES} pictures under a prefix"
    BAD_ACCEPT = "bad_accept", 422, "`Accept` allows nothing that is made here"
    INPUT_UNAVAILABLE = "input_unavailable", 424, "an input could not be fetched"
    RATE_LIMITED = "rate_limited", 429, "more than `RATE_LIMIT` from one token or address"
    OVERLOADED = (
        "overloaded",
        429,
        "it would not end before its deadline, or the queue is full; `retry_after_s` says when to come back",
    )
    WORKER_LOST = "worker_lost", 500, "a worker died twice over this job"
    NOT_STORED = (
        "not_stored",
        502,
        "computed and kept; storage does not take it yet, and `detail` says why. Ask again with the same id. "
        "Without AWS credentials (network isolation) nothing is computed: ask for `output.inline`",
    )
    NOT_READY = "not_ready", 503, "starting"
    DRAINING = "draining", 503, "shutting down"
    DEADLINE = "deadline", 504, "the deadline has passed"


def codes_of(request: type[Request]) -> dict[str, Code]:
    """Every code that a worker may report of such a request, by its name."""
    kinds: Codes = (CommonCode, *request.codes)
    return {code.value: code for kind in kinds for code in kind}


def table() -> str:
    """All codes that are sent, as the table in Markdown that `docs/answers-and-errors.md` holds."""
    sent: Iterable[Code] = [
        *FrontCode,
        *CommonCode,
        *(code for engine in ENGINES for code in codes_of(request_class(engine)).values()),
    ]
    rows = {f"| {code.status} | `{code.value}` | {code.when} |": code.status for code in sent}
    return "\n".join(["| status | code | when |", "| --- | --- | --- |", *sorted(rows, key=lambda row: rows[row])])


if __name__ == "__main__":
    print(table())  # noqa: T201
