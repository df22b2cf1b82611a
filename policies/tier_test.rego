package modelward.tier_test

import data.modelward.fixtures
import data.modelward.tier

derived(manifest) := result if {
	result := tier.derived with input as fixtures.said(manifest)
}

test_notes_are_low if tier.derived == "low" with input as fixtures.notes

test_what_is_not_declared_is_assumed_high if {
	tier.effective == "high" with input as object.union(object.remove(fixtures.notes, ["manifest"]), {"manifest": null})
}

test_customers_data_raise_to_medium if {
	derived({"capabilities": {"customer_data": "customer"}}) == "medium"
	derived({"tags": {"data": "confidential"}}) == "medium"
}

test_an_audience_raises_to_medium if derived({"tags": {"exposure": "partner"}}) == "medium"

test_soft_influence_raises_to_medium if {
	every influence in ["triage", "content-filtering", "classification"] {
		derived({"use_case": {"influences": [influence]}}) == "medium"
	}
}

test_influence_on_a_control_raises_to_high if {
	every influence in ["access", "transactions", "automation"] {
		derived({"use_case": {"influences": [influence]}}) == "high"
	}
}

test_each_capability_raises_to_high if {
	every capability in ["makes_decisions", "reads_secrets", "calls_tools"] {
		derived({"capabilities": {capability: true}}) == "high"
	}
}

test_a_retrieval_system_raises_to_medium if derived({"connections": ["rag:handbook"]}) == "medium"

test_any_other_connection_raises_to_high if {
	derived({"connections": ["agent:planner"]}) == "high"
	derived({"connections": ["https://payments.example.org"]}) == "high"
	derived({"connections": ["ragnarok"]}) == "high"
}

test_secrets_and_tools_together_are_critical if {
	derived({"capabilities": {"reads_secrets": true, "calls_tools": true}}) == "critical"
}

test_deciding_on_regulated_data_is_critical if {
	derived({"capabilities": {"makes_decisions": true, "customer_data": "regulated"}}) == "critical"
	derived({"use_case": {"influences": ["transactions"]}, "tags": {"data": "regulated"}}) == "critical"
}

test_the_internet_and_a_control_are_critical if {
	derived({"use_case": {"influences": ["access"]}, "tags": {"exposure": "internet"}}) == "critical"
}

test_a_tier_by_hand_may_raise if tier.effective == "critical" with input as fixtures.said({"tier": "critical"})

test_a_tier_by_hand_may_not_lower if {
	tier.effective == "high" with input as fixtures.said({"tier": "low", "capabilities": {"calls_tools": true}})
}
