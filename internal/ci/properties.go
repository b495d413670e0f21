package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/transform"
)

// broken is a property that an application does not have, and how that shows.
type broken struct{ property, how string }

// The properties, as a reason says them.
const (
	isRead     = "is not read"
	hasScore   = "has no finite score"
	hasVerdict = "has no verdict with reasons"
	sumsUp     = "has contributions that do not sum up to its score"
	anyOrder   = "is another one when its fields come in another order"
	asBatch    = "is another one in a batch"
)

// holds looks at one application, and gives the row that the model reads and its score.
func (p *predictions) holds(a application) (row []transform.Value, score float64, wrong broken) {
	order := inOrder(len(a))
	values, row, wrong := p.read(a, order)
	if wrong.property != "" {
		return nil, 0, wrong
	}
	score, wrong = p.verdict(row)
	if wrong.property != "" {
		return nil, 0, wrong
	}
	if wrong = p.sums(row, score); wrong.property != "" {
		return nil, 0, wrong
	}
	p.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	others, other, wrong := p.read(a, order)
	if wrong.property != "" {
		return nil, 0, broken{anyOrder, wrong.how}
	}
	if again, err := p.ask(other); err != nil || !slices.Equal(values, others) || math.Float64bits(again.Probability) != math.Float64bits(score) {
		return nil, 0, broken{anyOrder, fmt.Sprintf("its score of %v becomes %v", score, again.Probability)}
	}
	return row, score, broken{}
}

// read reads an application whose fields are sent in an order, as a predictor does.
func (p *predictions) read(a application, order []int) (values, row []transform.Value, wrong broken) {
	read, complaints, err := p.applications.Read(p.sent(a, order))
	if err != nil {
		return nil, nil, broken{isRead, err.Error()}
	}
	for _, c := range complaints {
		return nil, nil, broken{isRead, c.Field + ": " + c.Text}
	}
	return read.Values, p.applications.Row(read, p.found(a)), broken{}
}

// found are the values of features, as the store gives them.
func (p *predictions) found(a application) []transform.Value {
	found := make([]transform.Value, len(p.readers))
	for i, reader := range p.readers {
		found[i].Missing = true
		if raw := a[p.sends+i].raw; raw != "" {
			found[i], _ = reader.Read(json.RawMessage(raw)) // it is one of those that are read
		}
	}
	return found
}

// sent is an application as JSON.
func (p *predictions) sent(a application, order []int) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for _, i := range order {
		if i >= p.sends || a[i].raw == "" {
			continue // what the store knows nobody sends
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(quoted(p.fields[i].Name) + ":" + a[i].raw)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// verdict looks at what becomes of a row.
func (p *predictions) verdict(row []transform.Value) (score float64, wrong broken) {
	decided, err := p.ask(row)
	if err != nil {
		return 0, broken{hasScore, err.Error()}
	}
	score = decided.Probability
	switch {
	case !(score >= 0 && score <= 1):
		return 0, broken{hasScore, fmt.Sprintf("it is %v; a number from 0 to 1 is wanted", score)}
	case decided.Verdict != decision.Approve && decided.Verdict != decision.Decline:
		return 0, broken{hasVerdict, fmt.Sprintf("it is %q", decided.Verdict)}
	case len(decided.Reasons) > explain.MaxReasons:
		return 0, broken{hasVerdict, fmt.Sprintf("it has %d reasons; at most %d are wanted", len(decided.Reasons), explain.MaxReasons)}
	}
	for _, reason := range decided.Reasons {
		if reason.Text == "" {
			return 0, broken{hasVerdict, fmt.Sprintf("the reason %q has no text", reason.Field)}
		}
	}
	return score, broken{}
}

// sums holds the contributions against the score: the log-odds of the score are the average's and the contributions together, but for rounding. Scores
// within 1e-9 of 1 have lost the digits for that.
func (p *predictions) sums(row []transform.Value, score float64) broken {
	contributions, err := p.contributions(row)
	if err != nil {
		return broken{sumsUp, err.Error()}
	}
	logit, size := p.d.Model.Intercept, math.Abs(p.d.Model.Intercept)
	for i, average := range p.d.Model.Background {
		term := p.d.Model.Coefficients[i] * average
		logit, size = logit+term, size+math.Abs(term)
	}
	for i, c := range contributions {
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return broken{sumsUp, fmt.Sprintf("that of %q is %v", p.d.Model.Signature()[i].Name, c)}
		}
		logit, size = logit+c, size+math.Abs(c)
	}
	odds := math.Log(score) - math.Log1p(-score)
	if score > 0 && score < 1-1e-9 && !near(odds, logit, 1e-6+1e-9*size) {
		return broken{sumsUp, fmt.Sprintf("the log-odds of the score are %v, those of the average and the contributions together %v", odds, logit)}
	}
	return broken{}
}
