package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/serving"
)

// ComparisonInput is a candidate and the champion that it is held against, each a version under its policy.
type ComparisonInput struct {
	Candidate Candidate     `json:"candidate"`
	Champion  serving.Track `json:"champion"`
}

// ContractOutput is how the candidate's contract of requests breaks the champion's.
type ContractOutput struct {
	// Breaks say, in words, which requests that are good today would not be any more; none means that every one stays good.
	Breaks []string `json:"breaks"`
	// Meant is that the spec allows them.
	Meant bool `json:"meant"`
}

// Summary counts the breaks.
func (o ContractOutput) Summary() string {
	switch {
	case len(o.Breaks) == 0:
		return "every request that is good stays good"
	case o.Meant:
		return fmt.Sprintf("%d breaks of the contract of requests, which the spec allows", len(o.Breaks))
	}
	return fmt.Sprintf("%d breaks of the contract of requests", len(o.Breaks))
}

// Refused are the breaks that the spec does not allow.
func (o ContractOutput) Refused() []string {
	if o.Meant {
		return nil
	}
	return o.Breaks
}

// Comparison holds a candidate against the champion before any traffic.
type Comparison struct {
	Registry registry.Registry
	Objects  Objects
	// Page renders a swap set for people.
	Page func(report.SwapSet) ([]byte, error)
}

// CheckContract holds the candidate's contract of requests against the champion's.
func (c *Comparison) CheckContract(ctx context.Context, in ComparisonInput) (ContractOutput, error) {
	spec, _, err := in.Candidate.read(ctx, c.Registry)
	if err != nil {
		return ContractOutput{}, err
	}
	before, err := contractOf(ctx, c.Registry, c.Objects, in.Candidate.Model, in.Champion.Version)
	if err != nil {
		return ContractOutput{}, err
	}
	after, err := contractOf(ctx, c.Registry, c.Objects, in.Candidate.Model, in.Candidate.Version)
	return ContractOutput{Breaks: request.Words(request.Breaks(before, after)), Meant: spec.Deploy.Contract == pipeline.ContractBreaking}, err
}

// contractOf is the contract of requests of a model's version.
func contractOf(ctx context.Context, reg registry.Registry, objects Objects, model string, number int) (request.Contract, error) {
	version, err := reg.Version(ctx, model, number)
	if err != nil {
		return request.Contract{}, err
	}
	m, err := getModel(ctx, objects, version.Bundle)
	if err != nil {
		return request.Contract{}, err
	}
	return m.Contract, nil
}
