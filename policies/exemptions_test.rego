package modelward.exemptions_test

import data.modelward.exemptions
import data.modelward.fixtures

medium := [{"code": "container-lies", "severity": "medium"}]

given(changes, reasons) := fixtures.bent({"evidence": [object.union(fixtures.exemption, changes)], "reasons": reasons})

waived(changes, reasons) := result if {
	result := fixtures.codes(exemptions.waived) with input as given(changes, reasons)
}

warned(changes, reasons) := result if {
	result := fixtures.codes(exemptions.warn) with input as given(changes, reasons)
}

test_a_sound_one_waives_its_code_and_no_other if {
	waived({}, medium) == {"container-lies"}
	waived({}, [{"code": "owner-missing", "severity": "high"}]) == set()
}

test_it_is_silent_while_it_works if warned({}, medium) == set()

test_one_that_matches_nothing_is_reported if warned({}, []) == {"exemption-unused"}

test_other_bytes_are_not_covered if {
	waived({"digest": fixtures.other}, medium) == set()
	warned({"digest": fixtures.other}, medium) == {"exemption-unused"}
}

test_it_ends_on_its_own if {
	waived({"not_after": "2026-06-01T12:00:00Z"}, medium) == set()
	warned({"not_after": "2026-06-01T12:00:00Z"}, medium) == {"exemption-expired"}
	waived({"not_after": "2026-06-01T12:00:01Z"}, medium) == {"container-lies"}
}

test_its_end_is_announced if warned({"not_after": "2026-06-15T12:00:00Z"}, medium) == {"exemption-ending"}

test_it_does_not_begin_early if {
	waived({"not_before": "2026-06-02T00:00:00Z"}, medium) == set()
	warned({"not_before": "2026-06-02T00:00:00Z"}, medium) == {"exemption-unused"}
}

test_a_long_one_is_told if {
	warned({"not_before": "2026-01-01T00:00:00Z", "not_after": "2028-01-01T00:00:00Z"}, medium) == {"exemption-long"}
}

test_incomplete_ones_do_not_count if {
	every changes in [
		{"codes": ["*"]},
		{"codes": ["container-*"]},
		{"codes": []},
		{"reason": " "},
		{"requested_by": ""},
		{"approved_by": ""},
		{"approved_by": "RITA"},
		{"digest": "*"},
		{"not_after": "some day"},
		{"not_after": "2026-04-01T00:00:00Z"},
	] {
		waived(changes, medium) == set()
		warned(changes, medium) == {"exemption-invalid"}
	}
}

test_what_can_only_be_resolved_cannot_be_accepted if {
	every code in ["read-incomplete", "digest-changed", "approval-by-trainer", "approval-by-requester", "approval-same-person", "exemption-invalid"] {
		waived({"codes": [code]}, [{"code": code, "severity": "high"}]) == set()
		warned({"codes": [code]}, [{"code": code, "severity": "high"}]) == {"exemption-invalid"}
	}
}

test_what_is_critical_takes_a_compensating_control if {
	critical := [{"code": "container-lies", "severity": "critical"}]
	waived({}, critical) == set()
	warned({}, critical) == {"exemption-invalid"}
	waived({"compensating_control": "runs without network"}, critical) == {"container-lies"}
}
