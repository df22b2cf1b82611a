# Where it came from: source, training, parents.
package modelward.gate

import data.modelward.lib

bought := {"vendor", "open-weights"}

problems contains {"control": "source", "reason": lib.located("source-missing", "where it was got from is not named", "set source.url in modelward.yaml", place)} if {
	manifest.source.kind in bought
	not lib.filled(manifest.source, "url")
}

problems contains {"control": "source", "reason": lib.located("source-missing", "who published it is not named", "set source.publisher in modelward.yaml", place)} if {
	manifest.source.kind in bought
	not lib.filled(manifest.source, "publisher")
}

problems contains {"control": "revision", "reason": lib.located("source-unpinned", message, "set source.revision in modelward.yaml to a commit, a release or a digest", place)} if {
	not pinned(object.get(manifest.source, "revision", ""))
	message := moving(object.get(manifest.source, "revision", ""))
}

moving(revision) := "no revision of its source is named" if lib.blank(revision)

moving(revision) := sprintf("revision %q of its source can move", [revision]) if not lib.blank(revision)

problems contains {"control": "training", "reason": lib.located("training-data-missing", "what it was trained on is not named", "list training.data in modelward.yaml", place)} if {
	manifest.source.kind == "internal"
	count(object.get(manifest, ["training", "data"], [])) == 0
}

problems contains {"control": "training", "reason": lib.located("training-code-missing", "the code that trained it is not named", "set training.code in modelward.yaml", place)} if {
	manifest.source.kind == "internal"
	not lib.filled(object.get(manifest, ["training", "code"], {}), "ref")
}

problems contains {"control": "trainer", "reason": lib.located("trainer-missing", "who trained it is not named, so approvals cannot be told apart from it", "set training.by in modelward.yaml", place)} if {
	manifest.source.kind == "internal"
	not lib.filled(object.get(manifest, "training", {}), "by")
}

# The files name a base model, the manifest no parent.
problems contains {"control": "parents", "reason": lib.located("parents-missing", message, "add it to parents in modelward.yaml with its transformation", [base.at])} if {
	manifest != null
	count(object.get(manifest, "parents", [])) == 0
	some base in input.facts.references
	base.kind == "base-model"
	message := sprintf("it names the base model %s, the manifest names no parent", [base.value])
}

problems contains {"control": "parent-pins", "reason": lib.located("parent-unpinned", message, "give the parent a digest, or a revision after @", place)} if {
	some parent in manifest.parents
	not lib.filled(parent, "digest")
	not pinned(revision_of(parent.ref))
	message := sprintf("parent %s can move", [parent.ref])
}

revision_of(reference) := split(reference, "@")[1] if contains(reference, "@")

revision_of(reference) := "" if {
	not contains(reference, "@")
	not startswith(reference, "sha256:")
}

revision_of(reference) := reference if {
	not contains(reference, "@")
	startswith(reference, "sha256:")
}

# A branch or a moving tag is no revision.
pinned(revision) if {
	not lib.blank(revision)
	not lower(trim_space(revision)) in {"main", "master", "head", "latest", "stable", "dev", "develop", "nightly"}
	not startswith(revision, "refs/heads/")
}
