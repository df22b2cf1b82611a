package modelward.gate_manifest_test

import data.modelward.fixtures

without := object.union(object.remove(fixtures.notes, ["manifest"]), {"manifest": null})

test_production_needs_a_manifest_and_says_how if {
	denied := data.modelward.gate.deny with input as without
	fixtures.codes(denied) == {"manifest-missing"}
	some reason in denied
	reason.fix == "modelward init ./notes"
}

test_an_experiment_may_register_late if {
	staged := object.union(without, {"context": {"stage": "experiment"}})
	count(data.modelward.gate.deny) == 0 with input as staged
	count(data.modelward.gate.hold) == 0 with input as staged
	"manifest-missing" in fixtures.codes(data.modelward.gate.warn) with input as staged
}

test_each_fault_of_a_manifest_is_a_reason_with_its_place if {
	faulty := object.union(without, {"context": {"manifest_errors": [
		{"code": "owner-missing", "message": "owner is missing", "at": {"path": "modelward.yaml", "line": 1, "column": 1}},
		{"code": "tier-unknown", "message": "tier \"medum\" is not known", "at": {"path": "modelward.yaml", "line": 7, "column": 9}},
	]}})
	denied := data.modelward.gate.deny with input as faulty
	fixtures.codes(denied) == {"owner-missing", "manifest-invalid"}
	some reason in denied
	reason.code == "manifest-invalid"
	reason.locations[0].line == 7
}

test_blank_fields_are_missing if {
	blank := {
		"owner-missing": {"owner": {"team": " "}},
		"version-missing": {"version": ""},
		"use-case-missing": {"use_case": {"id": ""}},
		"tags-missing": {"tags": {"domain": ""}},
	}
	every code, changes in blank {
		fixtures.codes(data.modelward.gate.deny) == {code} with input as fixtures.said(changes)
	}
}

test_an_intended_use_has_to_be_described if {
	fixtures.codes(data.modelward.gate.deny) == {"use-case-missing"} with input as fixtures.said({"use_case": {"intended_use": " "}})
}

test_a_tier_below_the_capabilities_is_refused if {
	low := fixtures.said({"tier": "low", "tags": {"exposure": "partner"}})
	denied := data.modelward.gate.deny with input as low
	"tier-too-low" in fixtures.codes(denied)
	some reason in denied
	reason.message == "tier low is declared, yet it is exposed to partners makes it medium"
}

test_bytes_need_a_digest if {
	nameless := object.union(
		object.remove(fixtures.notes, ["artifact"]),
		{"artifact": object.remove(fixtures.notes.artifact, ["digest"])},
	)
	"identity-missing" in fixtures.codes(data.modelward.gate.deny) with input as nameless
}
