package report_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/report"
)

// described is the profile of rows with a number, a text, a column without values and the label, over a few months; names and texts are hostile.
func described(t testing.TB, columns int) profile.Profile {
	t.Helper()
	const rows = 3000
	days := dataset.Column{Name: "day", Kind: dataset.Date}
	table := dataset.Table{Columns: make([]dataset.Column, columns)}
	var label []float64
	for i := range rows {
		days.Floats = append(days.Floats, float64(20_000+i/10))
		label = append(label, float64(i%4/3))
	}
	for c := range table.Columns {
		column := &table.Columns[c]
		column.Name = fmt.Sprintf(`c%d <b onmouseover="alert(1)">'&`, c)
		for i := range rows {
			switch c % 4 {
			case 0:
				x := float64(i*(c+7)%1009) * math.Sqrt(float64(c+1))
				if i%7 == 0 {
					x = math.NaN()
				}
				column.Floats = append(column.Floats, x)
			case 1:
				column.Kind, column.Texts = dataset.Text, append(column.Texts, fmt.Sprintf("<script>alert(%d)</script>", i%5))
				column.Valid = append(column.Valid, i%11 != 0)
			case 2:
				column.Kind, column.Floats = dataset.Integer, append(column.Floats, math.NaN())
			case 3:
				column.Kind, column.Floats = dataset.Integer, append(column.Floats, float64(i*c%13+i%4/3*i%3))
			}
		}
	}
	// Three rows have a name of their own, which nobody may read.
	table.Columns[1].Texts[1], table.Columns[1].Texts[2], table.Columns[1].Texts[3] = "Ann Smith", "Ann Smith", "Ann Smith"
	table.Columns = append(table.Columns, days)
	role := func(name string) profile.Role {
		if name == "day" {
			return ""
		}
		return profile.Feature
	}
	return profile.Of(table, profile.About{Role: role, Label: label, Time: "day"}).Profile("loans <b>")
}

func TestProfileShowsEveryColumnAndEscapesWhatDataSay(t *testing.T) {
	t.Parallel()
	p := described(t, 5)
	found := dataset.Report{Rows: 3100, Findings: []dataset.Finding{
		{Severity: dataset.Error, Message: "column <i> is missing", RowIDs: []string{"A-17"}}, {Severity: dataset.Warning, Message: "2 rows equal an earlier one"},
	}}
	page, err := report.ProfileHTML(p, found)
	require.NoError(t, err)
	requireSelfContained(t, page)
	text := string(page)
	for _, want := range []string{
		"loans &lt;b&gt;", "c0 &lt;b onmouseover=&#34;alert(1)&#34;&gt;&#39;&amp;", "&lt;script&gt;alert(4)&lt;/scr…", "column &lt;i&gt; is missing", "2 rows equal an earlier one",
		"of 3,100 read", "Missing values", "Strongest pairs", "Constant or empty", "ignore: [", "2024-10",
	} {
		require.Contains(t, text, want)
	}
	for _, never := range []string{"<b onmouseover", "<script>alert", "Ann Smith", "A-17", "NaN", "Inf", "%!"} {
		require.NotContains(t, text, never)
	}
	require.Equal(t, 5, strings.Count(text, `<details class="col"`))
	require.Equal(t, strings.Count(text, "<svg"), strings.Count(text, `role="img" aria-label="`)+strings.Count(text, "aria-hidden"), "every plot says what it is")
	again, err := report.ProfileHTML(p, found)
	require.NoError(t, err)
	require.Equal(t, page, again)
}

func TestProfileOfNothing(t *testing.T) {
	t.Parallel()
	for _, p := range []profile.Profile{{Name: "none"}, (&profile.Accumulator{}).Profile("none"), described(t, 3)} {
		page, err := report.ProfileHTML(p, dataset.Report{})
		require.NoError(t, err)
		requireSelfContained(t, page)
	}
}

// A page of hundreds of columns opens at once.
func TestProfileOfManyColumnsIsSmall(t *testing.T) {
	t.Parallel()
	page, err := report.ProfileHTML(described(t, 300), dataset.Report{})
	require.NoError(t, err)
	require.Less(t, len(page), 6<<20)
}
