from benchmarks.raters import measure


def test_raters_at_once_lose_no_answer_and_cost_little() -> None:
    measured = measure(raters=6, answers=5, pause=0.1)
    assert measured.kept == measured.sent == 30
    assert measured.cpu_ms_per_answer <= 40
