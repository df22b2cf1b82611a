package modelward.gate_facets_test

import data.modelward.fixtures

facets(document) := result if {
	result := data.modelward.gate.facets with input as document
}

test_a_whole_manifest_is_a_claim if facets(fixtures.notes).provenance == {"state": "partial", "note": "declared, not proven"}

test_gaps_in_a_claim_are_named if {
	facets(fixtures.unsaid(["source/revision"])).provenance == {"state": "missing", "note": "incomplete: revision"}
}

test_nothing_declared_is_missing if {
	without := object.union(object.remove(fixtures.notes, ["manifest"]), {"manifest": null})
	facets(without).provenance.state == "missing"
}

test_bytes_on_record_have_some_custody if {
	facets(fixtures.notes).custody.state == "missing"
	facets(fixtures.bent({"context": {"registered_digest": fixtures.bytes}})).custody.state == "partial"
	facets(fixtures.bent({"context": {"registered_digest": fixtures.other}})).custody.state == "missing"
}

test_behaviour_is_not_tested if facets(fixtures.notes).behaviour == {"state": "missing", "note": "not tested"}

test_facets_warn_and_never_stand_in_the_way if {
	high := fixtures.said({"use_case": {"influences": ["access"]}, "scope": {"hosts": ["a"]}})
	warned := fixtures.codes(data.modelward.gate.warn) with input as high
	{"provenance-not-proven", "custody-unknown", "behaviour-not-tested"} & warned == {"provenance-not-proven", "custody-unknown", "behaviour-not-tested"}
}
