package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// CheckQueriesInput are queries of views that are not registered yet.
type CheckQueriesInput struct {
	// Queries is a list of feature.Query as JSON.
	Queries artifact.Ref `json:"queries"`
}

// CheckQueriesOutput is what is wrong with them.
type CheckQueriesOutput struct {
	Checked  int            `json:"checked"`
	Problems []QueryProblem `json:"problems"`
}

// QueryProblem is why a view's query cannot be run.
type QueryProblem struct {
	View string `json:"view"`
	// Line and Column are where in the query, from 1; 0 where that is not known.
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// Summary counts them.
func (o CheckQueriesOutput) Summary() string {
	if len(o.Problems) == 0 {
		return fmt.Sprintf("%d queries can be run", o.Checked)
	}
	return fmt.Sprintf("%d of %d queries cannot be run", len(o.Problems), o.Checked)
}

// CheckQueries holds queries to reading the views that they name alone and giving what their views have, without any rows.
func (f *FeatureViews) CheckQueries(ctx context.Context, in CheckQueriesInput) (CheckQueriesOutput, error) {
	out := CheckQueriesOutput{Problems: []QueryProblem{}}
	if f.Warehouse == nil {
		return out, fault.New(fault.Invalid, "this worker has no feature store (LOANOPS_FEATURES_DATABASE)")
	}
	queries, err := getJSON[[]feature.Query](ctx, f.Reading.Cache.Objects, in.Queries)
	if err != nil {
		return out, err
	}
	for _, q := range queries {
		problem, err := f.checkQuery(ctx, q)
		if err != nil {
			return out, err
		}
		if out.Checked++; problem != nil {
			out.Problems = append(out.Problems, *problem)
		}
	}
	return out, nil
}

// checkQuery is what is wrong with a query; nil where nothing is.
func (f *FeatureViews) checkQuery(ctx context.Context, q feature.Query) (*QueryProblem, error) {
	err := f.Warehouse.CheckQuery(ctx, q.View, q.From)
	var wrong *feature.QueryError
	switch {
	case err == nil:
		return nil, nil //nolint:nilnil // as said
	case errors.As(err, &wrong):
		return &QueryProblem{View: q.View.Name, Line: wrong.Line, Column: wrong.Column, Text: shortened(wrong.Text)}, nil
	case fault.CodeOf(err) == fault.Invalid:
		return &QueryProblem{View: q.View.Name, Text: shortened(err.Error())}, nil
	}
	return nil, err
}

// shortened keeps what crosses Temporal small: a message may quote a query.
func shortened(text string) string {
	const most = 500
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most-1]) + "…"
	}
	return text
}
