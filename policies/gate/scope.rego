# Where and how long it may run.
package modelward.gate

import data.modelward.lib

problems contains {"control": "scope", "reason": lib.located("scope-missing", "where it may run is not said", "list scope.environments, scope.namespaces or scope.hosts in modelward.yaml", place)} if {
	manifest != null
	scope := object.get(manifest, "scope", {})
	count([where | some where in ["environments", "namespaces", "hosts"]; some _ in object.get(scope, where, [])]) == 0
}

problems contains {"control": "expiry", "reason": lib.located("expired", message, "retire it, or assess it again and move expires in modelward.yaml", place)} if {
	manifest.expires
	not runs_until(manifest.expires)
	message := sprintf("it was to run until %s", [manifest.expires])
}

# Both are of the form YYYY-MM-DD, so that text order is time's.
runs_until(date) if {
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, date)
	substring(input.context.now, 0, 10) <= date
}

problems contains {"control": "expiry-set", "reason": lib.located("expiry-missing", "nothing says when it has to be assessed again", "set expires in modelward.yaml to a date", place)} if {
	manifest != null
	not manifest.expires
}
