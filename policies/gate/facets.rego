# Provenance, custody and behaviour, each shown, partial or missing. Nothing
# can show them yet: signatures, receipts and tests are evidence to come. Until
# then they warn and do not deny.
package modelward.gate

import data.modelward.lib

facets := {
	"provenance": provenance,
	"custody": custody,
	"behaviour": {"state": "missing", "note": "not tested"},
}

default provenance := {"state": "missing", "note": "nothing declared"}

provenance := {"state": "partial", "note": "declared, not proven"} if {
	manifest != null
	count(gaps) == 0
}

provenance := {"state": "missing", "note": note} if {
	manifest != null
	count(gaps) > 0
	note := sprintf("incomplete: %s", [concat(", ", sort(gaps))])
}

gaps contains problem.control if {
	some problem in problems
	problem.control in {"source", "revision", "training", "parents"}
}

default custody := {"state": "missing", "note": "not on record before"}

custody := {"state": "partial", "note": "the bytes on record"} if {
	input.context.registered_digest == input.artifact.digest
}

custody := {"state": "missing", "note": "not the bytes on record"} if {
	input.context.registered_digest != input.artifact.digest
}

problems contains {"control": "provenance", "reason": lib.reason("provenance-not-proven", message, "keep the source's signature and build record beside the model; they count as soon as they can be verified")} if {
	message := sprintf("nothing proves where it came from: %s", [provenance_note])
}

provenance_note := "its manifest only says so" if manifest != null

provenance_note := "nothing is declared" if manifest == null

problems contains {"control": "custody", "reason": lib.reason("custody-unknown", "what happened to it before is not on record", "gate it where it enters and at every step after")} if {
	not input.context.registered_digest
}

problems contains {"control": "behaviour", "reason": lib.reason("behaviour-not-tested", "its behaviour was not tested", "test it on its use case and against triggers before it goes further")}
