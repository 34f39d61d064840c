from pathlib import Path

from demo_app.conformance.harness import written


def test_a_line_of_which_half_is_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert written(file) == []
    file.write_text('{"event": "begin"}\n{"event": "e')
    assert written(file) == [{"event": "begin"}]
    file.write_text('{"event": "begin"}\n{"event": "end"}\n')
    assert written(file) == [{"event": "begin"}, {"event": "end"}]
