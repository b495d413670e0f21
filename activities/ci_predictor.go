package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// Predictor tries models in the real loanops-api, each in a process of its own.
type Predictor struct {
	// Image is what predictors run in, and Bring makes it ready, see runtime.Runtime.
	Image string
	Bring func(ctx context.Context, image string) (runtime.Start, error)
}

// sampleVersion is the number under which a predictor serves a model that has none: it was made of a sample.
const sampleVersion = 1

// try serves the model, asks it as a client would, and measures what it needs.
func (p *Predictor) try(ctx context.Context, spec pipeline.Spec, m *model.Model, digest, bundle string, golden model.Golden) (ci.Report, error) {
	document := decision.PolicyOf(spec)
	policy := document.Digest()
	track := contract.TrackSpec{
		ModelVersion: sampleVersion, Digest: digest, PolicyDigest: policy, Policy: string(document.Document()), Meaning: string(spec.Label.Meaning),
		Image: p.Image, MemoryMiB: int64(spec.Deploy.MemoryMiB), CPUMillis: int64(spec.Deploy.CPUMillis),
	}
	start, err := p.Bring(ctx, p.Image)
	if err != nil {
		return ci.Report{}, err
	}
	cfg := measure.Config{Start: start, Bundle: bundle, Spec: track, Applications: golden.Applications()}
	report := ci.Report{Status: ci.Passed, Summary: fmt.Sprintf("%d golden rows over HTTP, one by one and as a batch, and requests that are no good", len(golden.Rows))}
	client := &http.Client{Timeout: time.Minute}
	d := decision.Decider{Model: m, Meaning: spec.Label.Meaning, Policy: document}
	err = measure.Serve(ctx, cfg, func(url string) error {
		for _, ask := range []func() ([]string, error){
			func() ([]string, error) { return smoke(ctx, client, url, d, digest, policy, golden) },
			func() ([]string, error) { return askBatch(ctx, client, url, golden) },
			func() ([]string, error) { return askBadly(ctx, client, url, m, golden) },
		} {
			wrong, err := ask()
			if err != nil {
				return err
			}
			report.Reasons = append(report.Reasons, wrong...)
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	demand, err := measure.Run(ctx, cfg)
	if err != nil {
		return report, err
	}
	planned := capacity.Grant{MemoryMiB: track.MemoryMiB, CPUMillis: track.CPUMillis}
	fit := CapacityInput{Planned: planned, Demand: demand, TargetRate: spec.Deploy.TargetRate}.fit()
	report.Reasons = append(report.Reasons, fit.Misfits...)
	report.Log = append(report.Log, MeasureOutput{Demand: demand}.Summary())
	if len(report.Reasons) > 0 {
		report.Status = ci.Refused
		return report, nil
	}
	report.Summary += "; " + fit.Summary()
	return report, nil
}

// askBatch holds the answers to a batch against those to its applications one by one.
func askBatch(ctx context.Context, client *http.Client, url string, golden model.Golden) ([]string, error) {
	body, err := batchBody(golden, len(golden.Rows))
	if err != nil {
		return nil, err
	}
	status, text, err := post(ctx, client, url+"/v1/decisions/batch", body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Decisions []decided `json:"decisions"`
	}
	if status != http.StatusOK || json.Unmarshal(text, &answer) != nil || len(answer.Decisions) != len(golden.Rows) {
		return []string{fmt.Sprintf("a batch of %d golden rows is answered with HTTP %d and %d decisions", len(golden.Rows), status, len(answer.Decisions))}, nil //nolint:nilerr // that is the finding
	}
	for n, row := range golden.Rows {
		if p := answer.Decisions[n].Probability; p != row.Probability {
			return []string{fmt.Sprintf("golden row %d has another probability in a batch than alone", n+1)}, nil
		}
	}
	return nil, nil
}

// askBadly sends what the contract of requests does not admit: each must be refused as the client's fault, naming the field.
func askBadly(ctx context.Context, client *http.Client, url string, m *model.Model, golden model.Golden) (wrong []string, err error) {
	for _, bad := range badRequests(m, golden.Rows[0].Application) {
		body, err := json.Marshal(bad.application)
		if err != nil {
			return wrong, fault.Wrap(fault.Internal, err, "encoding a request")
		}
		status, _, err := post(ctx, client, url+"/v1/decisions", body)
		if err != nil {
			return wrong, err
		}
		if status < 400 || status > 499 {
			wrong = append(wrong, fmt.Sprintf("a request %s is answered with HTTP %d; it is the client's fault, 4xx", bad.what, status))
		}
	}
	return wrong, nil
}

type badRequest struct {
	what        string
	application map[string]any
}

// badRequests are a good application with one thing wrong each.
func badRequests(m *model.Model, good map[string]any) []badRequest {
	with := func(name string, value any) map[string]any {
		copied := map[string]any{name: value}
		for key, v := range good {
			if key != name {
				copied[key] = v
			}
		}
		return copied
	}
	bad := []badRequest{{"with a field that nobody declared", with("no_such_field", 1)}}
	if i := slices.IndexFunc(m.Contract.Fields, func(f request.Field) bool { return !f.Nullable }); i >= 0 {
		bad = append(bad, badRequest{"without " + m.Contract.Fields[i].Name, with(m.Contract.Fields[i].Name, nil)})
	}
	if i := slices.IndexFunc(m.Contract.Fields, func(f request.Field) bool { return !f.TakesTexts() }); i >= 0 {
		bad = append(bad, badRequest{"with a text in " + m.Contract.Fields[i].Name, with(m.Contract.Fields[i].Name, "none")})
	}
	return bad
}
