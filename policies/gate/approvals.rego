# Who has to say yes. An approval counts for these bytes, this manifest and
# this stage, from somebody who neither trained the model nor asks for it; and
# one person counts for one role.
package modelward.gate

import data.modelward.lib
import data.modelward.requirements
import data.modelward.tier

default roles := []

roles := requirements.approvals[input.context.stage][tier.effective] if manifest != null

given(role) := [approval |
	some approval in array.concat(recorded_approvals, signed_approvals)
	approval.role == role
	approval.stage == input.context.stage
]

recorded_approvals := [entry | some entry in input.evidence; entry.kind == "approval"]

# By whom the key is, whatever the statement says.
signed_approvals := [approval |
	some statement in counting("approval")
	said := statement.predicate
	approval := {
		"digest": input.artifact.digest,
		"manifest": object.get(said, "manifest", "none"),
		"stage": said.stage,
		"role": said.role,
		"by": statement.signer,
	}
]

current(approval) if {
	approval.digest == input.artifact.digest
	approval.manifest == input.context.manifest_digest
}

same(one, other) if lower(trim_space(one)) == lower(trim_space(other))

by_trainer(approval) if same(approval.by, manifest.training.by)

by_trainer(approval) if {
	some maker in chain.makers
	same(approval.by, maker)
}

by_requester(approval) if same(approval.by, input.context.actor)

counts(approval) if {
	current(approval)
	not by_trainer(approval)
	not by_requester(approval)
}

approvers(role) := {lower(trim_space(approval.by)) | some approval in given(role); counts(approval)}

open_roles contains role if {
	some role in roles
	count(approvers(role)) == 0
}

approve(role) := sprintf("modelward approve %s@%s --role %s --for %s --reason \"why\"", [manifest.name, manifest.version, role, input.context.stage])

trained(role) := {approval.by | some approval in given(role); current(approval); by_trainer(approval)}

requested(role) := {approval.by | some approval in given(role); current(approval); by_requester(approval)}

problems contains {"control": "approvals", "reason": lib.reason("approval-by-trainer", message, fix)} if {
	some role in open_roles
	some person in trained(role)
	message := sprintf("%s approved as %s, and trained it", [person, role])
	fix := sprintf("%s, by somebody else", [approve(role)])
}

problems contains {"control": "approvals", "reason": lib.reason("approval-by-requester", message, fix)} if {
	some role in open_roles
	count(trained(role)) == 0
	some person in requested(role)
	message := sprintf("%s approved as %s, and asks for it", [person, role])
	fix := sprintf("%s, by somebody else", [approve(role)])
}

problems contains {"control": "approvals", "reason": lib.reason("approval-stale", message, approve(role))} if {
	some role in open_roles
	count(trained(role)) + count(requested(role)) == 0
	some approval in given(role)
	not current(approval)
	message := sprintf("%s approved as %s, then the %s changed", [approval.by, role, what_changed(approval)])
}

what_changed(approval) := "bytes" if approval.digest != input.artifact.digest

what_changed(approval) := "manifest" if approval.digest == input.artifact.digest

problems contains {"control": "approvals", "reason": lib.reason("approval-missing", message, approve(role))} if {
	some role in open_roles
	count(given(role)) == 0
	message := sprintf("nobody approved it as %s; it takes somebody who neither trained it nor asks for it", [role])
}

# Enough people for the roles: among any of them, no fewer approvers than roles.
problems contains {"control": "approvals", "reason": lib.reason("approval-same-person", message, fix)} if {
	count(open_roles) == 0
	some first in roles
	some second in roles
	some third in roles
	some among in {{first, second, third}, {role | some role in roles}}
	people := {person | some role in among; some person in approvers(role)}
	count(people) < count(among)
	message := sprintf("%s cannot approve as %s at once", [concat(" and ", sort(people)), concat(" and ", sort(among))])
	fix := sprintf("%s, by somebody else", [approve(sort(among)[count(among) - 1])])
}
