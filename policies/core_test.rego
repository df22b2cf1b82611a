package modelward.core_test

import data.modelward.core
import data.modelward.fixtures

test_nothing_is_said_against_a_whole_reading if {
	count(core.deny) == 0 with input as fixtures.notes
	count(core.hold) == 0 with input as fixtures.notes
}

test_an_incomplete_reading_holds_at_every_stage if {
	every stage in ["experiment", "candidate", "production"] {
		unread := fixtures.bent({"context": {"stage": stage}, "facts": {"coverage": {
			"complete": false, "count": 2,
			"gaps": [{"message": "the file ends early", "at": {"path": "a"}}, {"message": "b", "at": {"path": "b"}}],
		}}})
		fixtures.codes(core.hold) == {"read-incomplete"} with input as unread
	}
}

test_a_gap_without_a_place_holds_too if {
	unread := fixtures.bent({"facts": {"coverage": {"complete": false}}})
	fixtures.codes(core.hold) == {"read-incomplete"} with input as unread
}

test_a_critical_finding_denies_even_an_experiment if {
	denied := core.deny with input as object.union(fixtures.found("critical", "low"), {"context": {"stage": "experiment"}})
	fixtures.codes(denied) == {"container-lies"}
	some reason in denied
	reason.locations == [{"path": "a.zip"}]
}

test_other_bytes_than_on_record_are_denied if {
	denied := core.deny with input as fixtures.bent({"context": {"registered_digest": fixtures.other}})
	fixtures.codes(denied) == {"digest-changed"}
}

test_bytes_without_a_digest_are_not_those_on_record if {
	nameless := object.union(
		object.remove(fixtures.notes, ["artifact"]),
		{"artifact": object.remove(fixtures.notes.artifact, ["digest"]), "context": {"registered_digest": fixtures.bytes}},
	)
	fixtures.codes(core.deny) == {"digest-changed"} with input as nameless
}

test_the_bytes_on_record_pass if {
	count(core.deny) == 0 with input as fixtures.bent({"context": {"registered_digest": fixtures.bytes}})
}
