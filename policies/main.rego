# What the program asks for, so that one evaluation answers everything. Values
# are named in full: a package of several files must not be imported as a whole
# (see README.md).
package modelward.main

core := {"deny": data.modelward.core.deny, "hold": data.modelward.core.hold}

gate := {"deny": data.modelward.gate.deny, "hold": data.modelward.gate.hold, "warn": data.modelward.gate.warn}

tiers := {"derived": data.modelward.tier.derived, "effective": data.modelward.tier.effective, "why": data.modelward.tier.why}

answer := {"core": core, "gate": gate, "facets": data.modelward.gate.facets, "tiers": tiers}

# For a bundle that stands in for the gate.
core_only := {"core": core, "gate": {"deny": [], "hold": []}, "facets": data.modelward.gate.facets, "tiers": tiers}

waivers := {"waived": data.modelward.exemptions.waived, "warn": data.modelward.exemptions.warn}
