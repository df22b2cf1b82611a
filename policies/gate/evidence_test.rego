package modelward.gate_evidence_test

import data.modelward.fixtures

with_evidence(entries) := fixtures.bent({"evidence": entries})

statement(claim, changes) := object.union({
	"kind": "statement", "id": "sha256:44", "place": "claims.jsonl:1", "claim": claim,
	"about": "artifact", "standing": "verified", "signer": "ci@example.org", "predicate": {},
}, changes)

refused(claim, code, changes) := object.union(
	statement(claim, {"standing": "refused", "refused": {"code": code, "message": "no"}}),
	changes,
)

chain(problems, custody) := {
	"kind": "chain", "digest": fixtures.bytes, "completeness": 50, "makers": ["tina"],
	"hops": [{"digest": fixtures.bytes}, {"digest": fixtures.other}],
	"problems": problems, "custody": custody,
}

whole := chain([], {"holders": [], "problems": []})

gap(code) := {"code": code, "message": "there", "fix": "do it"}

record := statement("provenance", {})

denied(entries) := result if {
	result := fixtures.codes(data.modelward.gate.deny) with input as with_evidence(entries)
}

warned(entries) := result if {
	result := fixtures.codes(data.modelward.gate.warn) with input as with_evidence(entries)
}

facets(entries) := result if {
	result := data.modelward.gate.facets with input as with_evidence(entries)
}

test_a_whole_history_is_shown if {
	denied([record, whole]) == set()
	facets([record, whole]).provenance == {"state": "shown", "note": "2 of 2 steps signed and recorded"}
	not "provenance-not-proven" in warned([record, whole])
}

test_each_gap_of_a_history_denies_in_production if {
	every code in ["hop-unsigned", "hop-unrecorded", "hop-refused", "hop-refuted", "provenance-lacks-source", "provenance-lacks-data", "provenance-lacks-code", "provenance-lacks-tool"] {
		denied([record, chain([gap(code)], {"holders": [], "problems": []})]) == {code}
	}
	facets([record, chain([gap("hop-unsigned")], {"holders": [], "problems": []})]).provenance.state == "partial"
}

test_dirty_code_holds if {
	entries := [record, chain([gap("provenance-code-dirty")], {"holders": [], "problems": []})]
	denied(entries) == set()
	fixtures.codes(data.modelward.gate.hold) == {"provenance-code-dirty"} with input as with_evidence(entries)
}

test_a_history_that_nobody_tells_is_not_asked_for if {
	denied([statement("approval", {}), chain([gap("hop-unrecorded")], {"holders": [], "problems": []})]) == set()
}

test_a_signature_that_does_not_hold_denies if {
	every code in ["signature-wrong", "signature-names-differ", "signature-of-other-bytes"] {
		denied([refused("signature", code, {"place": "model.sig"})]) == {"signature-refused"}
	}
}

test_a_signature_of_nobody_known_warns if {
	entries := [refused("signature", "signer-unknown", {"place": "model.sig"})]
	denied(entries) == set()
	"evidence-refused" in warned(entries)
}

test_an_ended_key_has_a_reason_of_its_own if {
	"evidence-key-retired" in warned([refused("approval", "key-retired", {})])
	"evidence-key-compromised" in warned([refused("approval", "key-compromised", {})])
}

test_statements_without_a_trust_root_are_told if {
	entries := [statement("approval", {"standing": "unjudged"})]
	"evidence-unjudged" in warned(entries)
	denied(entries) == set()
}

test_a_withdrawn_model_is_denied_everywhere if {
	entries := [chain([gap("model-revoked")], {"holders": [], "problems": []})]
	every stage in ["experiment", "candidate", "production"] {
		bent := object.union(with_evidence(entries), {"context": {"stage": stage}})
		fixtures.codes(data.modelward.core.deny) == {"model-revoked"} with input as bent
	}
}

test_receipts_show_custody_and_each_break_denies if {
	held := {"holders": [{"who": "hub"}, {"who": "ann"}], "problems": []}
	facets([chain([], held)]).custody == {"state": "shown", "note": "receipts of hub, ann"}
	not "custody-unknown" in warned([chain([], held)])
	every code in ["custody-gap", "custody-overlap", "custody-root-changed"] {
		entries := [chain([], {"holders": [{"who": "hub"}], "problems": [gap(code)]})]
		denied(entries) == {code}
		facets(entries).custody == {"state": "missing", "note": code}
	}
}

signed(by, changes) := statement("approval", {"signer": by, "predicate": object.union({"role": "owner", "stage": "production", "by": by, "manifest": fixtures.described}, changes)})

asked(entries) := result if {
	medium := object.union(
		fixtures.said({"tags": {"exposure": "partner"}, "expires": "2026-12-31", "scope": {"hosts": ["a"]}}),
		{"evidence": entries},
	)
	result := fixtures.codes(data.modelward.gate.deny) with input as medium
}

test_a_signed_approval_counts_by_its_signer if {
	asked([]) == {"approval-missing"}
	asked([signed("olga", {}), whole]) == set()
	asked([object.union(signed("olga", {}), {"standing": "refused", "refused": {"code": "signer-unknown", "message": "no"}})]) == {"approval-missing"}
	asked([object.union(signed("olga", {}), {"about": "ancestor"})]) == {"approval-missing"}
	asked([signed("olga", {"manifest": fixtures.other})]) == {"approval-stale"}
}

test_who_made_it_does_not_approve_it if {
	asked([signed("tina", {}), whole]) == {"approval-by-trainer"}
}

test_a_signed_exemption_is_one if {
	exemption := statement("exemption", {"signer": "sam", "predicate": {
		"codes": ["container-lies"], "reason": "our own packer", "requestedBy": "rita",
		"approvedBy": "sam", "notBefore": "2026-05-01T00:00:00Z", "notAfter": "2026-07-01T00:00:00Z",
	}})
	document := object.union(with_evidence([exemption]), {"reasons": [{"code": "container-lies", "severity": "high"}]})
	some entry in data.modelward.exemptions.waived with input as document
	entry.code == "container-lies"
}
