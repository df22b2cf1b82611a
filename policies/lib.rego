# What the other files share: how a reason is made.
package modelward.lib

# A reason takes its severity and framework ids from codes.json by its code.
reason(code, message, fix) := {
	"code": code,
	"severity": data.modelward.codes[code].severity,
	"message": message,
	"fix": fix,
	"frameworks": data.modelward.frameworks[data.modelward.codes[code].about],
}

located(code, message, fix, locations) := object.union(
	reason(code, message, fix),
	{"locations": locations},
)

# A finding is a reason under its rule's id.
from_finding(finding) := {
	"code": finding.rule,
	"severity": finding.severity,
	"message": finding.message,
	"fix": finding.fix,
	"frameworks": finding.frameworks,
	"locations": finding.locations,
}

blank(text) if trim_space(text) == ""

# The member is there and not blank. ("not blank(x.y)" would hold where y is
# absent, too.)
filled(object, key) if {
	text := object[key]
	not blank(text)
}
