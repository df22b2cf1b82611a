package modelward.gate_scope_test

import data.modelward.fixtures

scoped(changes) := fixtures.said(object.union({"use_case": {"influences": ["access"]}, "expires": "2026-12-31"}, changes))

test_influence_on_access_needs_a_runtime_scope if {
	"scope-missing" in fixtures.codes(data.modelward.gate.deny) with input as scoped({})
	"scope-missing" in fixtures.codes(data.modelward.gate.deny) with input as scoped({"scope": {"environments": [], "namespaces": [], "hosts": []}})
	not "scope-missing" in fixtures.codes(data.modelward.gate.deny) with input as scoped({"scope": {"hosts": ["db1"]}})
}

test_it_may_run_on_its_last_day_and_not_after if {
	count(data.modelward.gate.deny) == 0 with input as fixtures.said({"expires": "2026-06-01"})
	fixtures.codes(data.modelward.gate.deny) == {"expired"} with input as fixtures.said({"expires": "2026-05-31"})
}

test_a_date_that_cannot_be_read_has_passed if {
	fixtures.codes(data.modelward.gate.deny) == {"expired"} with input as fixtures.said({"expires": "9999"})
}

test_even_an_experiment_ends if {
	ended := object.union(fixtures.said({"expires": "2026-05-31"}), {"context": {"stage": "experiment"}})
	fixtures.codes(data.modelward.gate.hold) == {"expired"} with input as ended
}
