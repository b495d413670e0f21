package decision

import (
	"strings"

	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// The verdicts.
const (
	Approve = "approve"
	Decline = "decline"
)

// Decision is what becomes of an application.
type Decision struct {
	Probability float64
	Verdict     string
	// Reasons are the principal reasons of a decline, strongest first; an approval has none. Never nil.
	Reasons []Reason
}

// Reason is one principal reason.
type Reason struct {
	Field string `json:"field"`
	Text  string `json:"text"` // as the policy says it
	// Contribution is on the log-odds scale against the average of the training rows; its sign is the model's.
	Contribution float64 `json:"contribution"`
}

// Decider is a model under a policy: what a track decides by. It is safe for concurrent use.
type Decider struct {
	Model *model.Model
	// Meaning is of the label that the model was trained on.
	Meaning pipeline.Meaning
	Policy  Policy
}

// Decide decides a row in the order of the model's signature. Faults are those of model.Score.
func (d Decider) Decide(row []transform.Value) (Decision, error) {
	probability, err := d.Model.Score(row)
	if err != nil {
		return Decision{}, err
	}
	return d.Of(probability, row)
}

// Of decides a row whose probability is known.
func (d Decider) Of(probability float64, row []transform.Value) (Decision, error) {
	decided := Decision{Probability: probability, Verdict: d.verdict(probability), Reasons: []Reason{}}
	if decided.Verdict == Approve {
		return decided, nil
	}
	factors, err := explain.Principal(d.Model, row, d.Meaning)
	if err != nil {
		return Decision{}, err
	}
	for _, factor := range factors {
		decided.Reasons = append(decided.Reasons, Reason{Field: factor.Field, Text: d.Policy.text(factor.Field), Contribution: factor.Contribution})
	}
	return decided, nil
}

// verdict: at the cutoff a default probability declines and an approval probability approves.
func (d Decider) verdict(probability float64) string {
	if (probability >= d.Policy.Cutoff) == (d.Meaning == pipeline.MeaningDefault) {
		return Decline
	}
	return Approve
}

func (p Policy) text(field string) string {
	if text := p.Reasons[field]; text != "" {
		return text
	}
	return strings.ReplaceAll(field, "_", " ")
}
