package ci

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// smallSpec has a column of every type, open and closed, required and not.
const smallSpec = `name: small-loans
description: test
source: {uri: sample/applications.csv}
label: {column: bad, positive: "1", negative: "0", meaning: default}
entity: id
split: {by: hash}
clean:
  - trim: {columns: [home]}
  - map: {columns: [home], values: {rented: rent}}
  - amount: {columns: [income], currency: "$"}
  - missing: {columns: [debt], codes: ["-9"], reason: no record}
columns:
  - {name: income, type: number, min: 0, max: 100000, reason: income}
  - {name: debt, type: number, missing_max: 0.5}
  - {name: home, type: category, domain: [own, rent]}
  - {name: purpose, type: category, missing_max: 0.1}
  - {name: term, type: integer, min: 6, max: 360}
  - {name: fee, type: decimal, min: 0}
  - {name: first, type: boolean}
gates:
  - {metric: auc, value: lower, min: 0.6}
`

const smallTests = `- name: rented is rent
  row: {home: " rented "}
  expect: {home=rent: 1, home=own: 0, home: {clean: rent}}
`

// treeOf is a tree of files by path and content, one after the other.
func treeOf(t testing.TB, files ...string) *Tree {
	tree := &Tree{}
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, tree.Add(files[i], File{Data: []byte(files[i+1])}))
	}
	return tree
}

// small is a tree with another spec where one is given, made by replacing texts of the usual one.
func small(t testing.TB, replace ...string) *Tree {
	spec := strings.NewReplacer(replace...).Replace(smallSpec)
	if len(replace) > 0 {
		require.NotEqual(t, smallSpec, spec, "nothing was replaced")
	}
	return treeOf(t, "pipeline.yaml", spec, "tests/features.yaml", smallTests, "sample/applications.csv", "id,income\n")
}

func read(t testing.TB, tree *Tree) Repository {
	r, err := Read(tree, Over{Keep: kept})
	require.NoError(t, err)
	return r
}

// decider is a model of a spec with small coefficients. Its training had two rows: with the bounds of bounded numbers, with 5 and 15 of others, and with a
// car and a boat of open categories.
func decider(t testing.TB, spec pipeline.Spec) decision.Decider {
	m := &model.Model{Name: spec.Name, Contract: request.Of(spec), Intercept: -1}
	for _, c := range spec.Columns {
		numbers := []float64{5, 15}
		if c.Min != nil && c.Max != nil {
			numbers = []float64{*c.Min, *c.Max}
		}
		f, s, err := transform.Fit(c, transform.Values{Numbers: numbers, Texts: []string{"car", "boat"}, Valid: []bool{true, true}})
		require.NoError(t, err)
		m.Encoder.Fields, m.Encoder.Scales = append(m.Encoder.Fields, f), append(m.Encoder.Scales, s)
	}
	for i := range m.Encoder.Width() {
		m.Coefficients, m.Background = append(m.Coefficients, 0.1*float64(1+i%3)), append(m.Background, 0.25)
	}
	_, err := m.Encode() // it is one that could be served
	require.NoError(t, err)
	return decision.Decider{Model: m, Meaning: spec.Label.Meaning, Policy: decision.PolicyOf(spec)}
}
