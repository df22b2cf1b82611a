# Provenance, custody and behaviour, each shown, partial or missing. Signed
# statements show the first two; a manifest only claims them. What is not shown
# warns and does not deny: requirements.json says otherwise where it is to.
package modelward.gate

import data.modelward.lib

facets := {
	"provenance": provenance,
	"custody": custody,
	"behaviour": {"state": "missing", "note": "not tested"},
}

default provenance := {"state": "missing", "note": "nothing declared"}

provenance := {"state": "shown", "note": note} if {
	proven
	note := sprintf("%d of %d steps signed and recorded", [steps, steps])
} else := {"state": "partial", "note": note} if {
	told
	note := sprintf("%d of %d steps signed and recorded", [round((chain.completeness * steps) / 100), steps])
} else := {"state": "partial", "note": "declared, not proven"} if {
	manifest != null
	count(gaps) == 0
} else := {"state": "missing", "note": note} if {
	manifest != null
	count(gaps) > 0
	note := sprintf("incomplete: %s", [concat(", ", sort(gaps))])
}

steps := count(chain.hops)

# Every step to its origin is signed and recorded, and nothing is wrong with it.
proven if {
	told
	count(chain.problems) == 0
}

gaps contains problem.control if {
	some problem in problems
	problem.control in {"source", "revision", "training", "parents"}
}

default custody := {"state": "missing", "note": "not on record before"}

custody := {"state": "missing", "note": "not the bytes on record"} if {
	input.context.registered_digest != input.artifact.digest
} else := {"state": "shown", "note": note} if {
	handed_over
	count(chain.custody.problems) == 0
	note := sprintf("receipts of %s", [concat(", ", [holder.who | some holder in chain.custody.holders])])
} else := {"state": "missing", "note": chain.custody.problems[0].code} if {
	count(chain.custody.problems) > 0
} else := {"state": "partial", "note": "the bytes on record"} if {
	input.context.registered_digest == input.artifact.digest
}

handed_over if count(chain.custody.holders) > 0

problems contains {"control": "provenance", "reason": lib.reason("provenance-not-proven", message, "keep the source's signature and build record beside the model; they count with a trust root that lists who signed them")} if {
	not proven
	message := sprintf("nothing proves where it came from: %s", [provenance_note])
}

provenance_note := "its manifest only says so" if manifest != null

provenance_note := "nothing is declared" if manifest == null

problems contains {"control": "custody", "reason": lib.reason("custody-unknown", "what happened to it before is not on record", "gate it where it enters and at every step after")} if {
	not input.context.registered_digest
	not handed_over
}

problems contains {"control": "behaviour", "reason": lib.reason("behaviour-not-tested", "its behaviour was not tested", "test it on its use case and against triggers before it goes further")}
