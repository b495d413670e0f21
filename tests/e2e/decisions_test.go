package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
)

// modelVersion is the part of `loanops models show` that these tests read.
type modelVersion struct {
	Version int    `json:"version"`
	Digest  string `json:"digest"`
	Metrics map[string]struct {
		Estimate float64 `json:"estimate"`
		Lower    float64 `json:"lower"`
		Upper    float64 `json:"upper"`
	} `json:"metrics"`
}

// The stored test set, sent as a lender would send it, must give the AUC in the registry to 1e-9.
func TestTestSetScoredThroughRESTGivesTheRegisteredAUC(t *testing.T) {
	version := shared.champion(t)
	var model modelVersion
	shared.runJSON(t, &model, 0, "models", "show", name, strconv.Itoa(version))
	table := shared.testSet(t, version)
	require.Greater(t, table.Rows(), 1000)

	fields := shared.fields(t)
	var positive, negative []float64
	const batch = 100
	for from := 0; from < table.Rows(); from += batch {
		var applications []map[string]any
		for i := from; i < min(from+batch, table.Rows()); i++ {
			applications = append(applications, application(table, fields, i))
		}
		var answer struct {
			Decisions []decision `json:"decisions"`
		}
		require.Equal(t, 200, shared.post(t, "/v1/decisions/batch", map[string]any{"applications": applications}, &answer))
		require.Len(t, answer.Decisions, len(applications))
		for i, d := range answer.Decisions {
			require.Equal(t, version, d.Model.Version)
			require.Equal(t, model.Digest, d.Model.Digest)
			if table.Column("defaulted").Texts[from+i] == "1" {
				positive = append(positive, d.Probability)
			} else {
				negative = append(negative, d.Probability)
			}
		}
	}
	require.InDelta(t, model.Metrics["auc"].Estimate, auc(positive, negative), 1e-9)
}

// testSet is the stored test set of a version.
func (p *platform) testSet(t *testing.T, version int) *dataset.Table {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.save(t, strconv.Itoa(version)), "test.parquet"))
	require.NoError(t, err)
	table, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	return &table
}

// auc is the share of pairs that are ranked right, by its definition: ties count half.
func auc(positive, negative []float64) float64 {
	right := 0.0
	for _, p := range positive {
		for _, n := range negative {
			switch {
			case p > n:
				right++
			case p == n:
				right += 0.5
			}
		}
	}
	return right / float64(len(positive)*len(negative))
}

// fields are the names that /openapi.json describes for one application.
func (p *platform) fields(t *testing.T) []string {
	t.Helper()
	var document struct {
		Components struct {
			Schemas struct {
				Application struct {
					Properties map[string]json.RawMessage `json:"properties"`
				} `json:"Application"`
			} `json:"schemas"`
		} `json:"components"`
	}
	get(t, p.mustEndpoints(t).Gateway+"/openapi.json", &document)
	var fields []string
	for field := range document.Components.Schemas.Application.Properties {
		fields = append(fields, field)
	}
	require.NotEmpty(t, fields)
	slices.Sort(fields)
	return fields
}

// application is row i as a lender's software would send it.
func application(table *dataset.Table, fields []string, i int) map[string]any {
	row := map[string]any{}
	for _, field := range fields {
		column := table.Column(field)
		switch {
		case column.Missing(i):
			row[field] = nil
		case column.Kind == dataset.Text:
			row[field] = column.Texts[i]
		default:
			row[field] = column.Floats[i]
		}
	}
	return row
}

// Every wrong field is named, and no value that the caller sent comes back.
func TestBadApplicationsAreExplained(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(map[string]any)
		want   []string
	}{
		{"wrong type", func(a map[string]any) { a["loan_amount"] = "4711-secret" }, []string{"loan_amount"}},
		{"missing", func(a map[string]any) { delete(a, "term_months") }, []string{"term_months"}},
		{"unknown field", func(a map[string]any) { a["favourite_colour"] = "4711-secret" }, []string{"favourite_colour"}},
		{"out of range", func(a map[string]any) { a["debt_to_income"] = 4711 }, []string{"debt_to_income"}},
		{"unknown category", func(a map[string]any) { a["purpose"] = "4711-secret" }, []string{"purpose"}},
		{"protected attribute", func(a map[string]any) { a["gender"] = "4711-secret" }, []string{"gender"}},
		{"two at once", func(a map[string]any) { a["purpose"], a["loan_amount"] = 1, nil }, []string{"purpose", "loan_amount"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := shared.example(t)
			test.change(a)
			var problem struct {
				Status int `json:"status"`
				Errors []struct {
					Field string `json:"field"`
				} `json:"errors"`
			}
			require.Equal(t, http.StatusUnprocessableEntity, shared.post(t, "/v1/decisions", a, &problem))
			text := fmt.Sprint(problem)
			for _, field := range test.want {
				require.Contains(t, text, field)
			}
			require.False(t, strings.Contains(text, "4711"), "a value came back")
		})
	}
}

func TestTheGatewayAsksForAKey(t *testing.T) {
	response, err := http.Post(shared.mustEndpoints(t).Gateway+"/v1/decisions", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Contains(t, response.Header.Get("Content-Type"), "application/problem+json")
}

// loanops-api goes into every container: it stays small.
func TestThePredictorIsSmall(t *testing.T) {
	info, err := os.Stat(filepath.Join(bin, "loanops-api"))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(40<<20))
}
