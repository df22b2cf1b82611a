package modelward.lib_test

import data.modelward.lib

test_a_reason_carries_severity_and_frameworks_of_its_code if {
	reason := lib.reason("owner-missing", "m", "f")
	reason.severity == "high"
	"ID.AM-02" in reason.frameworks
	"NHI1:2025" in reason.frameworks
}

test_every_code_has_a_severity_and_frameworks if {
	every code in data.modelward.codes {
		code.severity in {"low", "medium", "high", "critical"}
		count(data.modelward.frameworks[code.about]) > 0
	}
}

test_spaces_are_blank if lib.blank("  ")

test_a_word_is_not_blank if not lib.blank("a")

test_an_absent_member_is_not_filled if not lib.filled({}, "a")

test_a_blank_member_is_not_filled if not lib.filled({"a": " "}, "a")

test_a_word_fills_a_member if lib.filled({"a": "b"}, "a")
