# What the people responsible have to say about a model.
package modelward.gate

import data.modelward.lib
import data.modelward.tier

manifest := tier.declared

place := [{"path": "modelward.yaml"}]

problems contains {"control": "manifest", "reason": lib.reason("manifest-missing", "no manifest says whose it is and what it is for", message)} if {
	manifest == null
	count(faults) == 0
	message := sprintf("modelward init %s", [input.artifact.source.given])
}

# A manifest with errors is as good as none, and each error says where.
faults := object.get(input.context, "manifest_errors", [])

problems contains {"control": "manifest", "reason": reason} if {
	some fault in faults
	not data.modelward.codes[fault.code]
	reason := lib.located("manifest-invalid", fault.message, "correct the manifest there", [fault.at])
}

problems contains {"control": "manifest", "reason": reason} if {
	some fault in faults
	data.modelward.codes[fault.code]
	reason := lib.located(fault.code, fault.message, "correct the manifest there", [fault.at])
}

problems contains {"control": "owner", "reason": lib.located("owner-missing", "nobody answers for it", "set owner.person or owner.team in modelward.yaml", place)} if {
	some kind in {"person", "team"}
	lib.blank(manifest.owner[kind])
}

problems contains {"control": "version", "reason": lib.located("version-missing", "it has no version", "set version in modelward.yaml", place)} if {
	lib.blank(manifest.version)
}

problems contains {"control": "use-case", "reason": lib.located("use-case-missing", "it is linked to no use case", "set use_case.id in modelward.yaml", place)} if {
	lib.blank(manifest.use_case.id)
}

problems contains {"control": "use-case", "reason": lib.located("use-case-missing", "its intended use is not described", "say in one sentence under use_case.intended_use what it is for", place)} if {
	lib.blank(manifest.use_case.intended_use)
}

problems contains {"control": "tags", "reason": lib.located("tags-missing", "its domain is not tagged", "set tags.domain in modelward.yaml", place)} if {
	lib.blank(manifest.tags.domain)
}

problems contains {"control": "tier", "reason": lib.located("tier-too-low", message, fix, place)} if {
	tier.levels[manifest.tier] < tier.levels[tier.derived]
	causes := sort([entry.because | some entry in tier.why; entry.tier == tier.derived])
	message := sprintf("tier %s is declared, yet %s makes it %s", [manifest.tier, concat(" and ", causes), tier.derived])
	fix := sprintf("set tier: %s in modelward.yaml, or leave it out", [tier.derived])
}

problems contains {"control": "identity", "reason": lib.reason("identity-missing", "no digest names its bytes", "gate it with identity, and make every file readable")} if {
	not input.artifact.digest
}
