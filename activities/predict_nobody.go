package activities

import (
	"slices"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
)

// askedOfNobody is on how many rows it is predicted what becomes of the platform's own requests.
const askedOfNobody = 5000

// ofNobody is the prediction for applications that name nobody of whom the feature store knows anything: both sides decide them by defaults. Nil where neither looks anything
// up, for then it is that of all.
func ofNobody(rows dataset.Table, champion, candidate side) (*canary.Prediction, error) {
	if !looksUp(champion.decider) && !looksUp(candidate.decider) {
		return nil, nil
	}
	p := &canary.Prediction{}
	applications, _, err := scoring.Applications(rows, askedOfNobody, champion.decider.Model.Contract, candidate.decider.Model.Contract)
	if err != nil {
		return nil, err
	}
	var read [2]*request.Applications
	sides := [2]decision.Decider{champion.decider, candidate.decider}
	for i, d := range sides {
		if read[i], err = request.NewApplications(d.Model.Contract, d.Model.Signature()); err != nil {
			return nil, err
		}
	}
	for _, application := range applications {
		var by [2]canary.Decided
		for i, d := range sides {
			row, err := model.Asked(read[i], application)
			if err != nil {
				return nil, err
			}
			decided, err := d.Decide(row)
			if err != nil {
				return nil, err
			}
			by[i] = decidedAs(decided)
		}
		p.Add(by[0], by[1])
	}
	return p, nil
}

func looksUp(d decision.Decider) bool {
	return slices.ContainsFunc(d.Model.Contract.Added, func(c pipeline.Column) bool { return c.Feature != "" })
}
