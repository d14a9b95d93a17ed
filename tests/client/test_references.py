"""Files of this machine as a request names them."""

from __future__ import annotations

from pathlib import Path

from client.references import reference


def test_an_address_is_left_for_the_server_to_fetch(tmp_path: Path) -> None:
    assert reference("s3://bucket/me.jpg") == "s3://bucket/me.jpg"
    assert reference("https://example.org/me.jpg") == "https://example.org/me.jpg"
    (tmp_path / "me.jpg").write_bytes(b"abc")
    assert reference(str(tmp_path / "me.jpg")) == "data:image/jpeg;base64,YWJj"
