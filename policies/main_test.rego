package modelward.main_test

import data.modelward.fixtures

test_one_answer_holds_everything if {
	answer := data.modelward.main.answer with input as fixtures.found("high", "high")
	fixtures.codes(answer.gate.deny) == {"container-lies"}
	count(answer.core.deny) == 0
	answer.tiers.effective == "low"
	answer.facets.behaviour.state == "missing"
}

test_the_core_remains_when_the_gate_is_replaced if {
	answer := data.modelward.main.core_only with input as fixtures.found("critical", "high")
	fixtures.codes(answer.core.deny) == {"container-lies"}
	count(answer.gate.deny) == 0
}
