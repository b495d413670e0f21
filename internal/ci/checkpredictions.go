package ci

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

// Options say how far CheckPredictions goes.
type Options struct {
	// Seed draws the values: the same one draws the same.
	Seed uint64
	// Rows is how many applications of any values are decided, beside those with one value out of the ordinary. Defaults to 2,000.
	Rows int
}

// maxReasons is how many reasons are told; more say no more.
const maxReasons = 10

// CheckPredictions decides applications of all that the schema admits: every category, unseen ones where the domain is open, numbers at their
// borders and near them, what may be missing as null and left out, raw values of which cleaning makes good ones, alone and together. Of each must hold:
//
//   - whatever the feature store knows of the applicant, or does not, it is decided as follows;
//   - it is read without complaint, as a predictor reads it, in whatever order its fields are sent;
//   - its score is a number from 0 to 1 (it may round to either), its verdict one of the two, and a decline has at most four reasons, each with a text;
//   - its contributions are finite and sum up to the difference of its log-odds from the average's;
//   - in a batch, in whatever order the columns are, and as a training encodes it, it is the same to the last bit.
//
// An application that breaks one is made as ordinary as it can be before it is told.
func CheckPredictions(r Repository, d decision.Decider, o Options) Report {
	if o.Rows == 0 {
		o.Rows = 2000
	}
	return newPredictions(&r, d, o.Seed).report(o.Rows)
}

// application is one value of each field, in the order of predictions.fields.
type application []written

// predictions is one look at a model.
type predictions struct {
	r      *Repository
	d      decision.Decider
	random *rand.Rand
	// ask decides a row, contributions explains it, table scores a batch, encode encodes one.
	ask           func([]transform.Value) (decision.Decision, error)
	contributions func([]transform.Value) ([]float64, error)
	table         func(*model.Model, dataset.Table) ([]float64, error)
	encode        encodeBatch

	applications *request.Applications
	// fields are those of a request, so many as sends says, and behind them the features of the store, which readers read.
	fields   []request.Field
	sends    int
	readers  []*request.Reader
	values   [][]written // of each field, those that are read
	ordinary application

	// Those that hold alone, to be looked at as a batch.
	kept   []application
	rows   [][]transform.Value
	scores []float64

	decided      int
	told         map[string]bool // what is wrong with which fields
	reasons, log []string
}

func newPredictions(r *Repository, d decision.Decider, seed uint64) *predictions {
	return &predictions{
		r: r, d: d, random: rand.New(rand.NewPCG(seed, 11)), //nolint:gosec // values for tests, no secret
		ask: d.Decide, contributions: d.Model.Contributions, table: scoring.Table, encode: transform.EncodeBatch, told: map[string]bool{},
	}
}

// report looks at the model, and says what was found.
func (p *predictions) report(rows int) Report {
	if err := p.look(rows); err != nil {
		return Report{Status: Refused, Summary: "the model cannot be asked", Reasons: []string{err.Error()}}
	}
	report := Report{Status: Passed, Log: p.log, Reasons: p.reasons}
	looked := fmt.Sprintf("%s of %s", count(p.decided, "application"), count(len(p.fields), "field"))
	report.Summary = looked + ": each has a finite score"
	if len(p.reasons) > 0 {
		report.Status, report.Summary = Refused, looked+": "+count(len(p.reasons), "fault")
	}
	if len(report.Reasons) > maxReasons {
		report.Reasons = append(report.Reasons[:maxReasons:maxReasons], fmt.Sprintf("and %d more", len(p.reasons)-maxReasons))
	}
	return report
}

// look decides applications: an ordinary one, those with one value out of the ordinary, and so many of any values.
func (p *predictions) look(rows int) error {
	contract := p.d.Model.Contract
	var err error
	if p.applications, err = request.NewApplications(contract, p.d.Model.Signature()); err != nil {
		return err
	}
	p.fields, p.sends = slices.Clone(contract.Fields), len(contract.Fields)
	if err := p.store(contract); err != nil {
		return err
	}
	for i := range p.fields {
		if err := p.field(i); err != nil {
			return err
		}
	}
	if len(p.ordinary) < len(p.fields) || !p.decide(p.ordinary) {
		return nil // what is wrong with each is told already
	}
	for i := range p.fields {
		for _, value := range p.values[i][1:] {
			p.decide(p.with(p.ordinary, i, value))
		}
	}
	for range rows {
		any := make(application, len(p.fields))
		for i := range any {
			any[i] = p.values[i][p.random.IntN(len(p.values[i]))]
		}
		p.decide(any)
	}
	p.batch()
	return nil
}

// store adds the features of the feature store to the fields: all values that their definitions admit, and none, unless the spec
// refuses applications of which a feature is missing or stale.
func (p *predictions) store(contract request.Contract) error {
	for _, column := range p.applications.Features() {
		field := request.FieldOf(column, nil)
		field.Nullable = contract.Store.Missing != pipeline.RefuseDecision || contract.Store.Stale != pipeline.RefuseDecision
		reader, err := request.NewReader(field)
		if err != nil {
			return err
		}
		p.fields, p.readers = append(p.fields, field), append(p.readers, reader)
	}
	return nil
}

// field finds the values of a field that are read, the ordinary one first, and tells those that are not and should be. A value is good as the spec
// declares it, and as the model's contract does, which data may have widened.
func (p *predictions) field(i int) error {
	f := p.fields[i]
	all := admissible(&f, p.random)
	spec := request.Of(p.r.Spec)
	if at := spec.Index(f.Name); at >= 0 {
		all = append(all, admissible(&spec.Fields[at], p.random)...)
	}
	reader, err := request.NewReader(f)
	if err != nil {
		return err
	}
	var good []written
	spoilt := &spoilt{r: p.r, f: &f}
	seen := map[string]bool{}
	for _, w := range all {
		if seen[w.raw] {
			continue
		}
		seen[w.raw] = true
		complaint := request.Complaint{}
		switch {
		case w.raw != "":
			_, complaint = reader.Read(json.RawMessage(w.raw))
		case !f.Nullable:
			complaint = request.Complaint{Rule: request.Required, Text: "is missing; " + f.Wanted() + " is wanted"}
		}
		switch {
		case complaint.Rule == "":
			good = append(good, w)
		case complaint.Rule != request.Required || w.declared:
			spoilt.add(w, complaint)
		}
	}
	p.reasons = append(p.reasons, spoilt.reasons()...)
	p.values = append(p.values, good)
	p.log = append(p.log, fmt.Sprintf("%s: %s", f.Name, count(len(good), "value")))
	if len(good) > 0 {
		p.ordinary = append(p.ordinary, good[0])
	}
	return nil
}

// with is an application with another value of one field.
func (p *predictions) with(a application, field int, value written) application {
	other := slices.Clone(a)
	other[field] = value
	return other
}

// decide says whether an application holds, and tells what does not.
func (p *predictions) decide(a application) bool {
	p.decided++
	row, score, wrong := p.holds(a)
	if wrong.property != "" {
		p.tell(a, wrong)
		return false
	}
	p.kept, p.rows, p.scores = append(p.kept, a), append(p.rows, row), append(p.scores, score)
	return true
}
