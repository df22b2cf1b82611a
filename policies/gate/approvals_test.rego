package modelward.gate_approvals_test

import data.modelward.fixtures

# Tier high: owner and security have to approve.
high(evidence) := object.union(
	fixtures.said({
		"use_case": {"influences": ["access"]}, "scope": {"hosts": ["db1"]}, "expires": "2026-12-31",
		"training": {"by": "tina"},
	}),
	{"evidence": evidence},
)

denied(evidence) := result if {
	result := [reason.code | some reason in data.modelward.gate.deny] with input as high(evidence)
}

owner := fixtures.approval("owner", "olga")

security := fixtures.approval("security", "sven")

test_each_role_is_asked_for if denied([]) == ["approval-missing", "approval-missing"]

test_two_people_in_two_roles_suffice if denied([owner, security]) == []

test_tier_low_needs_nobody if count(data.modelward.gate.deny) == 0 with input as fixtures.notes

test_the_trainer_does_not_count if {
	denied([object.union(owner, {"by": "Tina "}), security]) == ["approval-by-trainer"]
}

test_who_asks_does_not_count if {
	denied([object.union(owner, {"by": "ci@example.org"}), security]) == ["approval-by-requester"]
}

test_another_approval_heals_the_trainers if {
	denied([object.union(owner, {"by": "tina"}), owner, security]) == []
}

test_one_person_counts_for_one_role if {
	denied([owner, fixtures.approval("security", "olga")]) == ["approval-same-person"]
}

test_a_second_person_in_either_role_suffices if {
	denied([owner, fixtures.approval("security", "olga"), fixtures.approval("owner", "otto")]) == []
}

test_a_changed_byte_voids_it if {
	denied([object.union(owner, {"digest": fixtures.other}), security]) == ["approval-stale"]
}

test_a_changed_manifest_voids_it if {
	denied([object.union(owner, {"manifest": fixtures.other}), security]) == ["approval-stale"]
}

test_another_stage_does_not_count if {
	denied([object.union(owner, {"stage": "candidate"}), security]) == ["approval-missing"]
}

test_a_role_that_is_not_asked_for_does_not_count if {
	denied([fixtures.approval("friend", "fred"), security]) == ["approval-missing"]
}
