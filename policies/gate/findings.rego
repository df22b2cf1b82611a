# Findings below critical; the critical ones are the core's.
package modelward.gate

import data.modelward.lib

problems contains {"control": control, "unsure": finding.confidence == "low", "reason": lib.from_finding(finding)} if {
	some finding in input.findings
	finding.severity != "critical"
	control := concat("-", ["finding", finding.severity])
}
