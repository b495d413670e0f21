package dataset

// Severity says whether a finding refuses training.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Rule names what a finding is about.
type Rule string

// The rules. Those of the first group are of single rows: a row that breaks one is put into quarantine.
const (
	RuleType       Rule = "type"
	RuleDomain     Rule = "domain"
	RuleRange      Rule = "range"
	RuleRequired   Rule = "required"    // a value that may not be missing is
	RuleFutureDate Rule = "future_date" // a date after the day on which the data were known
	RuleLabel      Rule = "label"

	RuleRows             Rule = "rows"
	RuleQuarantine       Rule = "quarantine"
	RuleMissingRate      Rule = "missing_rate"
	RuleMissingColumn    Rule = "missing_column"
	RuleUnexpectedColumn Rule = "unexpected_column"
	RuleProtected        Rule = "protected"
	RuleDuplicates       Rule = "duplicates"
	RuleUnknownEntity    Rule = "unknown_entity" // an outcome of no application
	RuleSchema           Rule = "schema"         // what the data bring becomes a part of the schema
)

// Finding is one thing that validation saw. It names columns, counts and rows, never an applicant's values.
type Finding struct {
	Column   string   `json:"column"`
	Rule     Rule     `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Count    int64    `json:"count"` // of rows, or of values
	Share    float64  `json:"share"` // of the rows that were looked at, 0 to 1
	// RowIDs are some of the rows, in the order of the source: their entity, else their ordinal.
	RowIDs []string `json:"row_ids"`
}

// MaxRowIDs is how many rows a finding names.
const MaxRowIDs = 10

// Report is the outcome of a validation.
type Report struct {
	Rows     int64     `json:"rows"`
	Labelled int64     `json:"labelled"` // rows with a known, matured label
	Positive int64     `json:"positive"`
	Findings []Finding `json:"findings"`
}

// Messages returns the texts of the findings of a severity.
func (r Report) Messages(severity Severity) []string {
	texts := []string{}
	for _, f := range r.Findings {
		if f.Severity == severity {
			texts = append(texts, f.Message)
		}
	}
	return texts
}
