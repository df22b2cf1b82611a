# What holds whatever other policy says. This package is compiled in, judged
# in an engine of its own, and no bundle can replace, extend or shadow it.
package modelward.core

import data.modelward.lib

# A version names these bytes and no others.
deny contains lib.reason("digest-changed", message, "gate these bytes under a new version, or restore the bytes on record") if {
	on_record := input.context.registered_digest
	found := object.get(input.artifact, "digest", "without a digest")
	on_record != found
	message := sprintf("%s is on record as %s, these bytes are %s", [input.artifact.name, on_record, found])
}

# Code that runs when the model is loaded, and what else a rule calls critical.
deny contains lib.from_finding(finding) if {
	some finding in input.findings
	finding.severity == "critical"
}

# Withdrawn by somebody whom the trust root lets, or made from what was.
deny contains lib.reason("model-revoked", gap.message, gap.fix) if {
	some entry in input.evidence
	entry.kind == "chain"
	some gap in entry.problems
	gap.code == "model-revoked"
}

# "Could not be read" is not "clean".
hold contains lib.located("read-incomplete", message, "see what was not read, then give a complete file in a format that can be read", locations) if {
	not input.facts.coverage.complete
	gaps := input.facts.coverage.gaps
	message := unread(gaps)
	locations := [gap.at | some gap in gaps]
}

unread(gaps) := "not everything was read" if count(gaps) == 0

unread(gaps) := gaps[0].message if count(gaps) == 1

unread(gaps) := sprintf("%v, and %v more places were not read", [gaps[0].message, input.facts.coverage.count - 1]) if count(gaps) > 1
