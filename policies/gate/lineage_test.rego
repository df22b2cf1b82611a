package modelward.gate_lineage_test

import data.modelward.fixtures

denied(document) := result if {
	result := fixtures.codes(data.modelward.gate.deny) with input as document
}

internal(changes) := object.union(
	object.remove(fixtures.notes, ["manifest"]),
	{"manifest": object.union(object.remove(fixtures.notes.manifest, ["source"]), object.union({"source": {"kind": "internal", "revision": "v1"}}, changes))},
)

trained := {"training": {"data": [{"ref": "s3://a"}], "code": {"ref": "git:a"}, "by": "tina"}}

test_bought_weights_name_where_and_who if {
	denied(fixtures.unsaid(["source/url"])) == {"source-missing"}
	denied(fixtures.unsaid(["source/publisher"])) == {"source-missing"}
}

test_a_source_has_a_revision if denied(fixtures.unsaid(["source/revision"])) == {"source-unpinned"}

test_a_branch_is_no_revision if {
	every branch in ["main", "Master", " latest ", "refs/heads/x"] {
		denied(fixtures.said({"source": {"revision": branch}})) == {"source-unpinned"}
	}
}

test_a_model_of_our_own_names_its_training if {
	denied(internal({})) == {"training-data-missing", "training-code-missing"}
	denied(internal(trained)) == set()
}

test_its_trainer_is_named if {
	warned := data.modelward.gate.warn with input as internal({"training": {"data": [{"ref": "a"}], "code": {"ref": "b"}}})
	"trainer-missing" in fixtures.codes(warned)
}

test_a_base_model_in_the_files_has_to_be_declared if {
	based := object.union(fixtures.unsaid(["parents"]), {"facts": {"references": [{"kind": "base-model", "value": "org/base", "at": {"path": "config.json", "line": 2}}]}})
	denied(based) == {"parents-missing"}
}

test_no_base_model_needs_no_parent if denied(fixtures.unsaid(["parents"])) == set()

test_a_parent_that_can_move_is_told if {
	loose := fixtures.said({"parents": [{"ref": "hf:org/base", "transformation": "merge"}]})
	"parent-unpinned" in fixtures.codes(data.modelward.gate.warn) with input as loose
	every reference in ["hf:org/base@0123", "sha256:00"] {
		pinned := fixtures.said({"parents": [{"ref": reference, "transformation": "merge"}]})
		not "parent-unpinned" in fixtures.codes(data.modelward.gate.warn) with input as pinned
	}
}
