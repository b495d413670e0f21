package profile_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// column is one feature of some rows.
func column(c dataset.Column, label []float64) profile.Column {
	return profile.Of(dataset.Table{Columns: []dataset.Column{c}}, profile.About{Role: everything, Label: label}).Profile("x").Columns[0]
}

// repeated is a column of texts, and the labels of its rows.
func repeated(of ...struct {
	text                             string
	negatives, positives, unlabelled int
}) (c dataset.Column, label []float64) {
	c = dataset.Column{Name: "text", Kind: dataset.Text}
	for _, v := range of {
		for _, class := range []struct {
			value float64
			rows  int
		}{{0, v.negatives}, {1, v.positives}, {math.NaN(), v.unlabelled}} {
			for range class.rows {
				c.Texts, c.Valid, label = append(c.Texts, v.text), append(c.Valid, v.text != ""), append(label, class.value)
			}
		}
	}
	return c, label
}

type rows = struct {
	text                             string
	negatives, positives, unlabelled int
}

// By hand: with half a row in each of three bins there are 100.5 negatives and 51.5 positives.
func TestWeightOfEvidence(t *testing.T) {
	t.Parallel()
	c, label := repeated(rows{"own", 90, 10, 7}, rows{"rent", 9, 38, 0}, rows{"", 0, 2, 1})
	by := column(c, label).ByLabel
	require.Len(t, by.Bins, 3)
	n, p := 99+1.5, 50+1.5
	want := []float64{math.Log((90.5 / n) / (10.5 / p)), math.Log((9.5 / n) / (38.5 / p)), math.Log((0.5 / n) / (2.5 / p))}
	iv := 0.0
	for i, shares := range [][2]float64{{90.5 / n, 10.5 / p}, {9.5 / n, 38.5 / p}, {0.5 / n, 2.5 / p}} {
		require.InDelta(t, want[i], by.Bins[i].WOE, 1e-12)
		require.InDelta(t, (shares[0]-shares[1])*want[i], by.Bins[i].IV, 1e-12)
		iv += (shares[0] - shares[1]) * want[i]
	}
	require.InDelta(t, iv, by.IV, 1e-12)
	require.InDelta(t, 2*(1.0/99+1.0/50), by.Chance, 1e-12)
	require.Equal(t, []profile.BinKind{profile.BinText, profile.BinText, profile.BinMissing}, []profile.BinKind{by.Bins[0].Kind, by.Bins[1].Kind, by.Bins[2].Kind})
	require.Equal(t, []int{107, 100, 10}, []int{by.Bins[0].Rows, by.Bins[0].Labelled, by.Bins[0].Positive}, "rows without a label count as rows alone")
	require.InDelta(t, 0.1, *by.Bins[0].Rate, 1e-15)
}

// A text of fewer than five rows is in no bin of its own.
func TestRareTextsAreOthers(t *testing.T) {
	t.Parallel()
	c, label := repeated(rows{"own", 20, 20, 0}, rows{"Ann", 2, 2, 0}, rows{"Bob", 1, 0, 0}, rows{"rent", 3, 2, 0})
	got := column(c, label)
	require.Equal(t, []profile.Value{{Text: "own", Count: 40}, {Text: "rent", Count: 5}}, got.Top)
	require.Equal(t, profile.BinOther, got.ByLabel.Bins[2].Kind)
	require.Equal(t, 5, got.ByLabel.Bins[2].Rows)
	require.NotContains(t, fmt.Sprintf("%+v", got), "Ann")
}

// A column without any relation to the label has about the information value of chance.
func TestChanceIsWhatNoiseHas(t *testing.T) {
	t.Parallel()
	var values, label []float64
	for i := range 20_000 { // two multiplicative sequences
		values, label = append(values, float64(i*7919%10_007)), append(label, float64(i*104_729%7/5))
	}
	by := column(dataset.Column{Name: "noise", Floats: values}, label).ByLabel
	require.Less(t, by.IV, 5*by.Chance)
	require.Len(t, by.Bins, 10)
	for _, b := range by.Bins {
		require.InDelta(t, 2000, b.Rows, 200, "bins are nearly equal")
	}
}

// Neither class alone, nor the label itself, has weights.
func TestNoWeightsWithoutBothClasses(t *testing.T) {
	t.Parallel()
	c, label := repeated(rows{"own", 10, 0, 0})
	require.Nil(t, column(c, label).ByLabel)
	c, label = repeated(rows{"own", 10, 10, 0})
	p := profile.Of(dataset.Table{Columns: []dataset.Column{c}}, profile.About{Role: func(string) profile.Role { return profile.Label }, Label: label}).Profile("x")
	require.Nil(t, p.Columns[0].ByLabel)
	require.Equal(t, 20, p.Labelled)
	require.Equal(t, 10, p.Positive)
}

// Values of few cells have a bin each; codes have one of their own beside ten others.
func TestBins(t *testing.T) {
	t.Parallel()
	var values, label []float64
	for i := range 1000 {
		values, label = append(values, float64(i)), append(label, float64(i%2))
		if i%10 == 0 {
			values[i] = -9
		}
	}
	by := column(dataset.Column{Name: "n", Floats: values}, label).ByLabel
	require.Len(t, by.Bins, 11)
	require.Equal(t, []float64{-9, -9, 1}, []float64{*by.Bins[0].From, *by.Bins[0].To, *by.Bins[1].From})
	require.Equal(t, 999.0, *by.Bins[10].To)
	for i := range values {
		values[i] = float64(i % 6)
	}
	require.Len(t, column(dataset.Column{Name: "n", Floats: values}, label).ByLabel.Bins, 6)
}
