package modelward.gate_findings_test

import data.modelward.fixtures

at(stage, severity, confidence) := object.union(fixtures.found(severity, confidence), {"context": {"stage": stage}})

test_high_denies_at_every_stage if {
	every stage in ["experiment", "candidate", "production"] {
		fixtures.codes(data.modelward.gate.deny) == {"container-lies"} with input as at(stage, "high", "high")
	}
}

test_medium_warns_in_an_experiment_and_holds_in_production if {
	fixtures.codes(data.modelward.gate.warn) == {"container-lies"} with input as at("experiment", "medium", "high")
	fixtures.codes(data.modelward.gate.hold) == {"container-lies"} with input as at("production", "medium", "high")
}

test_what_is_not_sure_weighs_one_step_less if {
	fixtures.codes(data.modelward.gate.hold) == {"container-lies"} with input as at("production", "high", "low")
	count(data.modelward.gate.deny) == 0 with input as at("production", "high", "low")
}

test_low_and_info_do_not_stand_in_the_way if {
	every severity in ["low", "info"] {
		count(data.modelward.gate.hold) == 0 with input as at("production", severity, "high")
		count(data.modelward.gate.deny) == 0 with input as at("production", severity, "high")
	}
}

test_a_finding_keeps_its_words if {
	denied := data.modelward.gate.deny with input as at("production", "high", "high")
	some reason in denied
	reason.fix == "rebuild it"
	reason.frameworks == ["CWE-436"]
	reason.locations == [{"path": "a.zip"}]
}
