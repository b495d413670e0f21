package monitor

import "github.com/loanops/loanops/internal/dataset"

// Broken are the rules of the schema that rows break: what would refuse a training changes the meaning of columns, what their schema can take in does
// not, and is found where it grows by them.
func Broken(report dataset.Report, grows bool) (found []Finding) {
	for _, f := range report.Findings {
		breaks := f.Severity == dataset.Error
		adds := grows && (f.Rule == dataset.RuleSchema || f.Rule == dataset.RuleUnexpectedColumn)
		if !breaks && !adds {
			continue
		}
		found = append(found, Finding{
			Kind: OfSchema, Feature: f.Column, Statistic: Statistic(f.Rule), Value: f.Share, Rows: report.Rows, Message: f.Message, Meaning: breaks,
		})
	}
	return found
}

// Unaccepted is a change of the schema that waits for a person; message says which.
func Unaccepted(message string) Finding {
	return Finding{Kind: OfSchema, Statistic: Statistic(dataset.RuleSchema), Message: message, Meaning: true}
}
