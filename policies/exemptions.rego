# What somebody accepted for a while. An exemption names codes, a digest, a
# reason, who asked and who agreed, and when it ends; input.reasons holds what
# the other packages said. Part of the core: no bundle can change it.
package modelward.exemptions

import data.modelward.lib
import data.modelward.requirements
import data.modelward.tier

# These cannot be accepted, only resolved: what was not read, what is not the
# model on record, and who may decide.
resolved_only := {
	"read-incomplete",
	"digest-changed",
	"model-revoked",
	"signature-refused",
	"approval-by-trainer",
	"approval-by-requester",
	"approval-same-person",
}

day := ((24 * 60) * 60) * 1000000000

now := time.parse_rfc3339_ns(input.context.now)

offered contains exemption if {
	some exemption in input.evidence
	exemption.kind == "exemption"
}

# A signed one is by whom the key is.
offered contains exemption if {
	some statement in input.evidence
	statement.kind == "statement"
	statement.claim == "exemption"
	statement.about == "artifact"
	statement.standing == "verified"
	said := statement.predicate
	exemption := {
		"kind": "exemption", "id": statement.id, "codes": said.codes,
		"digest": input.artifact.digest, "reason": said.reason,
		"compensating_control": object.get(said, "compensatingControl", ""),
		"requested_by": said.requestedBy, "approved_by": statement.signer,
		"not_before": said.notBefore, "not_after": said.notAfter,
	}
}

faults(exemption) := {fault | some fault in {
	fault_of_codes(exemption),
	fault_of_people(exemption),
	fault_of_words(exemption),
	fault_of_time(exemption),
}; fault != ""}

default fault_of_codes(_) := ""

fault_of_codes(exemption) := "it names no code" if {
	count(exemption.codes) == 0
} else := sprintf("%q is not one code; name each", [code]) if {
	some code in exemption.codes
	not regex.match(`^[a-z0-9]+(-[a-z0-9]+)*$`, code)
} else := sprintf("%s cannot be accepted, only resolved", [code]) if {
	some code in exemption.codes
	code in resolved_only
} else := sprintf("%s cannot be accepted, only resolved", [code]) if {
	some code in exemption.codes
	startswith(code, "exemption-")
}

default fault_of_people(_) := ""

fault_of_people(exemption) := "it does not say who asked and who agreed" if {
	some key in ["requested_by", "approved_by"]
	lib.blank(object.get(exemption, key, ""))
} else := sprintf("%s asked for it and agreed to it", [exemption.requested_by]) if {
	lower(trim_space(exemption.requested_by)) == lower(trim_space(exemption.approved_by))
}

default fault_of_words(_) := ""

fault_of_words(exemption) := "it gives no reason" if {
	lib.blank(object.get(exemption, "reason", ""))
} else := "it names no artifact by digest" if {
	not regex.match(`^sha256:[0-9a-f]{64}$`, object.get(exemption, "digest", ""))
}

default fault_of_time(_) := "its dates cannot be read"

fault_of_time(exemption) := "" if {
	time.parse_rfc3339_ns(exemption.not_before) < time.parse_rfc3339_ns(exemption.not_after)
} else := "it ends before it begins" if {
	time.parse_rfc3339_ns(exemption.not_before) >= time.parse_rfc3339_ns(exemption.not_after)
}

sound contains exemption if {
	some exemption in offered
	count(faults(exemption)) == 0
}

begun(exemption) if time.parse_rfc3339_ns(exemption.not_before) <= now

ended(exemption) if now >= time.parse_rfc3339_ns(exemption.not_after)

here(exemption) if exemption.digest == input.artifact.digest

in_force contains exemption if {
	some exemption in sound
	here(exemption)
	begun(exemption)
	not ended(exemption)
}

# What is critical takes something that reduces the risk meanwhile.
covers(exemption, reason) if {
	reason.code in exemption.codes
	reason.severity != "critical"
}

covers(exemption, reason) if {
	reason.code in exemption.codes
	reason.severity == "critical"
	compensated(exemption)
}

compensated(exemption) if lib.filled(exemption, "compensating_control")

# Only what stands in the way can be waived; a warning is there to be seen.
waived contains {"code": reason.code, "severity": reason.severity, "by": exemption.id} if {
	some exemption in in_force
	some reason in input.reasons
	covers(exemption, reason)
}

used(exemption) if {
	some entry in waived
	entry.by == exemption.id
}

warn contains lib.reason("exemption-invalid", message, "record a new exemption that is complete") if {
	some exemption in offered
	some fault in faults(exemption)
	message := sprintf("exemption %s does not count: %s", [exemption.id, fault])
}

warn contains lib.reason("exemption-invalid", message, "record a new exemption with --compensating-control") if {
	some exemption in in_force
	not compensated(exemption)
	some reason in input.reasons
	reason.code in exemption.codes
	reason.severity == "critical"
	message := sprintf("exemption %s does not count for %s: what is critical takes a compensating control", [exemption.id, reason.code])
}

warn contains lib.reason("exemption-expired", message, "resolve what it covered, or record a new exemption") if {
	some exemption in sound
	here(exemption)
	ended(exemption)
	message := sprintf("exemption %s ended at %s", [exemption.id, exemption.not_after])
}

warn contains lib.reason("exemption-ending", message, "resolve what it covers before then") if {
	some exemption in in_force
	used(exemption)
	left := time.parse_rfc3339_ns(exemption.not_after) - now
	left <= 14 * day
	message := sprintf("exemption %s ends at %s", [exemption.id, exemption.not_after])
}

warn contains lib.reason("exemption-long", message, "record a shorter one and assess again when it ends") if {
	some exemption in in_force
	length := time.parse_rfc3339_ns(exemption.not_after) - time.parse_rfc3339_ns(exemption.not_before)
	days := requirements.exemption_days[tier.effective]
	length > days * day
	message := sprintf("exemption %s lasts longer than the %v days meant for tier %s", [exemption.id, days, tier.effective])
}

warn contains lib.reason("exemption-unused", message, "remove it, or correct its codes") if {
	some exemption in in_force
	not used(exemption)
	not lacks_control(exemption)
	message := sprintf("exemption %s covers nothing that stands in the way", [exemption.id])
}

warn contains lib.reason("exemption-unused", message, "record one for these bytes, if it is still meant") if {
	some exemption in sound
	not here(exemption)
	message := sprintf("exemption %s is for other bytes", [exemption.id])
}

warn contains lib.reason("exemption-unused", message, "wait, or resolve what it will cover") if {
	some exemption in sound
	here(exemption)
	not begun(exemption)
	message := sprintf("exemption %s begins at %s", [exemption.id, exemption.not_before])
}

lacks_control(exemption) if {
	not compensated(exemption)
	some reason in input.reasons
	reason.code in exemption.codes
	reason.severity == "critical"
}
