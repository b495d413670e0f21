package infer

import (
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Label is the label column with its values. Its column is empty where none looks like one.
type Label struct {
	Column   string           `json:"column"`
	Positive string           `json:"positive"`
	Negative string           `json:"negative"`
	Meaning  pipeline.Meaning `json:"meaning"`

	remarks []string
}

// Words of a label's name, by how surely they say that it is one.
var (
	outcomeWords = []string{
		"default", "defaulted", "defaults", "bad", "label", "target", "class", "outcome", "delinquent", "delinquency", "chargeoff", "chargedoff", "creditability", "y",
		"performance", "badflag", "goodbad",
	}
	decisionWords = []string{"approved", "approval", "accepted", "granted", "deny", "denied", "denial", "declined", "decline", "rejected", "decision", "action"}
	perhapsWords  = []string{"status", "result", "response", "risk", "good", "paid", "flag"}

	// refusalWords are decisions whose yes is a no to the applicant.
	refusalWords = []string{"deny", "denied", "denial", "declined", "decline", "rejected"}
	// badValues and goodValues are of what became of a loan, in lower case; refusedValues and grantedValues of what somebody decided.
	badValues = []string{
		"bad", "default", "defaulted", "chgoff", "charged off", "charge off", "chargeoff", "charged-off", "delinquent", "late", "loss", "fail", "failed", "unpaid",
	}
	goodValues    = []string{"good", "paid", "p i f", "pif", "fully paid", "paid in full", "current", "repaid", "no default", "non-default"}
	refusedValues = []string{"denied", "deny", "declined", "decline", "rejected", "reject", "refused"}
	grantedValues = []string{"approved", "approve", "accepted", "accept", "granted", "originated"}
	trueValues    = []string{"1", "1.0", "yes", "y", "true", "t"}
)

// labelScore is how much a column looks like the label by its name and place; 0 is not at all.
func labelScore(words []string, place, columns int) int {
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	var score int
	switch {
	case has(outcomeWords):
		score = 6
	case has(decisionWords):
		score = 4
	case has(perhapsWords):
		score = 2
	default:
		return 0
	}
	if place == 0 || place == columns-1 {
		score++
	}
	return score
}

// twoValues are the two values of a label, the more frequent first. Each must be in enough rows to be told.
func (t *tally) twoValues() ([]string, bool) {
	if t.tooMany {
		return nil, false
	}
	values := t.categories(surely)
	if len(values) != 2 {
		return nil, false
	}
	order := mostFrequent(values)
	return order, values[order[1]] >= dataset.LeastNamed
}

// findLabel is the place of the label's column, -1 for none, and those of others that look like outcomes as well.
func (s *Schema) findLabel(all []tally, wanted string) (label int, others []int, err error) {
	label, best := -1, 0
	for i := range s.Columns {
		c := &s.Columns[i]
		if wanted != "" && c.Name == wanted {
			label, best = i, 100
		}
		score := labelScore(wordsOf(c.Name), i, len(s.Columns))
		if _, two := all[i].twoValues(); score == 0 || !two || c.Protected || c.Name == wanted {
			continue
		}
		if score >= 4 {
			others = append(others, i)
		}
		if score > best && wanted == "" {
			label, best = i, score
		}
	}
	switch {
	case wanted != "" && label < 0:
		return -1, nil, fault.New(fault.Invalid, "--label: there is no column %q", wanted)
	case wanted != "":
		if _, two := all[label].twoValues(); !two {
			return -1, nil, fault.New(fault.Invalid, "--label: column %q is wanted to have two values, each in at least %d rows", wanted, dataset.LeastNamed)
		}
	}
	return label, slices.DeleteFunc(others, func(i int) bool { return i == label }), nil
}

// meaning says which of two values is positive, from the words of name and values.
func meaning(name string, values []string, remark func(string)) Label {
	l := Label{Column: name, Meaning: pipeline.MeaningDefault, Positive: values[1], Negative: values[0]} // the rarer one
	is := func(list []string) int {
		return slices.IndexFunc(values, func(v string) bool { return slices.Contains(list, strings.ToLower(v)) })
	}
	positive := func(i int) { l.Positive, l.Negative = values[i], values[1-i] }
	words := wordsOf(name)
	refusal := slices.ContainsFunc(words, func(w string) bool { return slices.Contains(refusalWords, w) })
	truth := is(trueValues)
	decision := refusal || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(decisionWords, w) }) ||
		truth >= 0 && strings.EqualFold(values[truth], "y") && slices.Contains(words, "status")
	switch {
	case is(grantedValues) >= 0:
		l.Meaning = pipeline.MeaningApproval
		positive(is(grantedValues))
	case is(refusedValues) >= 0:
		l.Meaning = pipeline.MeaningApproval
		positive(1 - is(refusedValues))
	case is(badValues) >= 0:
		positive(is(badValues))
	case is(goodValues) >= 0:
		positive(1 - is(goodValues))
	case truth >= 0 && refusal:
		l.Meaning = pipeline.MeaningApproval
		positive(1 - truth)
	case truth >= 0 && decision:
		l.Meaning = pipeline.MeaningApproval
		positive(truth)
	case truth >= 0 && slices.ContainsFunc(words, func(w string) bool { return w == "good" || w == "paid" }):
		positive(1 - truth)
	case truth >= 0:
		positive(truth)
	default:
		remark("the rarer value is taken for positive")
	}
	return l
}
