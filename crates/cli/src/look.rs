use modelward_schema::Report;
use crate::output::Look;
impl Look {
    pub(crate) fn reports(&self, reports: &[Report]) -> String {
        let mut out = String::new();
        for report in reports {
            out.push_str(&serde_json::to_string_pretty(report).unwrap_or_default());
            out.push('\n');
        }
        out
    }
}
