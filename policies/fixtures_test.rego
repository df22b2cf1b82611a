# Inputs that the tests bend.
package modelward.fixtures

bytes := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

other := "sha256:2222222222222222222222222222222222222222222222222222222222222222"

described := "sha256:3333333333333333333333333333333333333333333333333333333333333333"

# Summarises internal notes: tier low, and everything is there.
notes := {
	"artifact": {"name": "notes", "version": "0.3.0", "digest": bytes, "source": {"kind": "folder", "given": "./notes"}},
	"manifest": {
		"schema": "modelward.manifest/1", "name": "notes", "version": "0.3.0",
		"owner": {"team": "research"},
		"use_case": {"id": "UC-1", "intended_use": "summarises internal notes", "influences": ["summarisation"]},
		"capabilities": {"makes_decisions": false, "reads_secrets": false, "calls_tools": false, "customer_data": "none", "offline": true},
		"tags": {"data": "internal", "exposure": "internal", "domain": "research"},
		"source": {"kind": "open-weights", "url": "https://example.org/notes", "revision": "0123abc", "publisher": "org"},
		"parents": [{"ref": "hf:org/base@0123abc", "transformation": "fine-tune"}],
	},
	"facts": {"coverage": {"complete": true, "count": 0, "gaps": []}, "references": []},
	"findings": [],
	"evidence": [],
	"context": {"now": "2026-06-01T12:00:00Z", "stage": "production", "actor": "ci@example.org", "manifest_digest": described},
}

# The same with some members changed.
bent(changes) := object.union(notes, changes)

# The same with some members of its manifest changed.
said(changes) := object.union(notes, {"manifest": changes})

# The same with members of its manifest taken out, each by its path.
unsaid(paths) := object.union(object.remove(notes, ["manifest"]), {"manifest": json.remove(notes.manifest, paths)})

found(severity, confidence) := bent({"findings": [{
	"rule": "container-lies", "severity": severity, "confidence": confidence,
	"message": "two names differ", "fix": "rebuild it", "frameworks": ["CWE-436"],
	"locations": [{"path": "a.zip"}],
}]})

approval(role, by) := {
	"kind": "approval", "id": concat("-", [role, by]), "digest": bytes, "manifest": described,
	"stage": "production", "role": role, "by": by, "reason": "read it", "at": "2026-05-30T10:00:00Z",
}

exemption := {
	"kind": "exemption", "id": "ex-1", "codes": ["container-lies"], "digest": bytes,
	"reason": "our own packer", "requested_by": "rita", "approved_by": "sam",
	"not_before": "2026-05-01T00:00:00Z", "not_after": "2026-07-01T00:00:00Z",
}

codes(reasons) := {reason.code | some reason in reasons}
