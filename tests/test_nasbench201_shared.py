"""What benchmarks/nasbench201_shared.py makes of a search that has ended."""

import importlib
import json
import types


def test_alarms_are_gathered_from_all_rounds(benchmarks_import_each_other, tmp_path):
    shared = importlib.import_module("nasbench201_shared")
    rounds = {"0": {}, "1": {"entropy": "low"}, "2": {"parameter_free": "many", "entropy": "low"}}
    for trial_id, alarms in rounds.items():
        (tmp_path / trial_id).mkdir()
        (tmp_path / trial_id / "round.json").write_text(json.dumps({"alarms": alarms}))
    # The last one failed, and has no record.
    tuner = types.SimpleNamespace(
        oracle=types.SimpleNamespace(end_order=[*rounds, "3"]),
        get_trial_dir=lambda trial_id: str(tmp_path / trial_id),
    )
    assert shared.alarms(tuner) == ["entropy", "parameter_free"]
