# The shipped gate. Every other file of this package names problems, each under
# a control; requirements.json says what a missing control does at a tier and
# stage: deny, hold, warn, or nothing ("-").
package modelward.gate

import data.modelward.requirements
import data.modelward.tier

deny contains problem.reason if {
	some problem in problems
	weight(problem) == "deny"
}

hold contains problem.reason if {
	some problem in problems
	weight(problem) == "hold"
}

warn contains problem.reason if {
	some problem in problems
	weight(problem) == "warn"
}

# What the data do not know weighs the most.
effect(control) := said if {
	said := requirements.controls[control][input.context.stage][tier.levels[tier.effective]]
} else := "deny"

# What is not sure weighs one step less.
softer := {"deny": "hold", "hold": "warn", "warn": "warn", "-": "-"}

weight(problem) := effect(problem.control) if not problem.unsure

weight(problem) := softer[effect(problem.control)] if problem.unsure

# What is asked here, and whether it is there.
controls contains {"control": name, "title": control.title, "effect": effect(name), "met": met} if {
	some name, control in requirements.controls
	met := count({problem | some problem in problems; problem.control == name}) == 0
}
