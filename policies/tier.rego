# How much is at stake, from what the manifest says the model can do. A tier
# written by hand may only raise it.
package modelward.tier

names := ["low", "medium", "high", "critical"]

levels := {"low": 0, "medium": 1, "high": 2, "critical": 3}

default declared := null

declared := input.manifest if is_object(input.manifest)

why contains {"tier": "high", "because": "nothing is declared"} if declared == null

why contains {"tier": "low", "because": "nothing that raises it is declared"} if declared != null

# Medium: data of others, or an audience beyond the team.
why contains {"tier": "medium", "because": "it handles customer data"} if declared.capabilities.customer_data == "customer"

why contains {"tier": "medium", "because": sprintf("its data are %s", [declared.tags.data])} if {
	declared.tags.data in {"confidential", "customer"}
}

why contains {"tier": "medium", "because": sprintf("it is exposed to %s", [audience[declared.tags.exposure]])} if {
	declared.tags.exposure in {"partner", "internet"}
}

why contains {"tier": "medium", "because": sprintf("it influences %s", [influence])} if {
	some influence in declared.use_case.influences
	influence in {"triage", "content-filtering", "classification"}
}

why contains {"tier": "medium", "because": sprintf("it reads from %s", [connection])} if {
	some connection in declared.connections
	reads_only(connection)
}

# High: it decides, acts, or knows secrets; alone or through what it is
# connected to.
why contains {"tier": "high", "because": "it makes decisions"} if declared.capabilities.makes_decisions

why contains {"tier": "high", "because": "it reads secrets"} if declared.capabilities.reads_secrets

why contains {"tier": "high", "because": "it calls tools"} if declared.capabilities.calls_tools

why contains {"tier": "high", "because": "it handles regulated data"} if regulated

why contains {"tier": "high", "because": sprintf("it influences %s", [influence])} if {
	some influence in control
}

why contains {"tier": "high", "because": sprintf("it is connected to %s", [connection])} if {
	some connection in declared.connections
	not reads_only(connection)
}

# Critical: two of these meet.
why contains {"tier": "critical", "because": "it reads secrets and calls tools"} if {
	declared.capabilities.reads_secrets
	declared.capabilities.calls_tools
}

why contains {"tier": "critical", "because": "it decides on regulated data"} if {
	regulated
	decides
}

why contains {"tier": "critical", "because": sprintf("the internet reaches it and it influences %s", [influence])} if {
	declared.tags.exposure == "internet"
	some influence in control
}

# What it influences that is itself a control.
control := {influence |
	some influence in declared.use_case.influences
	influence in {"access", "transactions", "automation"}
}

decides if declared.capabilities.makes_decisions

decides if count(control) > 0

regulated if declared.capabilities.customer_data == "regulated"

regulated if declared.tags.data == "regulated"

# Anything that is not plainly a source of text counts as part of the control
# plane: an agent, an API, a queue.
reads_only(connection) if regex.match(`^(rag|retrieval|search|index|documents)([:/ ].*)?$`, lower(connection))

audience := {"partner": "partners", "internet": "the internet"}

derived := names[max({levels[entry.tier] | some entry in why})]

default by_hand := "low"

by_hand := declared.tier if declared.tier in names

effective := names[max({levels[derived], levels[by_hand]})]
