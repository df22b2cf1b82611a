# Signed statements: what of them does not count, and where the history they
# tell has a gap. Without a statement nothing is asked for here; the controls
# provenance and custody say what a lack of them does.
package modelward.gate

import data.modelward.lib

signed := [entry | some entry in input.evidence; entry.kind == "statement"]

default chain := null

chain := chains[0]

chains := [entry | some entry in input.evidence; entry.kind == "chain"]

# Statements of one kind about these bytes that count.
counting(claim) := [statement |
	some statement in signed
	statement.claim == claim
	statement.about == "artifact"
	statement.standing == "verified"
]

# A history is told, be it by a record that does not count.
told if {
	some statement in signed
	statement.claim == "provenance"
	statement.about == "artifact"
	chain != null
}

unjudged := count([statement | some statement in signed; statement.standing == "unjudged"])

problems contains {"control": "evidence", "reason": lib.reason("evidence-unjudged", message, "say whose word counts: --trust-root FILE, or trust_root in modelward.toml")} if {
	unjudged > 0
	message := sprintf("%d signed %s with it, and no trust root says whose word counts", [unjudged, plural(unjudged)])
}

plural(number) := "statement comes" if number == 1

plural(number) := "statements come" if number != 1

beside(statement) if statement.place == "model.sig"

beside(statement) if endswith(statement.place, ".sig")

# The bytes are not what was signed.
altered := {"signature-wrong", "signature-names-differ", "signature-of-other-bytes"}

broken_signature(statement) if {
	statement.claim == "signature"
	beside(statement)
	statement.refused.code in altered
}

problems contains {"control": "signature", "reason": lib.reason("signature-refused", message, fix)} if {
	some statement in signed
	broken_signature(statement)
	message := sprintf("its signature %s does not hold: %s", [statement.place, statement.refused.message])
	fix := sprintf("see what changed: modelward verify %s", [input.artifact.source.given])
}

refusal_codes := {"key-retired": "evidence-key-retired", "key-compromised": "evidence-key-compromised"}

problems contains {"control": "evidence", "reason": lib.reason(code, message, fix)} if {
	some statement in signed
	statement.refused
	not broken_signature(statement)
	code := object.get(refusal_codes, statement.refused.code, "evidence-refused")
	message := sprintf("%s in %s does not count: %s", [statement.claim, statement.place, statement.refused.message])
	fix := sprintf("see modelward evidence verify %s; have it signed again by who may, or take the line away", [input.artifact.source.given])
}

# Where the history has a gap: each names the step.
unsure_gaps := {"provenance-code-dirty"}

problems contains {"control": "history", "unsure": unsure, "reason": lib.reason(gap.code, gap.message, gap.fix)} if {
	told
	some gap in chain.problems
	gap.code != "model-revoked"
	unsure := gap.code in unsure_gaps
}

problems contains {"control": "handover", "reason": lib.reason(gap.code, gap.message, gap.fix)} if {
	some gap in chain.custody.problems
}
