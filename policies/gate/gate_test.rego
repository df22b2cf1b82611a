package modelward.gate_test

import data.modelward.fixtures
import data.modelward.requirements

known := {"-", "warn", "hold", "deny"}

test_a_whole_manifest_of_tier_low_passes_everywhere if {
	every stage in ["experiment", "candidate", "production"] {
		staged := fixtures.bent({"context": {"stage": stage}})
		count(data.modelward.gate.deny) == 0 with input as staged
		count(data.modelward.gate.hold) == 0 with input as staged
	}
}

test_every_control_says_what_its_lack_does if {
	every control in requirements.controls {
		every stage in ["experiment", "candidate", "production"] {
			count(control[stage]) == 4
			every effect in control[stage] {
				effect in known
			}
		}
	}
}

# From stage to stage and from tier to tier nothing becomes easier.
weight := {"-": 0, "warn": 1, "hold": 2, "deny": 3}

test_no_control_is_weaker_at_a_higher_tier_or_a_later_stage if {
	every control in requirements.controls {
		every tier in [0, 1, 2] {
			every stage in ["experiment", "candidate", "production"] {
				weight[control[stage][tier]] <= weight[control[stage][tier + 1]]
			}
		}
		every tier in [0, 1, 2, 3] {
			weight[control.experiment[tier]] <= weight[control.candidate[tier]]
			weight[control.candidate[tier]] <= weight[control.production[tier]]
		}
	}
}

asked(document) := result if {
	result := {asked_for.control: asked_for | some asked_for in data.modelward.gate.controls} with input as document
}

test_two_use_cases_of_one_artifact_ask_for_different_things if {
	low := asked(fixtures.notes)
	high := asked(fixtures.said({"use_case": {"influences": ["access"]}}))
	low.scope.effect == "-"
	high.scope.effect == "deny"
	high.scope.met == false
	high.owner.met == true
}
